import type { SpotPolicyStatus } from '../api/index.ts';
import { statusBounds } from '../api/index.ts';
import { divides } from '../policy/distribution.ts';
import { isTied, namespacesOf } from '../policy/rules.ts';
import { isRankTooOld } from '../policy/virtual-node.ts';
import { isSound, policyKey, type SoundPolicy } from '../world/policy.ts';
import type { Counts } from './counts.ts';
import { deviationIn } from './deviation.ts';
import { firstOf } from './sorted.ts';
import { none, type PodCounts, type Subtotal, type Tally, type WorkloadSubtotal } from './subtotal.ts';
import { mostNamed } from './templates.ts';

/** One workload as the status has it. */
export type WorkloadCounts = NonNullable<SpotPolicyStatus['workloads']>[number];

/** One namespace as the status of a policy of the cluster has it. */
export type NamespaceCounts = NonNullable<SpotPolicyStatus['namespaces']>[number];

/** The pods of a policy, counted, and who else governs pods that it selects. */
export interface Governed {
  readonly pods: PodCounts;
  /** Every namespace that the policy reaches, sorted by name. */
  readonly namespaces: readonly NamespaceCounts[];
  readonly workloadsTotal: number;
  /** Workloads of a kind whose template is never written: how many, and the first of them. */
  readonly untemplated: { readonly total: number; readonly first: readonly WorkloadCounts['ref'][] };
  /** Pods that no workload made. */
  readonly bare: number;
  /** Pod templates that the policy governs, where it writes any. */
  readonly templates: number;
  /** Virtual nodes whose version is known and evicts nothing, sorted; only of a policy that leaves evictions to them. */
  readonly oldNodes: readonly string[];
  /** Names, or keys where a name is not enough, of the policies that govern pods which this one selects too. */
  readonly winners: readonly string[];
  /** Those of them, named likewise, that win by nothing but their name. */
  readonly tiedWinners: readonly string[];
  /** Those, named likewise, that lose pods to this one by nothing but their name. */
  readonly tiedLosers: readonly string[];
}

/** Sums up what a policy has, as it was settled last. Costs what there are of namespaces. */
export const sumGoverned = (counts: Counts, policy: SoundPolicy): Governed => {
  const all = namespacesOf(counts.view, policy).map((name) => ({ name, subtotal: counts.of(policy, name) }));
  const subtotals = all.flatMap(({ subtotal }) => subtotal ?? []);
  const sum = (figure: (subtotal: Subtotal) => number): number =>
    subtotals.reduce((so, subtotal) => so + figure(subtotal), 0);
  const pods = none();
  for (const figure of Object.keys(pods) as (keyof Tally)[]) pods[figure] = sum((each) => each.pods[figure]);
  const winners = policiesIn(
    counts,
    subtotals.map((each) => each.winners),
  );
  const losers = policiesIn(
    counts,
    subtotals.map((each) => each.losers),
  );
  return {
    pods,
    namespaces: all.map(({ name, subtotal }) => {
      const { matched = 0, spot = 0, onDemand = 0 } = subtotal?.pods ?? {};
      return { name, pods: matched, spot, onDemand };
    }),
    workloadsTotal: sum(({ workloads }) => workloads.size),
    untemplated: {
      total: sum(({ untemplatedKeys }) => untemplatedKeys.size),
      first: workloadsOf(
        counts,
        policy,
        subtotals.map((each) => each.untemplatedKeys),
        mostNamed,
      ).map(({ ref }) => ref),
    },
    bare: sum(({ bare }) => bare),
    templates: sum(({ templates }) => templates),
    oldNodes: oldNodesIn(subtotals),
    winners: namesFor(policy, winners),
    tiedWinners: namesFor(
      policy,
      winners.filter((other) => isTied(policy, other)),
    ),
    tiedLosers: namesFor(
      policy,
      losers.filter((other) => isTied(policy, other)),
    ),
  };
};

/** The first workloads of a policy, sorted by kind, name and namespace, as the status lists them. */
export const listWorkloads = (counts: Counts, policy: SoundPolicy): WorkloadCounts[] => {
  const keys = namespacesOf(counts.view, policy).map((name) => counts.of(policy, name)?.workloadKeys ?? []);
  return workloadsOf(counts, policy, keys, statusBounds.workloads).map(({ division, ...workload }) => ({
    ...workload,
    ...(divides(policy.spec) && { deviation: deviationIn(division, policy.spec.distribution) }),
  }));
};

// A key ends with the namespace.
const workloadsOf = (
  counts: Counts,
  policy: SoundPolicy,
  keys: Iterable<Iterable<string>>,
  most: number,
): readonly WorkloadSubtotal[] =>
  firstOf(keys, most).flatMap(
    (key) => counts.of(policy, key.slice(key.lastIndexOf('/') + 1))?.workloads.get(key) ?? [],
  );

const policiesIn = (counts: Counts, bags: readonly Subtotal['winners'][]): readonly SoundPolicy[] => {
  const uids = new Set(bags.flatMap((bag) => [...bag.keys()]));
  return [...uids].flatMap((uid) => counts.view.policies.byUid(uid) ?? []).filter(isSound);
};

// Among policies of one namespace the name says enough.
const namesFor = (reader: SoundPolicy, policies: readonly SoundPolicy[]): readonly string[] =>
  policies
    .map((policy) =>
      reader.kind === 'SpotPolicy' && policy.kind === 'SpotPolicy' ? policy.name : policyKey(policy),
    )
    .toSorted();

const oldNodesIn = (subtotals: readonly Subtotal[]): readonly string[] => {
  const newest = new Map<string, number>();
  for (const { versions } of subtotals)
    for (const [node, { last = 0 }] of versions) newest.set(node, Math.max(last, newest.get(node) ?? 0));
  return [...newest]
    .filter(([, rank]) => isRankTooOld(rank))
    .map(([node]) => node)
    .toSorted();
};
