export { apiVersion, type PolicyKindName } from './metadata.ts';
export { parseSpec, type EffectiveSpec, type Problem } from './effective-spec.ts';
export type { SpotPolicyObject, SpotPolicySpecInput } from './spot-policy.ts';
export { statusBounds } from './status-parts.ts';
export type { Condition, InterruptionEntry, SpotPolicyStatus } from './status.ts';
