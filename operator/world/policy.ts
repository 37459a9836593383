import {
  type EffectiveSpec,
  parseSpec,
  type PolicyKindName,
  type Problem,
  type SpotPolicyStatus,
} from '../api/index.ts';
import { type Identity, identityOf, instantMs, type RawObject, writersOf } from './object.ts';

/** A policy as the operator understands it; `namespace` is empty for one of the cluster. */
export interface Policy extends Identity {
  readonly kind: PolicyKindName;
  readonly generation: number;
  readonly createdAtMs: number;
  /** Defaults filled in; undefined where the spec cannot be understood. */
  readonly spec: EffectiveSpec | undefined;
  readonly problems: readonly Problem[];
  readonly status: SpotPolicyStatus | undefined;
  readonly resourceVersion: string;
  /** The field managers that wrote its status, the latest first. */
  readonly statusWriters: readonly string[];
}

/** A policy whose spec is understood. */
export type SoundPolicy = Policy & { readonly spec: EffectiveSpec };

/** Whether its spec is understood. */
export const isSound = (policy: Policy): policy is SoundPolicy => policy.spec !== undefined;

/** A policy as a list or a watch delivers it. */
export type RawPolicy = RawObject & { readonly spec: unknown; readonly status?: SpotPolicyStatus };

const trim =
  (kind: PolicyKindName) =>
  (raw: RawPolicy): Policy => {
    const parsed = parseSpec(raw.spec, kind);
    return {
      ...identityOf(raw),
      kind,
      generation: raw.metadata?.generation ?? 0,
      createdAtMs: instantMs(raw.metadata?.creationTimestamp) ?? 0,
      spec: parsed.ok ? parsed.spec : undefined,
      problems: parsed.ok ? [] : parsed.problems,
      status: raw.status,
      resourceVersion: raw.metadata?.resourceVersion ?? '',
      statusWriters: writersOf(raw, 'status'),
    };
  };

/** The world's record of a SpotPolicy, which must come with its `managedFields`; a spec it cannot understand becomes `problems`, never an exception. */
export const trimPolicy = trim('SpotPolicy');
/** The world's record of a ClusterSpotPolicy, likewise. */
export const trimClusterPolicy = trim('ClusterSpotPolicy');

/** `SpotPolicy/<namespace>/<name>` or `ClusterSpotPolicy/<name>`: how stamps and interruptions name a policy. */
export const policyKey = ({ kind, namespace, name }: Pick<Policy, 'kind' | 'namespace' | 'name'>): string =>
  kind === 'SpotPolicy' ? `${kind}/${namespace}/${name}` : `${kind}/${name}`;

/** The policy that a key names, or undefined. */
export const policyOf = (
  { policies }: { policies: { byName(namespace: string, name: string): Policy | undefined } },
  key: string,
): Policy | undefined => {
  const [kind, ...path] = key.split('/');
  const [namespace = '', name = ''] = kind === 'SpotPolicy' ? path : ['', ...path];
  return policies.byName(namespace, name);
};
