import type { InterruptionEntry } from '../api/index.ts';
import { ourLabels } from '../api/keys.ts';
import type { Interruption, Outcome, Replacement, WorkloadReference } from '../world/interruption.ts';
import { instantMs } from '../world/object.ts';
import { isOfKind } from '../world/objects.ts';
import { isTerminal, type Pod } from '../world/pod.ts';
import { type Policy, policyKey, policyOf } from '../world/policy.ts';
import type { View } from '../world/view.ts';
import { type BeginOptions, beginInterruption } from './begin.ts';
import { endingOf } from './follow.ts';
import { readMark } from './mark.ts';

/**
 * The interruptions that a new leader takes over, read once.
 *
 * Those that are over, and those whose pod is and whose replacement is awaited, are in the policies' status and nowhere
 * else. Those whose pod is terminating were counted by whoever evicted it. Those whose pod is detached reserve room for its
 * replacement, which must be known before any other pod is detached.
 */
export const resumeInterruptions = (
  view: View,
  nowMs: number,
  defaultMinutes: number,
): readonly Interruption[] => {
  const options: BeginOptions = { defaultMinutes, nowMs, atStart: true };
  const listed = [...view.policies.all()].flatMap((policy) => listedIn(view, policy));
  const over = new Set(listed.map(({ uid }) => uid));
  const told = new Set([...view.policies.all()].flatMap(entriesOf).map(({ uid }) => uid));
  const underWay = [...view.pods.all()].filter(
    ({ uid, deletionAtMs, labels }) =>
      (deletionAtMs !== undefined || told.has(uid) || ourLabels.reclaiming in labels) && !over.has(uid),
  );
  return [
    ...listed,
    ...underWay.flatMap((pod) => {
      const begun = beginInterruption(view, pod, options);
      return begun ? [continued(view, begun)] : [];
    }),
  ];
};

const entriesOf = ({ status }: Policy): readonly InterruptionEntry[] => status?.interruptions ?? [];

const listedIn = (view: View, policy: Policy): Interruption[] =>
  entriesOf(policy)
    .filter(({ phase, uid }) => phase === 'Done' || isOver(view.pods.byUid(uid)))
    .flatMap((entry) => fromEntry(view, policy, entry));

// Gone, or left behind: marked as handled, or ended without a release, which nobody marks.
const isOver = (pod: Pod | undefined): boolean =>
  !pod || (isTerminal(pod) && (markedOutcome(pod) !== undefined || isUnmarked(pod)));

const isUnmarked = ({ phase, reason, deletionAtMs }: Pod): boolean =>
  reason !== 'BidFailed' && (phase === 'Failed' || deletionAtMs !== undefined);

const markedOutcome = (pod: Pod | undefined): Outcome | undefined => pod && readMark(pod)?.outcome;

// What was told of a pod goes on from there, so that nothing of it is told or counted again.
const continued = (view: View, begun: Interruption): Interruption => {
  const entries = policyOf(view, begun.settings.policy)?.status?.interruptions ?? [];
  const entry = entries.find(({ uid }) => uid === begun.uid);
  return entry
    ? {
        ...begun,
        phase: entry.phase === 'Blocked' ? 'Blocked' : begun.phase,
        evictedAtMs: instantMs(entry.evictedAt) ?? begun.evictedAtMs,
        forced: entry.outcome === 'Forced',
        outcome: entry.outcome,
        replacement: replacementOf(entry),
      }
    : begun;
};

const replacementOf = ({ replacement }: InterruptionEntry): Replacement | undefined =>
  replacement && {
    uid: replacement.uid,
    name: replacement.pod,
    capacity: replacement.capacity === 'OnDemand' ? 'on-demand' : 'spot',
    readyAtMs: instantMs(replacement.readyAt),
  };

const fromEntry = (view: View, policy: Policy, entry: InterruptionEntry): Interruption[] => {
  const noticedAtMs = instantMs(entry.noticedAt);
  const deadlineMs = instantMs(entry.deadline);
  if (noticedAtMs === undefined || deadlineMs === undefined) return [];
  const evictedAtMs = instantMs(entry.evictedAt);
  const { namespace = policy.namespace } = entry;
  const pod = view.pods.byUid(entry.uid);
  // The mark comes first: whoever wrote it may have been killed before the status told, and counted, the same.
  const outcome = entry.outcome ?? markedOutcome(pod);
  const endedAtMs = evictedAtMs ?? noticedAtMs;
  return [
    {
      uid: entry.uid,
      namespace,
      name: entry.pod,
      nodeName: entry.node,
      workload: entry.workload && workloadOf(view, namespace, entry.workload),
      // Nothing is decided any more: the pod is gone, only its replacement is awaited.
      settings: {
        policy: policyKey(policy),
        evictor: 'None',
        replacement: 'AfterEviction',
        surge: 'AsDoomed',
        jobPods: 'Never',
        onDeadline: 'Leave',
      },
      plan: { when: outcome === 'LeftToReclaim' ? 'Never' : 'AtOnce', because: '', charged: false },
      noticedAtMs,
      deadlineMs,
      length: 'Named',
      onCondition: undefined,
      onEvent: undefined,
      counted: true,
      marked: 'Ended',
      call: undefined,
      detached: undefined,
      plainly: undefined,
      queue: undefined,
      budgets: [],
      refusal: undefined,
      unmarked: undefined,
      evictedAtMs,
      forced: outcome === 'Forced',
      ending: endingOf(pod, endedAtMs) ?? { how: 'Gone', atMs: endedAtMs },
      goneAtMs: endedAtMs,
      replacement: replacementOf(entry),
      outcome: entry.outcome,
      phase: entry.phase === 'Done' ? 'Done' : 'AwaitingReplacement',
      message: entry.message ?? '',
    },
  ];
};

// The workload of that name today may be a new one: whoever it is, it is what replaces the pod now.
const workloadOf = (
  view: View,
  namespace: string,
  { group, kind, name, uid }: Omit<WorkloadReference, 'namespace'>,
): WorkloadReference => {
  const known = (['Deployment', 'ReplicaSet', 'StatefulSet', 'Job'] as const)
    .filter((candidate) => isOfKind({ group, kind }, candidate))
    .map((candidate) => view.workloads(candidate).byName(namespace, name)?.uid)[0];
  return { group, kind, namespace, name, uid: known ?? uid };
};
