import { type InterruptionEntry, statusBounds } from '../api/index.ts';
import { apiEvict, eciAnnotations, ourAnnotations, specifiedDelete } from '../api/keys.ts';
import { ownerChain } from '../policy/owners.ts';
import { planEviction } from '../policy/plan.ts';
import { governingPolicy, isOptedOut, reachesNamed } from '../policy/rules.ts';
import type { Detachment, Interruption, Settings, WorkloadReference } from '../world/interruption.ts';
import { instantMs } from '../world/object.ts';
import { isOfKind } from '../world/objects.ts';
import { isLive, isTerminal, type Pod } from '../world/pod.ts';
import { isSound, policyKey, policyOf, type SoundPolicy } from '../world/policy.ts';
import type { View } from '../world/view.ts';
import { spentAtMs } from './deadline.ts';
import { endingOf } from './follow.ts';
import { type Mark, readMark } from './mark.ts';
import { type Notice, type NoticeSources, readNotice } from './notice.ts';

/** What a pod's history is judged by. */
export interface BeginOptions {
  readonly defaultMinutes: number;
  /** The first look of a term: what ends already was begun, and counted, by an earlier leader. */
  readonly atStart: boolean;
  readonly nowMs: number;
}

// A released pod stays as Failed/BidFailed; one whose deadline is longer past is history.
const historyMs = 600_000;

// A mark whose deadline is longer past speaks of a reclaim that came to nothing.
const markMs = 600_000;

/** The record of a pod that is under notice and governed, or undefined where there is nothing to follow. */
export const beginInterruption = (view: View, pod: Pod, options: BeginOptions): Interruption | undefined => {
  if (pod.annotations[eciAnnotations.spotStrategy] === undefined || view.isExempt(pod.namespace))
    return undefined;
  const left = markOn(view, pod, options.nowMs);
  // Signals of a pod that nobody handles are not even read.
  if (left?.outcome || (!left && !policyFor(view, pod))) return undefined;
  // A living pod that outlived its mark's deadline is under another notice, or none; one that is detached must not stay so.
  const mark = left && isPending(left, pod, options.nowMs) ? left : undefined;
  const notice = noticeOf(view, pod, left, options) ?? unconfirmed(mark, pod);
  const settings = notice && settingsFor(view, pod, mark, notice);
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
      restarts: pod.restarts,
      step: pod.step,
      evictedByNode: pod.annotations[eciAnnotations.spotReleaseStrategy] === apiEvict,
    }),
    noticedAtMs: notice.noticedAtMs,
    deadlineMs: notice.deadlineMs,
    length: notice.length,
    onCondition: notice.onCondition,
    onEvent: notice.onEvent,
    counted: isCounted(view, pod, { settings, notice, begunBefore: mark !== undefined || taken }),
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

// The status counts what it lists. Of others it is known only while its list has room: what was begun before, and is not in a
// full list, has been counted for all that can be proved.
const isCounted = (
  view: View,
  { uid }: Pod,
  of: { readonly settings: Settings; readonly notice: Notice; readonly begunBefore: boolean },
): boolean => {
  const listed = entriesOf(view, of.settings.policy);
  return (
    listed.some((entry) => entry.uid === uid && isAbout(entry, of.notice)) ||
    (of.begunBefore && listed.length >= statusBounds.interruptions)
  );
};

// A pod that was not taken may be under another notice by now. The status gives whole seconds.
const isAbout = ({ outcome, noticedAt }: InterruptionEntry, notice: Notice): boolean =>
  outcome !== 'NotReclaimed' || notice.noticedAtMs < (instantMs(noticedAt) ?? 0) + 1_000;

const entriesOf = (view: View, policy: string): readonly InterruptionEntry[] =>
  policyOf(view, policy)?.status?.interruptions ?? [];

/**
 * The record after a move whose answer was lost, as its pod tells now what came of it: the mark is written in the same
 * stroke.
 */
