import type { SpotPolicyStatus } from '../api/index.ts';
import { divides } from '../policy/distribution.ts';
import { versionRank } from '../policy/virtual-node.ts';
import type { WorkloadReference } from '../world/interruption.ts';
import { policyKey, type SoundPolicy } from '../world/policy.ts';
import { Bag } from './bag.ts';
import { type Contribution, stampOf, type TemplateContribution } from './contribution.ts';
import { type Division, divide, undivided } from './deviation.ts';
import { Sorted } from './sorted.ts';
import { hasTemplate } from '../world/template.ts';

/** Counts of pods as the status has them. */
export type PodCounts = NonNullable<SpotPolicyStatus['pods']>;

/** Counts that go up and down. */
export type Tally = { -readonly [Key in keyof PodCounts]: PodCounts[Key] };

/** No pods. */
export const none = (): Tally => ({
  matched: 0,
  spot: 0,
  onDemand: 0,
  fallback: 0,
  pending: 0,
  outdated: 0,
  uninjected: 0,
  userValueKept: 0,
  offVirtualNode: 0,
});

/** The pods of one workload that a policy governs. */
export interface WorkloadSubtotal {
  readonly ref: Omit<WorkloadReference, 'uid'>;
  pods: number;
  spot: number;
  onDemand: number;
  fallback: number;
  readonly division: Division;
}

/** What one policy has in one namespace. */
export class Subtotal {
  /** How many contributions are in it. */
  size = 0;
  readonly pods = none();
  /** Pods that no workload made. */
  bare = 0;
  readonly workloads = new Map<string, WorkloadSubtotal>();
  readonly workloadKeys = new Sorted<string>();
  /** Those of a kind whose template is never written. */
  readonly untemplatedKeys = new Sorted<string>();
  /** UIDs of the policies that govern pods which this one would govern without others. */
  readonly winners = new Bag();
  /** UIDs of those that would govern pods of this one without others. */
  readonly losers = new Bag();
  /** By virtual node what its pods tell of its version, the newest pod last. */
  readonly versions = new Map<string, Sorted<number>>();
  /** Templates that it governs, where it writes any. */
  templates = 0;
}

/** What one policy in DryRun would have in one namespace. */
export class TrialSubtotal {
  size = 0;
  /** Names of the pods that it would gain. */
  readonly pods = new Sorted<string>();
  /** Keys of the policies that it would take them from. */
  readonly taken = new Bag();
  /** The templates that it would write, as `<name>/<kind>`. */
  readonly templates = new Sorted<string>();
}

/** The subtotals of one namespace, by UID of the policy; of those that have something there. */
export interface Subtotals {
  readonly enforced: Map<string, Subtotal>;
  readonly tried: Map<string, TrialSubtotal>;
}

/** Adds what a pod contributes, or takes it away again. */
export const countPod = (subtotals: Subtotals, contribution: Contribution, by: 1 | -1): void => {
  const { pod, gainers } = contribution;
  const [governor, ...others] = contribution.contenders;
  for (const { uid } of gainers)
    change(subtotals.tried, uid, TrialSubtotal, by, ({ pods, taken }) => {
      put(pods, pod.name, by);
      if (governor) taken.add(policyKey(governor), by);
    });
  if (!governor) return;
  change(subtotals.enforced, governor.uid, Subtotal, by, (subtotal) => {
    countGoverned(subtotal, contribution, governor, by);
    for (const { uid } of others) subtotal.losers.add(uid, by);
  });
  for (const { uid } of others)
    change(subtotals.enforced, uid, Subtotal, by, ({ winners }) => winners.add(governor.uid, by));
};

/** Adds what a template contributes, or takes it away again; `key` is `<name>/<kind>` of its workload. */
export const countTemplate = (
  subtotals: Subtotals,
  key: string,
  { governor, writers }: TemplateContribution,
  by: 1 | -1,
): void => {
  if (governor)
    change(subtotals.enforced, governor.uid, Subtotal, by, (subtotal) => (subtotal.templates += by));
  for (const { uid } of writers)
    change(subtotals.tried, uid, TrialSubtotal, by, ({ templates }) => put(templates, key, by));
};

// One in which nothing is left goes.
const change = <S extends { size: number }>(
  all: Map<string, S>,
  uid: string,
  made: new () => S,
  by: 1 | -1,
  how: (subtotal: S) => void,
): void => {
  const subtotal = all.get(uid) ?? new made();
  how(subtotal);
  subtotal.size += by;
  if (subtotal.size === 0) all.delete(uid);
  else all.set(uid, subtotal);
};

const put = <T extends string | number>(sorted: Sorted<T>, item: T, by: 1 | -1): void => {
  if (by > 0) sorted.add(item);
  else sorted.remove(item);
};

const countGoverned = (
  subtotal: Subtotal,
  contribution: Contribution,
  governor: SoundPolicy,
  by: 1 | -1,
): void => {
  const { pod, top, standing } = contribution;
  const { pods } = subtotal;
  const { outdated, uninjected, userValueKept } = stampOf(pod, governor);
  pods.matched += by;
  pods[standing] += by;
  if (standing === 'fallback' || standing === 'offVirtualNode') pods.onDemand += by;
  if (outdated) pods.outdated += by;
  if (uninjected) pods.uninjected += by;
  if (userValueKept) pods.userValueKept += by;
  if (top) countWorkload(subtotal, { ...contribution, top }, governor, by);
  else subtotal.bare += by;
  const rank = governor.spec.interruption.evictor === 'VirtualNode' ? versionRank(pod) : undefined;
  if (rank !== undefined && pod.nodeName !== undefined) {
    const versions = subtotal.versions.get(pod.nodeName) ?? new Sorted<number>();
    put(versions, rank, by);
    if (versions.size === 0) subtotal.versions.delete(pod.nodeName);
    else subtotal.versions.set(pod.nodeName, versions);
  }
};

const countWorkload = (
  { workloads, workloadKeys, untemplatedKeys }: Subtotal,
  contribution: Contribution & { readonly top: WorkloadReference },
  governor: SoundPolicy,
  by: 1 | -1,
): void => {
  const { top, standing } = contribution;
  const { group, kind, namespace, name } = top;
  const key = `${kind}/${name}/${group}/${namespace}`;
  const known = workloads.get(key);
  const workload = known ?? {
    ref: { group, kind, namespace, name },
    ...{ pods: 0, spot: 0, onDemand: 0, fallback: 0 },
    division: undivided(),
  };
  workload.pods += by;
  if (standing === 'spot') workload.spot += by;
  else if (standing !== 'pending') workload.onDemand += by;
  if (standing === 'fallback') workload.fallback += by;
  if (divides(governor.spec)) divide(workload.division, contribution, governor, by);
  if (known && workload.pods > 0) return;
  put(workloadKeys, key, by);
  if (!hasTemplate(top)) put(untemplatedKeys, key, by);
  if (known) workloads.delete(key);
  else workloads.set(key, workload);
};
