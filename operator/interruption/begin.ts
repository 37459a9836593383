import { apiEvict, eciAnnotations, ourAnnotations, specifiedDelete } from '../api/keys.ts';
import { ownerChain } from '../policy/owners.ts';
import { planEviction } from '../policy/plan.ts';
import { governingPolicy, isOptedOut, namespacesOf } from '../policy/rules.ts';
import type { Detachment, Interruption, Settings, Signal, WorkloadReference } from '../world/interruption.ts';
import { isOfKind } from '../world/objects.ts';
import { isTerminal, type Pod } from '../world/pod.ts';
import { policyKey, policyOf, type SoundPolicy } from '../world/policy.ts';
import type { View } from '../world/view.ts';
import { endingOf } from './follow.ts';
import { type Mark, readMark, signalOf } from './mark.ts';
import { type Notice, readNotice } from './notice.ts';

/** What a pod's history is judged by. */
export interface BeginOptions {
  readonly defaultMinutes: number;
  /** The first look of a term: what ends already was begun, and counted, by an earlier leader. */
  readonly atStart: boolean;
  readonly nowMs: number;
}

// A released pod stays as Failed/BidFailed; one whose deadline is longer past is history.
const historyMs = 600_000;

/** The record of a pod that is under notice and governed, or undefined where there is nothing to follow. */
export const beginInterruption = (view: View, pod: Pod, options: BeginOptions): Interruption | undefined => {
  if (pod.annotations[eciAnnotations.spotStrategy] === undefined) return undefined;
  const mark = markOn(view, pod);
  if (mark?.outcome) return undefined;
  const notice = noticeOf(view, pod, mark ? [signalOf(mark)] : [], options);
  const settings = notice && settingsFor(view, pod, mark);
  if (!settings || isHistory(pod, notice, options.nowMs)) return undefined;
  const chain = ownerChain(view, pod);
  const job = pod.controller && view.workload(pod.controller);
  const taken = options.atStart && pod.deletionAtMs !== undefined;
  return {
    uid: pod.uid,
    namespace: pod.namespace,
    name: pod.name,
    nodeName: pod.nodeName,
    workload: replacingWorkload(chain),
    settings,
    plan: planEviction({
      chain,
      settings,
      ignoresDisruption: job?.ignoresDisruption ?? false,
      mirror: pod.annotations['kubernetes.io/config.mirror'] !== undefined,
      evictedByNode: pod.annotations[eciAnnotations.spotReleaseStrategy] === apiEvict,
    }),
    signals: notice.signals,
    noticedAtMs: notice.noticedAtMs,
    deadlineMs: notice.deadlineMs,
    onCondition: notice.onCondition,
    counted: mark !== undefined || taken,
    marked: mark && 'UnderWay',
    call: undefined,
    detached: mark && detachedBy(mark, pod),
    plainly: mark?.plainly,
    queue: undefined,
    budgets: [],
    refusal: undefined,
    unmarked: undefined,
    evictedAtMs: taken ? pod.deletedAtMs : undefined,
    forced: false,
    // Of a pod that has ended before anybody looked, it is only known that it ended after the notice.
    ending: isTerminal(pod) ? endingOf(pod, notice.noticedAtMs) : undefined,
    goneAtMs: undefined,
    replacement: undefined,
    outcome: undefined,
    phase: 'Noticed',
    message: '',
  };
};

/**
 * The record after a move whose answer was lost, as its pod tells now what came of it: the mark is written in the same
 * stroke.
 */
export const withMove = (view: View, interruption: Interruption, pod: Pod): Interruption => {
  const mark = markOn(view, pod);
  if (!mark) return interruption;
  const { plainly = mark.plainly, replacement } = interruption;
  const detached = detachedBy(mark, pod);
  // Of a pod that has ended since, the watch may still show the mark before its last.
  const { marked = 'UnderWay' } = interruption;
  return { ...interruption, counted: true, marked, detached, plainly, replacement: detached && replacement };
};

// A mark may be older than what has become of its pod since.
const detachedBy = ({ detached }: Mark, { controller, labels }: Pod): Detachment | undefined =>
  detached && (detached.origin ? isOfKind(controller, 'Deployment') : specifiedDelete in labels)
    ? detached
    : undefined;

// Whoever may annotate the pod may write a mark: it speaks of policies that may govern the pod or not at all.
const markOn = (view: View, pod: Pod): Mark | undefined => {
  const mark = readMark(pod.annotations[ourAnnotations.interruption]);
  return mark && mayBeOf(view, mark.settings.policy, pod) ? mark : undefined;
};

const mayBeOf = (view: View, key: string, { namespace, uid }: Pod): boolean => {
  if (key.startsWith(policyKey({ kind: 'SpotPolicy', namespace, name: '' }))) return true;
  if (!key.startsWith(policyKey({ kind: 'ClusterSpotPolicy', namespace: '', name: '' }))) return false;
  const policy = policyOf(view, key);
  // One that is gone counts nothing any more. One that was edited meanwhile lists the pod in its status, which no user
  // of the namespace can write.
  return (
    !policy ||
    namespacesOf(view, policy).includes(namespace) ||
    (policy.status?.interruptions ?? []).some((entry) => entry.uid === uid)
  );
};

/** The notice that a pod is under; `known` are the signals of earlier looks. */
export const noticeOf = (
  view: View,
  pod: Pod,
  known: readonly Signal[],
  { defaultMinutes, nowMs }: Pick<BeginOptions, 'defaultMinutes' | 'nowMs'>,
): Notice | undefined =>
  readNotice({
    pod,
    events: view.reclaimEvents.about(pod),
    known,
    defaultMinutes,
    nowMs,
    isDeparted: (uid) => view.lifetimes.isDeparted(uid),
  });

// What was recorded when the handling began, else the policy that governs now, else the one that stamped the pod.
const settingsFor = (view: View, pod: Pod, mark: Mark | undefined): Settings | undefined => {
  if (mark) return mark.settings;
  const policy = governingPolicy(view, pod) ?? (isOptedOut(pod) ? undefined : stampedPolicy(view, pod));
  if (!policy) return undefined;
  const { evictor, replacement, surge, jobPods, onDeadline } = policy.spec.interruption;
  return { policy: policyKey(policy), evictor, replacement, surge, jobPods, onDeadline };
};

const stampedPolicy = (view: View, pod: Pod): SoundPolicy | undefined => {
  const stamp = pod.annotations[ourAnnotations.policy];
  const rules = view.rules(pod.namespace);
  return rules.find((policy) => policyKey(policy) === stamp);
};

const isHistory = (pod: Pod, notice: Notice, nowMs: number): boolean =>
  isTerminal(pod) && (hasEndedByItself(pod) || notice.deadlineMs < nowMs - historyMs);

const hasEndedByItself = ({ reason, deletionAtMs }: Pod): boolean =>
  reason !== 'BidFailed' && deletionAtMs === undefined;

// A Deployment replaces the pods of its ReplicaSets, whichever revision they are; otherwise the nearest controller does.
const replacingWorkload = (chain: readonly WorkloadReference[]): WorkloadReference | undefined => {
  const [nearest, above] = chain;
  return isOfKind(nearest, 'ReplicaSet') && isOfKind(above, 'Deployment') && above?.uid ? above : nearest;
};
