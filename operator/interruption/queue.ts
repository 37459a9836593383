import type { Obstacle } from '../policy/room.ts';
import { type Interruption, isSurplus } from '../world/interruption.ts';
import { objectKey, type ObjectKey } from '../world/object.ts';
import type { Workload } from '../world/objects.ts';
import type { Pod } from '../world/pod.ts';
import type { View } from '../world/view.ts';
import type { Surge } from './surge.ts';

/** The line of the pods that wait for room in the quotas of a namespace. */
export const quotaQueue = (namespace: string): string => `quota/${namespace}`;

/** The line of the pods of a Deployment that wait until fewer than its `maxSurge` are being replaced. */
export const surgeQueue = (deployment: ObjectKey): string => `surge/${objectKey(deployment)}`;

/** The first of a line: the one with the earliest deadline. */
export const headOf = (view: View, queue: string): readonly string[] => {
  let head: Interruption | undefined;
  for (const each of view.interruptions.group('queue', queue)) if (!head || isBefore(each, head)) head = each;
  return head ? [head.uid] : [];
};

const isBefore = (a: Interruption, b: Interruption): boolean =>
  a.deadlineMs === b.deadlineMs ? a.uid < b.uid : a.deadlineMs < b.deadlineMs;

/** What follows from an obstacle: it waits for one that may pass. */
export const behind = ({ namespace }: Pod, { because, untilMs }: Obstacle): Surge =>
  untilMs === undefined
    ? { kind: 'Impossible', because }
    : { kind: 'Queued', queue: quotaQueue(namespace), because, againAtMs: untilMs };

/**
 * The place of a pod of a Deployment that replaces as many at a time as its `maxSurge`; undefined where it is its turn. Of one
 * that may have been taken out already, for all that was heard, it is.
 */
export const behindOthers = (
  view: View,
  interruption: Interruption,
  deployment: Workload,
): Surge | undefined => {
  if (isSurplus(interruption)) return undefined;
  const queue = surgeQueue(deployment);
  const others = [...view.interruptions.group('workload', objectKey(deployment))].filter(
    (each) =>
      each.uid !== interruption.uid &&
      (isSurplus(each) || (each.queue === queue && isBefore(each, interruption))),
  );
  if (others.length < deployment.maxSurge) return undefined;
  const because = `Deployment ${deployment.name} replaces at most ${deployment.maxSurge} at a time`;
  return { kind: 'Queued', queue, because, againAtMs: Number.POSITIVE_INFINITY };
};
