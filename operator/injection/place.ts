import { wantsSpot } from '../policy/capacity.ts';
import {
  type Distribution,
  indexOf,
  isOfStatefulSet,
  nextShare,
  type Numbered,
  type Share,
  shareOfIndex,
  type Tally,
} from '../policy/distribution.ts';
import type { ObjectKey } from '../world/object.ts';
import { isOfKind } from '../world/objects.ts';
import { isLive, isTerminal } from '../world/pod.ts';
import type { Reservation } from '../world/reservations.ts';
import type { View } from '../world/view.ts';

/** A pod that is to be given its share of a distribution: all that the answer depends on besides the world. */
export interface Question {
  /** Tells this admission from any other. */
  readonly nonce: string;
  readonly cohort: string;
  readonly controller?: ObjectKey | undefined;
  readonly distribution: Distribution;
  /** What the pod gets whatever the distribution says, for its user chose; it only takes its place. */
  readonly kept?: Share['capacity'] | undefined;
}

/** What the world says to a question. */
export interface Place {
  readonly share: Share;
  /** The world cannot be up to date: it leaves no room for the pod that is being created. */
  readonly behind: boolean;
  /** Nonces of reservations that will not become pods. */
  readonly refused: readonly string[];
}

// A ReplicaSet that is refused pods asks again at once and again; a pod that was not refused is seen long before. Less
// than an admission waits for news, or the next one would be decided by places of pods that were refused.
const refusedMs = 400;

/**
 * The share of a pod that is being created, by the living pods of its cohort and those on their way. Of pods that come to an
 * end those that have ended count too, as long as their objects are there: one may follow the other for ever.
 */
export const placeIn = (view: View, question: Question, nowMs: number): Place => {
  const { cohort, distribution, kept } = question;
  const living = tallyOf(view, cohort);
  const { open, expected, behind } = expectedOf(view, question, living.spot + living.onDemand, nowMs);
  const spot = living.spot + expected.filter((reservation) => reservation.spot).length;
  const onDemand = living.spot + living.onDemand + expected.length - spot;
  const share = nextShare({ spot, onDemand }, distribution);
  // What is expected is the end of what is open.
  const refused = open.slice(0, open.length - expected.length).map(({ nonce }) => nonce);
  return { share: kept === undefined ? share : { ...share, capacity: kept }, behind, refused };
};

/** The share of a pod that its controller numbers. The first number of a StatefulSet that is not seen yet is unknown. */
export const placeByIndex = (view: View, pod: Numbered, distribution: Distribution): Place => ({
  share: shareOfIndex(indexOf(view, pod) ?? 0, distribution),
  behind: isOfStatefulSet(pod) && !(pod.controller && view.workload(pod.controller)),
  refused: [],
});

const tallyOf = (view: View, cohort: string): Tally => {
  let spot = 0;
  let onDemand = 0;
  for (const pod of view.pods.group('cohort', cohort)) {
    if (!isLive(pod) && (pod.restarts || !isTerminal(pod))) continue;
    if (wantsSpot(pod)) spot += 1;
    else onDemand += 1;
  }
  return { spot, onDemand };
};

interface Expected {
  readonly open: readonly Reservation[];
  /** Those that will still become pods. */
  readonly expected: readonly Reservation[];
  readonly behind: boolean;
}

/**
 * The reservations of a cohort. A ReplicaSet never has more pods than it wants, the one that is being created included:
 * where more are reserved, the oldest of them were refused, or the world has yet to see the ReplicaSet grow or pods go.
 */
const expectedOf = (
  view: View,
  { cohort, controller }: Question,
  living: number,
  nowMs: number,
): Expected => {
  const open = view.reservations.open(cohort, nowMs);
  if (!view.synced('Pod')) return { open, expected: open, behind: true };
  const owner = controller && isOfKind(controller, 'ReplicaSet') ? view.workload(controller) : undefined;
  if (owner?.replicas === undefined) return { open, expected: open, behind: false };
  const room = owner.replicas - living - 1;
  const fresh = owner.creationFails ? open.filter(({ atMs }) => nowMs - atMs < refusedMs) : open;
  // Without room for this pod itself, it is what the ReplicaSet wants that is out of date.
  if (room < 0) return { open, expected: fresh, behind: true };
  return {
    open,
    expected: fresh.length > room ? fresh.slice(fresh.length - room) : fresh,
    // While it is refused pods, a place that was given a moment ago is as likely to stay empty as to be taken.
    behind: owner.creationFails ? fresh.length > 0 : fresh.length > room,
  };
};
