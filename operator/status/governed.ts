import { ourAnnotations } from '../api/keys.ts';
import type { SpotPolicyStatus } from '../api/index.ts';
import { isDegraded, isOnVirtualNode, wantsSpot } from '../policy/capacity.ts';
import { nodesTooOld } from '../policy/virtual-node.ts';
import { divides } from '../policy/distribution.ts';
import { isBoundToNode, ownerChain, topWorkload } from '../policy/owners.ts';
import { revisionOf } from '../policy/revision.ts';
import { isTied, namespacesOf } from '../policy/rules.ts';
import { isLive, type Pod } from '../world/pod.ts';
import { policyKey, type SoundPolicy } from '../world/policy.ts';
import type { View } from '../world/view.ts';
import { countDeviation } from './deviation.ts';
import type { Members } from './members.ts';

/** Counts of pods as the status has them. */
export type PodCounts = NonNullable<SpotPolicyStatus['pods']>;

/** One workload as the status has it. */
export type WorkloadCounts = NonNullable<SpotPolicyStatus['workloads']>[number];

/** One namespace as the status of a policy of the cluster has it. */
export type NamespaceCounts = NonNullable<SpotPolicyStatus['namespaces']>[number];

/** The pods of a policy, counted, and who else governs pods that it selects. */
export interface Governed {
  readonly pods: PodCounts;
  /** Every namespace that the policy reaches, sorted by name. */
  readonly namespaces: readonly NamespaceCounts[];
  /** Sorted by kind, name and namespace. */
  readonly workloads: readonly WorkloadCounts[];
  /** Virtual nodes of its pods whose version is known and evicts nothing, sorted. */
  readonly oldNodes: readonly string[];
  /** Names, or keys where a name is not enough, of the policies that govern pods which this one selects too. */
  readonly winners: readonly string[];
  /** Those of them, named likewise, that win by nothing but their name. */
  readonly tiedWinners: readonly string[];
  /** Those, named likewise, that lose pods to this one by nothing but their name. */
  readonly tiedLosers: readonly string[];
}

type Tally = { -readonly [Key in keyof PodCounts]: PodCounts[Key] };

const none = (): Tally => ({
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

/** Counts the living pods that a policy governs. Costs what there are of these, once its members are known. */
export const countGoverned = (members: Members, policy: SoundPolicy): Governed => {
  const { view } = members;
  const pods = none();
  const workloads = new Map<string, CountedWorkload>();
  const winners = new Set<string>();
  const tiedWinners = new Set<string>();
  const tiedLosers = new Set<string>();
  const own: Pod[] = [];
  const namespaces = namespacesOf(view, policy).map((name): NamespaceCounts => {
    const before = { ...pods };
    for (const { pod, contenders } of members.of(policy, name)) {
      const [governor, ...others] = contenders;
      if (!governor || !isLive(pod) || isBoundToNode(pod)) continue;
      if (governor.uid === policy.uid) {
        count(view, pods, pod, policy);
        countWorkload(view, workloads, pod);
        own.push(pod);
        for (const other of others) if (isTied(policy, other)) tiedLosers.add(nameFor(policy, other));
      } else {
        winners.add(nameFor(policy, governor));
        if (isTied(policy, governor)) tiedWinners.add(nameFor(policy, governor));
      }
    }
    const since = (figure: 'matched' | 'spot' | 'onDemand'): number => pods[figure] - before[figure];
    return { name, pods: since('matched'), spot: since('spot'), onDemand: since('onDemand') };
  });
  return {
    pods,
    namespaces,
    workloads: [...workloads.entries()]
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([, { counts, members: pods }]) =>
        divides(policy.spec) ? { ...counts, deviation: countDeviation(view, policy, pods) } : counts,
      ),
    oldNodes: nodesTooOld(own),
    winners: [...winners].toSorted(),
    tiedWinners: [...tiedWinners].toSorted(),
    tiedLosers: [...tiedLosers].toSorted(),
  };
};

// Among policies of one namespace the name says enough.
const nameFor = (reader: SoundPolicy, policy: SoundPolicy): string =>
  reader.kind === 'SpotPolicy' && policy.kind === 'SpotPolicy' ? policy.name : policyKey(policy);

interface CountedWorkload {
  counts: WorkloadCounts;
  readonly members: Pod[];
}

/** What a pod counts as: waiting, on spot capacity, or on demand and why. */
const standingOf = (view: View, pod: Pod): Partial<Tally> => {
  if (pod.phase === 'Pending') return { pending: 1 };
  if (!wantsSpot(pod)) return { onDemand: 1 };
  if (isDegraded(view, pod)) return { onDemand: 1, fallback: 1 };
  return isOnVirtualNode(view, pod) ? { spot: 1 } : { onDemand: 1, offVirtualNode: 1 };
};

const count = (view: View, tally: Tally, pod: Pod, policy: SoundPolicy): void => {
  const { policy: stamp, revision, reason } = ourAnnotations;
  const stamped = pod.annotations[stamp];
  const injects = policy.spec.injection.at !== 'None';
  const current = stamped === policyKey(policy) && pod.annotations[revision] === revisionOf(policy);
  add(tally, { matched: 1, ...standingOf(view, pod) });
  add(tally, {
    outdated: Number(injects && stamped !== undefined && !current),
    uninjected: Number(injects && stamped === undefined && pod.createdAtMs >= policy.createdAtMs),
    userValueKept: Number(pod.annotations[reason] === 'UserValueKept'),
  });
};

const countWorkload = (view: View, workloads: Map<string, CountedWorkload>, pod: Pod): void => {
  const top = topWorkload(ownerChain(view, pod));
  if (!top) return;
  const { group, kind, namespace, name } = top;
  const key = `${kind}/${name}/${group}/${namespace}`;
  const workload = workloads.get(key) ?? {
    counts: { ref: { group, kind, namespace, name }, pods: 0, spot: 0, onDemand: 0, fallback: 0 },
    members: [],
  };
  workloads.set(key, workload);
  workload.members.push(pod);
  const { counts } = workload;
  const { spot = 0, onDemand = 0, fallback = 0 } = standingOf(view, pod);
  workload.counts = {
    ref: counts.ref,
    pods: counts.pods + 1,
    spot: counts.spot + spot,
    onDemand: counts.onDemand + onDemand,
    fallback: counts.fallback + fallback,
  };
};

const add = (tally: Tally, more: Partial<Tally>): void => {
  for (const key of Object.keys(more) as (keyof Tally)[]) tally[key] += more[key] ?? 0;
};