export const withMove = (view: View, interruption: Interruption, pod: Pod, nowMs: number): Interruption => {
  const mark = markOn(view, pod, nowMs);
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

// Only the UID keeps a mark from travelling with a copy of its pod, and only time ends it on a pod that was not taken.
const markOn = (view: View, pod: Pod, nowMs: number): Mark | undefined => {
  const mark = readMark(pod);
  if (!mark || !mayBeOf(view, mark.settings.policy, pod)) return undefined;
  const isOver = mark.outcome === undefined && nowMs > mark.deadlineMs + markMs;
  return isOver && !detachedBy(mark, pod) ? undefined : mark;
};

const isPending = (mark: Mark, pod: Pod, nowMs: number): boolean =>
  !isLive(pod) || nowMs < spentAtMs(mark) || detachedBy(mark, pod) !== undefined;

// A detached pod is handled to its end, also where no signal of its reclaim is left.
const unconfirmed = (mark: Mark | undefined, pod: Pod): Notice | undefined =>
  mark &&
  detachedBy(mark, pod) && {
    ...{ noticedAtMs: mark.noticedAtMs, deadlineMs: mark.deadlineMs },
    ...{ length: 'Named', onCondition: undefined, onEvent: undefined, confirmed: false },
  };

// Whoever may annotate the pod may write a mark: it speaks of policies that may govern the pod or not at all.
const mayBeOf = (view: View, key: string, pod: Pod): boolean => {
  const { namespace } = pod;
  if (key.startsWith(policyKey({ kind: 'SpotPolicy', namespace, name: '' }))) return true;
  if (!key.startsWith(policyKey({ kind: 'ClusterSpotPolicy', namespace: '', name: '' }))) return false;
  const policy = policyOf(view, key);
  // One that is gone counts nothing any more. One that was edited meanwhile lists the pod.
  if (policy && policyKey(policy) !== key) return false;
  return !policy || reachesNamed(view, policy, pod.namespace) || isListed(view, key, pod);
};

// No user of a namespace can write the status of a policy of the cluster.
const isListed = (view: View, key: string, { uid }: Pod): boolean =>
  entriesOf(view, key).some((entry) => entry.uid === uid);

/** The notice that a pod is under; `known` is what an earlier look, or the pod's mark, says. */
export const noticeOf = (
  view: View,
  pod: Pod,
  known: NoticeSources['known'],
  { defaultMinutes, nowMs }: Pick<BeginOptions, 'defaultMinutes' | 'nowMs'>,
): Notice | undefined =>
  readNotice({
    pod,
    events: view.reclaimEvents.about(pod),
    sightings: view.sightings.of(pod.uid),
    known,
    defaultMinutes,
    nowMs,
    isDeparted: (uid) => view.lifetimes.isDeparted(uid),
  });

// What was recorded when the handling began, else the policy that governs now, else the one that stamped the pod.
const settingsFor = (view: View, pod: Pod, mark: Mark | undefined, notice: Notice): Settings | undefined => {
  const aside = isLeftAlone(view, pod);
  if (mark && mayCount(view, pod, mark, notice) && (!aside || detachedBy(mark, pod))) return mark.settings;
  if (mark && !notice.confirmed) return undefined;
  const policy = policyFor(view, pod);
  if (!policy) return undefined;
  const { evictor, replacement, surge, jobPods, onDeadline } = policy.spec.interruption;
  return { policy: policyKey(policy), evictor, replacement, surge, jobPods, onDeadline };
};

const policyFor = (view: View, pod: Pod): SoundPolicy | undefined =>
  governingPolicy(view, pod) ?? (isLeftAlone(view, pod) ? undefined : stampedPolicy(view, pod));

// The owner of the pod, or of its namespace, has opted out. An override governs the pod in spite of its owner.
const isLeftAlone = (view: View, pod: Pod): boolean => {
  const namespace = view.namespaces.byName('', pod.namespace);
  return (namespace && isOptedOut(namespace)) || (isOptedOut(pod) && !governingPolicy(view, pod));
};

// Many users share a policy of the cluster: what one of them may write alone is no entry of it.
const mayCount = (view: View, pod: Pod, { settings: { policy } }: Mark, { confirmed }: Notice): boolean =>
  confirmed || policy.startsWith('SpotPolicy/') || isListed(view, policy, pod);

// Also one in DryRun or Disabled, which gives nothing to new pods: these it gave what they have.
const stampedPolicy = (view: View, pod: Pod): SoundPolicy | undefined => {
  const stamp = pod.annotations[ourAnnotations.policy] ?? '';
  const policy = policyOf(view, stamp);
  const isIts = policy && policyKey(policy) === stamp && reachesNamed(view, policy, pod.namespace);
  return isIts && isSound(policy) ? policy : undefined;
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
