import { type Condition, statusBounds, type SpotPolicyStatus } from '../api/index.ts';
import { bounded } from '../api/bounded.ts';
import { revisionOf } from '../policy/revision.ts';
import { isSound, type Policy, policyKey, type SoundPolicy } from '../world/policy.ts';
import type { View } from '../world/view.ts';
import { describeOmission, type Omission, withOmission } from './attempts.ts';
import { changedParts } from './changed-parts.ts';
import { type Finding, findConditions, type Grounds, stalled, writeConditions } from './conditions.ts';
import type { Counts } from './counts.ts';
import { tryOut } from './dry-run.ts';
import { type Governed, listWorkloads, sumGoverned } from './governed.ts';
import { entryOf, forbiddenCall, summarize, toList, withListed } from './interruptions.ts';
import { describeCounted } from './leftovers.ts';
import { describeRivals, type StatusRivals } from './rivalry.ts';
import { failingTargets, findTargetProblem } from './targets.ts';
import { describeUnseen, findUnwritable } from './templates.ts';
import { isUrgent, urgentPartsOf } from './urgent.ts';

/** How the status of a policy is being written; each is undefined where nothing is in the way. */
export interface Circumstances {
  readonly omission?: Omission | undefined;
  readonly rivals?: StatusRivals | undefined;
}

/** The status of a policy, of which the parts that can wait are made when they are asked for. */
export interface Report {
  readonly conditions: readonly Condition[];
  /** It tells something that cannot wait. */
  readonly urgent: boolean;
  readonly whole: () => SpotPolicyStatus;
}

/**
 * The status of a policy as the world stands and counts were settled last; the same world gives the same status, byte for
 * byte. What is omitted stays as it was written last, and the conditions say so; they name rivals as well.
 */
export const reportOn = (
  counts: Counts,
  policy: Policy,
  nowMs: number,
  { omission, rivals }: Circumstances = {},
): Report => {
  const { generation } = policy;
  const { findings, urgent, rest } = isSound(policy)
    ? describe(counts, policy, nowMs, { omission, rivals })
    : { findings: stalled(policy), urgent: {}, rest: () => ({}) };
  const conditions = writeConditions(policy.status?.conditions ?? [], findings, generation, nowMs);
  const first = { observedGeneration: generation, ...urgent, conditions };
  const told = urgentPartsOf(policy.status);
  return {
    conditions,
    urgent: isUrgent(told, changedParts(told, bounded(withOmission(told, first, omission))) ?? {}),
    whole: () => bounded(withOmission(policy.status, { ...first, ...rest() }, omission)),
  };
};

interface Description {
  readonly findings: readonly Finding[];
  readonly urgent: Pick<SpotPolicyStatus, 'interruption' | 'interruptions' | 'totals'>;
  readonly rest: () => SpotPolicyStatus;
}

const describe = (
  counts: Counts,
  policy: SoundPolicy,
  nowMs: number,
  { omission, rivals }: Circumstances,
): Description => {
  const { view } = counts;
  const governed = sumGoverned(counts, policy);
  const interruptions = [...view.interruptions.group('policy', policyKey(policy))];
  const listed = toList(interruptions);
  return {
    findings: findConditions(
      policy,
      {
        governed,
        reach: reachOf(view, policy, governed),
        probe: view.probes.byUid(policy.uid),
        contest: view.contests.current,
        unseen: describeUnseen(view),
        unwritable: policy.spec.injection.at === 'Workload' ? findUnwritable(governed) : undefined,
        troubles: [...view.templateTroubles.group('policy', policy.uid)],
        target: findTargetProblem(view, policy),
        counted: describeCounted(view, policy),
        unreadable: [
          ...[describeOmission(omission), describeRivals(rivals)],
          ...[...failingSources(view), ...failingTargets(view, policy)],
        ]
          .filter(Boolean)
          .join('; '),
        forbidden: forbiddenCall(interruptions),
      },
      nowMs,
    ),
    urgent: {
      interruption: summarize(interruptions),
      interruptions: listed.map((each) => entryOf(each, policy.kind)),
      totals: withListed(view.totals(policyKey(policy)), listed),
    },
    rest: () => ({
      revision: revisionOf(policy),
      pods: governed.pods,
      ...(policy.kind === 'ClusterSpotPolicy' && {
        namespaces: governed.namespaces.slice(0, statusBounds.namespaces),
        namespacesTotal: governed.namespaces.length,
      }),
      workloads: listWorkloads(counts, policy),
      workloadsTotal: governed.workloadsTotal,
      ...(policy.spec.mode === 'DryRun' && { dryRun: tryOut(counts, policy) }),
    }),
  };
};

const reachOf = (view: View, policy: SoundPolicy, { namespaces }: Governed): Grounds['reach'] => {
  if (namespaces.length > 0) return 'Some';
  if (policy.kind === 'SpotPolicy') return view.isExempt(policy.namespace) ? 'Exempt' : 'OptedOut';
  return view.synced('Namespace') ? 'None' : 'Unknown';
};

/** Failures in a row after which a source that once delivered is called unreadable: some seconds of back-off. */
export const failuresToTell = 5;

const failingSources = (view: View): readonly string[] =>
  [...view.troubles.entries()]
    .filter(([kind, { failures }]) => !view.synced(kind) || failures >= failuresToTell)
    .map(
      ([kind, { error }]) =>
        `${kind} cannot be read: ${error instanceof Error ? error.message : String(error)}`,
    )
    .toSorted();
