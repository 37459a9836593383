import { statusBounds } from '../api/index.ts';
import { eciAnnotations } from '../api/keys.ts';
import { ownerChain } from '../policy/owners.ts';
import { namespacesOfAny } from '../policy/rules.ts';
import type { Step } from '../world/collection.ts';
import { objectKey } from '../world/object.ts';
import type { Budget, Workload } from '../world/objects.ts';
import type { Owner, OwnerKind } from '../world/owner-kinds.ts';
import { isTerminal, type Pod } from '../world/pod.ts';
import type { Change, View } from '../world/view.ts';
import { heldBy, releasedBy } from './gather.ts';
import { headOf, quotaQueue } from './queue.ts';
import { isNews, turnsIn } from './turns.ts';

/** The pods, by UID, that a change of the world gives reason to look at. Cheap where nothing is under way. */
export const wokenBy = (view: View, change: Change, nowMs: number): readonly string[] => {
  switch (change.kind) {
    case 'Pod':
      return [
        ...(change.after
          ? [...ofPod(view, change.after), ...awaitingPod(view, change.before, change.after)]
          : ofGone(view, change.before)),
        ...awaitingRoom(view, change),
      ];
    case 'ReclaimEvent': {
      const event = change.after;
      const pod = event && view.pods.byName(event.namespace, event.podName);
      return pod ? [pod.uid] : [];
    }
    case 'ResourceQuota':
      return headOf(view, quotaQueue((change.after ?? change.before)?.namespace ?? ''));
    case 'PodDisruptionBudget':
      return ofBudget(view, change, nowMs);
    case 'Deployment':
    case 'ReplicaSet':
    case 'StatefulSet':
    case 'Job':
      return ofWorkload(view, change);
    case 'Owner':
      return ofOwner(view, change);
    case 'SpotPolicy':
    case 'ClusterSpotPolicy':
      // Every status write comes by here: only an edit is news.
      return change.before?.generation === change.after?.generation
        ? []
        : namespacesOfAny(view, [change.before, change.after]).flatMap((namespace) =>
            spotPods(view, namespace),
          );
    case 'OwnerKind':
      // Chains of owners reach further now, or whoever waited for that need wait no longer.
      return change.after?.standing === 'Readable' || change.before?.standing === 'Sought'
        ? namespacesAround(view, change).flatMap((namespace) => spotPods(view, namespace))
        : [];
    case 'Namespace':
      return spotPods(view, (change.after ?? change.before)?.name);
    default:
      return [];
  }
};

const isSpot = ({ annotations }: Pod): boolean => eciAnnotations.spotStrategy in annotations;

const ofPod = (view: View, pod: Pod): readonly string[] => {
  if (view.interruptions.byUid(pod.uid)) return [pod.uid];
  const noticed = pod.expired ?? (pod.instance?.reason === 'SpotToBeReleased' || undefined);
  const told = view.reclaimEvents.about(pod).size > 0;
  return isSpot(pod) && (noticed || told || isTerminal(pod)) ? [pod.uid] : [];
};

const ofGone = (view: View, pod: Pod | undefined): readonly string[] =>
  pod ? [pod.uid, ...[...view.interruptions.group('replacement', pod.uid)].map(({ uid }) => uid)] : [];

// A pod that appears or becomes Ready may be what an interruption of its workload, or of its namesake, waits for.
const awaitingPod = (view: View, before: Pod | undefined, pod: Pod): readonly string[] => {
  if (view.interruptions.size === 0) return [];
  const credited = [...view.interruptions.group('replacement', pod.uid)].map(({ uid }) => uid);
  if (!isNews(before, pod)) return credited;
  const namesake = view.interruptions.byName(pod.namespace, pod.name)?.uid;
  const turns = ownerChain(view, pod).flatMap((owner) => turnsIn(view, owner, pod));
  return [...credited, ...turns, ...(namesake === undefined || namesake === pod.uid ? [] : [namesake])];
};

// Each status of a Deployment comes by here: only what a look reads is news.
const readOf = [
  ...[
    'uid',
    'controller',
    'terminating',
    'replicas',
    'finished',
    'failure',
    'lastPod',
    'lastPodOfIndex',
    'failedIndexes',
  ],
  ...['creationFails', 'maxSurge', 'minReadySeconds', 'revision'],
] as readonly (keyof Workload)[];

// A pod takes room in the quotas of its namespace from its creation until it has ended, or should have.
const awaitingRoom = (view: View, { before, after }: Step<Pod>): readonly string[] => {
  const line = headOf(view, quotaQueue((after ?? before)?.namespace ?? ''));
  // Most changes of pods find nobody who waits.
  if (line.length === 0) return line;
  const isSame = before && after && takes.every((field) => isEqual(before[field], after[field]));
  return isSame ? [] : line;
};

const takes = ['phase', 'deletionAtMs', 'demand'] as const satisfies readonly (keyof Pod)[];

const ofWorkload = (view: View, { before, after }: Step<Workload>): readonly string[] => {
  const workload = after ?? before;
  if (!workload || (before && after && readOf.every((field) => isEqual(before[field], after[field]))))
    return [];
  // Whether its ReplicaSet can create pods concerns the pods of a Deployment.
  return [workload, ...(workload.controller ? [workload.controller] : [])].flatMap((each) =>
    [...view.interruptions.group('workload', objectKey(each))].map(({ uid }) => uid),
  );
};

const ofOwner = (view: View, { before, after }: Step<Owner>): readonly string[] => {
  const isNews = before && (before.ended !== after?.ended || before.terminating !== after?.terminating);
  return isNews ? [...view.interruptions.group('workload', objectKey(before))].map(({ uid }) => uid) : [];
};

// Who has room goes on; the others' messages are brought up to date, as many as a status shows. All may go where it selects
// others than before.
const ofBudget = (view: View, { before, after }: Step<Budget>, nowMs: number): readonly string[] => {
  const budget = after ?? before;
  if (!budget) return [];
  const held = heldBy(view, budget);
  const woken =
    after && isEqual(before?.selector, after.selector)
      ? new Set([...releasedBy(view, after, nowMs), ...held.slice(0, statusBounds.interruptions)])
      : held;
  return [...woken].map(({ uid }) => uid);
};

const isEqual = (one: unknown, other: unknown): boolean => JSON.stringify(one) === JSON.stringify(other);

const namespacesAround = (view: View, { before, after }: Step<OwnerKind>): readonly string[] => {
  const kind = after ?? before;
  return kind ? view.ownerKindAskedIn(kind) : [];
};

const spotPods = (view: View, namespace: string | undefined): readonly string[] =>
  [...view.pods.group('namespace', namespace ?? '')].filter(isSpot).map(({ uid }) => uid);
