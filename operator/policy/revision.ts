import type { EffectiveSpec } from '../api/index.ts';
import type { SoundPolicy } from '../world/policy.ts';

const revisions = new WeakMap<EffectiveSpec, string>();

/**
 * Twelve hexadecimal digits that change when, and only when, what the policy gives or does changes; with
 * `injection.at: Workload` only when what it gives does.
 */
export const revisionOf = ({ spec }: Pick<SoundPolicy, 'spec'>): string => {
  const known = revisions.get(spec);
  if (known) return known;
  const revision = fingerprint(canonical(spec.injection.at === 'Workload' ? givenBy(spec) : spec));
  revisions.set(spec, revision);
  return revision;
};

// A template carries the revision, so whatever counts here restarts pods: an edit of a deadline must not.
const givenBy = ({
  strategy,
  priceLimit,
  durationHours,
  instanceSpecs,
  fallback,
  injection,
  interruption: { evictor, jobPods },
}: EffectiveSpec) => ({
  ...{ strategy, priceLimit, durationHours, instanceSpecs },
  ...{ fallback, injection },
  // Pods ask their virtual node for eviction, or not.
  evicted: evictor === 'VirtualNode' ? jobPods : undefined,
});

// JSON with sorted keys: the order in which a user wrote the fields is not part of the policy.
const canonical = (value: unknown): string => {
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  const entries = Object.entries(value).filter(([, entry]) => entry !== undefined);
  return `{${entries
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, entry]) => `${JSON.stringify(key)}:${canonical(entry)}`)
    .join()}}`;
};

// FNV-1a over 64 bits (offset basis and prime from its specification): no secret depends on it.
const fingerprint = (text: string): string => {
  let hash = 0xcbf29ce484222325n;
  for (const byte of new TextEncoder().encode(text)) {
    hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x100000001b3n);
  }
  return hash.toString(16).padStart(16, '0').slice(0, 12);
};
