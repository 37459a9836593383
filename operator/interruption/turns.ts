import { type Interruption, isLeaving, isReplacementDue, isSurplus } from '../world/interruption.ts';
import { isSameController, objectKey, type ObjectKey } from '../world/object.ts';
import { isLive, isServing, type Pod } from '../world/pod.ts';
import type { View } from '../world/view.ts';
import { headOf, quotaQueue, surgeQueue } from './queue.ts';
import { isOfIndex, jobIndexOf } from './job-index.ts';

/**
 * The interruptions of a workload, by UID, whose turn it is when one of its pods comes, goes or becomes Ready: the first
 * that seeks a replacement, and the first that waits for Ready pods before it is evicted.
 *
 * Two at most, however many wait: what is of no use to the first is of none to the others, and whoever is
 * served gives the turn to the next. Of an Indexed Job each index has a first: the turn is given for the one of `pod`.
 */
export const turnsIn = (view: View, workload: ObjectKey, pod?: Pod): readonly string[] => {
  let seeking: Interruption | undefined;
  let waiting: Interruption | undefined;
  for (const each of view.interruptions.group('workload', objectKey(workload))) {
    if (seeks(each) && suits(view, each, pod) && (!seeking || endedAt(view, each) < endedAt(view, seeking)))
      seeking = each;
    if (waits(each) && (!waiting || goesBefore(each, waiting))) waiting = each;
  }
  return [...new Set([seeking, waiting])].flatMap((each) => each?.uid ?? []);
};

const suits = (view: View, seeking: Interruption, pod: Pod | undefined): boolean =>
  pod === undefined || isOfIndex(view, pod, jobIndexOf(view, seeking));

/** The interruptions, by UID, whose turn comes by a step of another one. */
export const turnsAfter = (
  view: View,
  before: Interruption | undefined,
  after: Interruption,
): readonly string[] => {
  if (!before) return [];
  const ceases = (test: (each: Interruption) => boolean): boolean => test(before) && !test(after);
  const { workload, namespace } = after;
  return [
    ...(workload && [seeks, waits, isLeaving].some(ceases) ? turnsIn(view, workload) : []),
    ...(workload && ceases(isSurplus) ? headOf(view, surgeQueue(workload)) : []),
    // From the moment at which a pod was taken out it is known how long its replacement may take.
    ...(ceases(isReplacementDue) || (isReplacementDue(after) && before.detached !== after.detached)
      ? headOf(view, quotaQueue(namespace))
      : []),
    ...(before.queue !== undefined && before.queue !== after.queue ? headOf(view, before.queue) : []),
  ];
};

/** Whether a change of a pod is news to those who wait for pods of its workload. */
export const isNews = (before: Pod | undefined, after: Pod): boolean =>
  !before ||
  isServing(before) !== isServing(after) ||
  isLive(before) !== isLive(after) ||
  !isSameController(before, after);

const seeks = ({ phase, ending, detached, replacement }: Interruption): boolean =>
  phase !== 'Done' && (ending ?? detached) !== undefined && replacement === undefined;

const waits = ({ phase, call, detached }: Interruption): boolean =>
  phase === 'Replacing' && !call && detached !== undefined;

// Whoever made room first may be replaced by every pod that may replace a later one.
const endedAt = (view: View, { uid }: Interruption): number => view.lifetimes.endedAt(uid) ?? 0;

// Whoever needs the fewest goes first, and among those the earliest deadline.
const goesBefore = (a: Interruption, b: Interruption): boolean => {
  const fewer = (a.detached?.ready ?? 0) - (b.detached?.ready ?? 0);
  return fewer === 0 ? a.deadlineMs < b.deadlineMs : fewer < 0;
};
