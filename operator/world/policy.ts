import {
  type EffectiveSpec,
  parseSpec,
  type Problem,
  type SpotPolicyObject,
  type SpotPolicyStatus,
} from '../api/index.ts';
import { type Identity, identityOf, instantMs, type RawObject } from './object.ts';

/** A policy as the operator understands it. */
export interface Policy extends Identity {
  readonly resourceVersion: string;
  readonly generation: number;
  readonly createdAtMs: number;
  /** Defaults filled in; undefined where the spec cannot be understood. */
  readonly spec: EffectiveSpec | undefined;
  readonly problems: readonly Problem[];
  readonly status: SpotPolicyStatus | undefined;
}

/** A policy whose spec is understood. */
export type SoundPolicy = Policy & { readonly spec: EffectiveSpec };

/** The world's record of a SpotPolicy; a spec it cannot understand becomes `problems`, never an exception. */
export const trimPolicy = (raw: RawObject & Pick<SpotPolicyObject, 'spec' | 'status'>): Policy => {
  const parsed = parseSpec(raw.spec);
  return {
    ...identityOf(raw),
    resourceVersion: raw.metadata?.resourceVersion ?? '',
    generation: raw.metadata?.generation ?? 0,
    createdAtMs: instantMs(raw.metadata?.creationTimestamp) ?? 0,
    spec: parsed.ok ? parsed.spec : undefined,
    problems: parsed.ok ? [] : parsed.problems,
    status: raw.status,
  };
};

/** `SpotPolicy/<namespace>/<name>`: how stamps and interruptions name a policy. */
export const policyKey = ({ namespace, name }: { namespace: string; name: string }): string =>
  `SpotPolicy/${namespace}/${name}`;

/** The policy that a key names, or undefined. */
export const policyOf = (
  { policies }: { policies: { byName(namespace: string, name: string): Policy | undefined } },
  key: string,
): Policy | undefined => {
  const [, namespace = '', name = ''] = key.split('/');
  return policies.byName(namespace, name);
};
