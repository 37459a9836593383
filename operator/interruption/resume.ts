import type { InterruptionEntry } from '../api/index.ts';
import type { Interruption, WorkloadReference } from '../world/interruption.ts';
import { instantMs } from '../world/object.ts';
import { type Policy, policyKey } from '../world/policy.ts';
import type { View } from '../world/view.ts';
import { type BeginOptions, beginInterruption } from './begin.ts';

/**
 * The interruptions that a new leader takes over, read once.
 *
 * Those whose pod is gone and whose replacement is awaited are in the policies' status and nowhere else. Those whose
 * pod is terminating were counted by whoever evicted it.
 */
export const resumeInterruptions = (
  view: View,
  nowMs: number,
  defaultMinutes: number,
): readonly Interruption[] => {
  const options: BeginOptions = { defaultMinutes, nowMs, atStart: true };
  const terminating = [...view.pods.all()].filter(({ deletionAtMs }) => deletionAtMs !== undefined);
  return [
    ...[...view.policies.all()].flatMap((policy) => awaitingIn(view, policy)),
    ...terminating.flatMap((pod) => beginInterruption(view, pod, options) ?? []),
  ];
};

const awaitingIn = (view: View, policy: Policy): Interruption[] =>
  (policy.status?.interruptions ?? [])
    .filter(({ phase, uid }) => phase !== 'Done' && !view.pods.byUid(uid))
    .flatMap((entry) => fromEntry(view, policy, entry));

const fromEntry = (view: View, policy: Policy, entry: InterruptionEntry): Interruption[] => {
  const noticedAtMs = instantMs(entry.noticedAt);
  const deadlineMs = instantMs(entry.deadline);
  if (noticedAtMs === undefined || deadlineMs === undefined) return [];
  const evictedAtMs = instantMs(entry.evictedAt);
  return [
    {
      uid: entry.uid,
      namespace: policy.namespace,
      name: entry.pod,
      nodeName: entry.node,
      workload: entry.workload && workloadOf(view, policy.namespace, entry.workload),
      // Nothing is decided any more: the pod is gone, only its replacement is awaited.
      settings: { policy: policyKey(policy), evictor: 'None', jobPods: 'Never', onDeadline: 'Leave' },
      plan: { when: entry.outcome === 'LeftToReclaim' ? 'Never' : 'AtOnce', because: '', charged: false },
      signals: [],
      noticedAtMs,
      deadlineMs,
      onCondition: false,
      counted: true,
      marked: 'Ended',
      call: undefined,
      budgets: [],
      refusal: undefined,
      evictedAtMs,
      forced: entry.outcome === 'Forced',
      ending: { how: 'Gone', atMs: evictedAtMs ?? noticedAtMs },
      replacement: undefined,
      outcome: entry.outcome,
      phase: 'AwaitingReplacement',
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
    .filter((candidate) => candidate === kind)
    .map((candidate) => view.workloads(candidate).byName(namespace, name)?.uid)[0];
  return { group, kind, namespace, name, uid: known ?? uid };
};
