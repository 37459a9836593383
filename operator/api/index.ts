export {
  apiEvict,
  eciAnnotations,
  eciLabel,
  eciSpotPrefix,
  optOutLabel,
  ourAnnotations,
  ourLabels,
  virtualNode,
} from './keys.ts';
export { apiVersion, group, spotPolicyNames, version, type PolicyMetadata } from './metadata.ts';
export { parseSpec, type EffectiveSpec, type ParsedSpec, type Problem } from './effective-spec.ts';
export type { LabelSelector } from './label-selector.ts';
export type { SpotPolicyObject, SpotPolicySpec, SpotPolicySpecInput, TargetRef } from './spot-policy.ts';
export { statusBounds, type Condition, type InterruptionEntry, type SpotPolicyStatus } from './status.ts';
