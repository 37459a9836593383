import { statusBounds } from '../api/index.ts';
import { eciAnnotations } from '../api/keys.ts';
import { ownerChain } from '../policy/owners.ts';
import { namespacesOfAny } from '../policy/rules.ts';
import type { Budget } from '../world/objects.ts';
import { isTerminal, type Pod } from '../world/pod.ts';
import type { Change, View } from '../world/view.ts';
import { heldBy, releasedBy } from './gather.ts';
import { isNews, turnsIn } from './turns.ts';

/** The pods, by UID, that a change of the world gives reason to look at. Cheap where nothing is under way. */
export const wokenBy = (view: View, change: Change): readonly string[] => {
  switch (change.kind) {
    case 'Pod':
      return change.after
        ? [...ofPod(view, change.after), ...awaitingPod(view, change.before, change.after)]
        : ofGone(view, change.before);
    case 'ReclaimEvent': {
      const event = change.after;
      const pod = event && view.pods.byName(event.namespace, event.podName);
      return pod ? [pod.uid] : [];
    }
    case 'PodDisruptionBudget':
      return change.after ? ofBudget(view, change.after) : ofGoneBudget(view, change.before);
    case 'Deployment':
    case 'ReplicaSet':
    case 'StatefulSet':
    case 'Job': {
      const { uid, controller } = change.after ?? change.before ?? { uid: '' };
      // Whether its ReplicaSet can create pods concerns the pods of a Deployment.
      return [uid, controller?.uid ?? ''].flatMap((each) =>
        [...view.interruptions.group('workload', each)].map((interruption) => interruption.uid),
      );
    }
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
        ? [...view.pods.all()].filter(isSpot).map(({ uid }) => uid)
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
  const told = view.reclaimEvents.group('pod', `${pod.namespace}/${pod.name}`).size > 0;
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
  const turns = ownerChain(view, pod).flatMap(({ uid }) => turnsIn(view, uid));
  return [...credited, ...turns, ...(namesake === undefined || namesake === pod.uid ? [] : [namesake])];
};

// Who has room goes on; the others' messages are brought up to date, as many as a status shows.
const ofBudget = (view: View, budget: Budget): readonly string[] => {
  const held = heldBy(view, budget);
  return held.slice(0, Math.max(releasedBy(view, budget).length, statusBounds.interruptions));
};

const ofGoneBudget = (view: View, budget: Budget | undefined): readonly string[] =>
  budget ? heldBy(view, budget) : [];

const spotPods = (view: View, namespace: string | undefined): readonly string[] =>
  [...view.pods.group('namespace', namespace ?? '')].filter(isSpot).map(({ uid }) => uid);
