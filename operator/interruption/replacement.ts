import { capacityOf } from '../policy/capacity.ts';
import type { Interruption, WorkloadReference } from '../world/interruption.ts';
import { objectKey, type ObjectKey } from '../world/object.ts';
import { isHeldKind, type Workload } from '../world/objects.ts';
import { isPod } from '../world/owner-kinds.ts';
import { isLive, isServing, isTerminal, type Pod } from '../world/pod.ts';
import type { View } from '../world/view.ts';
import { isListed, isOfIndex, jobIndexOf } from './job-index.ts';

/** A pod that takes another's place, and what it runs on. */
export interface Successor {
  readonly pod: Pod;
  /** Since when it is Ready, in milliseconds; undefined while it is not. */
  readonly readySinceMs: number | undefined;
  readonly capacity: 'spot' | 'on-demand';
}

/** That a workload has failed: when, as far as that is known, and in whose words. */
export type Failure = NonNullable<Workload['failure']>;

/** What the world holds about the successors of a doomed pod. */
export interface Successors {
  /** Pods that may have taken its place and are credited to nobody else, the likeliest first. */
  readonly candidates: readonly Successor[];
  /** The pod it is credited with, as it is now; undefined when it went. */
  readonly credited: Successor | undefined;
  /** Pods that the workload wants, of an Indexed Job those of the doomed pod's index; undefined where that is not known. */
  readonly wanted: number | undefined;
  /** Likewise, Ready pods that are to stay; 0 for a pod that seeks no replacement. */
  readonly serving: number;
  /** The workload has ended or is gone: nobody will recreate the pod. */
  readonly workloadEnded: boolean;
  /** The workload has failed. */
  readonly failure: Failure | undefined;
  /** The index of the doomed pod, where its Job has given it up for good. */
  readonly indexFailed: number | undefined;
}

/** Gathers the successors of a doomed pod. Costs what its workload has pods, and little where it seeks none. */
export const successorsOf = (view: View, interruption: Interruption): Successors => {
  const { workload } = interruption;
  const credited = interruption.replacement && view.pods.byUid(interruption.replacement.uid);
  const seeks = hasMadeRoom(view, interruption) && !(credited && isLive(credited));
  const index = jobIndexOf(view, interruption);
  const siblings =
    workload && seeks ? [...podsOf(view, workload)].filter((pod) => isOfIndex(view, pod, index)) : [];
  const successor = (pod: Pod): Successor => ({
    pod,
    readySinceMs: readySince(view, pod),
    capacity: capacityOf(view, pod),
  });
  return {
    candidates: siblings
      .filter((pod) => isCandidate(view, interruption, pod))
      .toSorted((a, b) => olderFirst(view, a, b))
      .map(successor),
    credited: credited && successor(credited),
    ...wishesOf(view, interruption, index, siblings),
    serving: siblings.filter((pod) => isServing(pod) && !isDoomed(view, pod)).length,
  };
};

/** Since when a pod is Ready, in milliseconds. A provider may stamp that condition, too, with the creation of the pod. */
export const readySince = (view: View, { uid, readySinceMs }: Pod): number | undefined =>
  readySinceMs === undefined ? undefined : (view.sightings.of(uid)?.ready?.atMs ?? readySinceMs);

const hasMadeRoom = (view: View, { uid, ending, detached, evictedAtMs }: Interruption): boolean =>
  (ending ?? detached ?? evictedAtMs ?? view.lifetimes.endedAt(uid)) !== undefined;

const isDoomed = (view: View, { uid }: Pod): boolean => {
  const interruption = view.interruptions.byUid(uid);
  return interruption !== undefined && interruption.phase !== 'Done';
};

// The first that came is left to the first that went: it may be of no use to any that went later.
const olderFirst = (view: View, a: Pod, b: Pod): number =>
  view.lifetimes.seenAt(a.uid) - view.lifetimes.seenAt(b.uid) ||
  a.createdAtMs - b.createdAtMs ||
  (a.name < b.name ? -1 : 1);

/** The pods of a workload: its own, and those of the ReplicaSets it controls. */
export function* podsOf(view: View, workload: ObjectKey): Generator<Pod> {
  const key = objectKey(workload);
  yield* view.pods.group('controller', key);
  for (const replicaSet of view.workloads('ReplicaSet').group('controller', key)) {
    yield* view.pods.group('controller', objectKey(replicaSet));
  }
}

const isCandidate = (view: View, interruption: Interruption, pod: Pod): boolean => {
  if (pod.uid === interruption.uid || isTerminal(pod) || !isLive(pod)) return false;
  // One that was itself taken out of its ReplicaSet goes.
  if (view.interruptions.byUid(pod.uid)?.detached) return false;
  if (interruption.workload?.kind === 'StatefulSet' && pod.name !== interruption.name) return false;
  const credit = [...view.interruptions.group('replacement', pod.uid)];
  return credit.every(({ uid }) => uid === interruption.uid) && isSuccessor(view, interruption, pod);
};

// An eviction's answer comes after the fact, and the API server gives times in whole seconds.
const answerMs = 1_000;

// The watch of pods is one ordered stream: whoever is seen after the doomed pod began to end came after it, and so did
// whoever came while nothing was seen. Only of what the first listing brought is there no order but by times.
const isSuccessor = (view: View, { uid, ending, detached, evictedAtMs }: Interruption, pod: Pod): boolean => {
  const seenAt = view.lifetimes.seenAt(pod.uid);
  const endedAt = view.lifetimes.endedAt(uid);
  if (endedAt !== undefined && view.lifetimes.seenAt(uid) < endedAt) return seenAt >= endedAt;
  if (endedAt !== undefined && seenAt > endedAt) return true;
  const sinceMs = Math.min(
    detached?.atMs ?? Number.POSITIVE_INFINITY,
    ending?.atMs ?? Number.POSITIVE_INFINITY,
    (evictedAtMs ?? Number.POSITIVE_INFINITY) - answerMs,
  );
  return pod.createdAtMs >= Math.floor(sinceMs / 1000) * 1000;
};

const wishesOf = (
  view: View,
  { uid, name, workload }: Interruption,
  index: number | undefined,
  siblings: readonly Pod[],
): Pick<Successors, 'wanted' | 'workloadEnded' | 'failure' | 'indexFailed'> => {
  const nothing = { wanted: undefined, failure: undefined, indexFailed: undefined };
  if (!workload) return { ...nothing, workloadEnded: false };
  const known = view.workload(workload);
  if (known) {
    const { terminating, finished, failure, failedIndexes } = known;
    const workloadEnded = terminating || finished;
    if (index === undefined) return { ...nothing, wanted: wantedOf(known, name), workloadEnded, failure };
    const isDone = siblings.some(({ phase }) => phase === 'Succeeded');
    const wanted = isDone ? 0 : Math.min(known.replicas ?? 1, 1);
    const indexFailed = isListed(failedIndexes, index) ? index : undefined;
    return { wanted, workloadEnded, failure, indexFailed };
  }
  const met = view.met(workload);
  const workloadEnded = met ? met.terminating || met.ended !== undefined : isGone(view, uid, workload);
  const failure = met?.ended === 'Failed' ? { atMs: undefined, message: '' } : undefined;
  return { ...nothing, workloadEnded, failure };
};

// A StatefulSet that was scaled down makes no pod of a higher number again, however many of the others are missing.
const wantedOf = ({ kind, replicas, firstOrdinal }: Workload, podName: string): number | undefined => {
  if (kind !== 'StatefulSet' || replicas === undefined) return replicas;
  const ordinal = Number(/-(\d+)$/.exec(podName)?.[1]);
  return ordinal < firstOrdinal || ordinal >= firstOrdinal + replicas ? 0 : replicas;
};

// Only of kinds that the world holds can absence be known, and its watch may be behind that of pods: a workload that was
// never seen is taken for gone only where the pod itself was gone before this world began.
const isGone = (view: View, podUid: string, workload: WorkloadReference): boolean => {
  const { kind, group, uid } = workload;
  if (isPod(workload)) {
    const pod = view.owner(workload) && view.pods.byUid(uid);
    return pod === undefined || !isLive(pod);
  }
  if (!isHeldKind(kind, group) || !view.synced(kind)) return false;
  return view.lifetimes.isDeparted(uid) || view.lifetimes.seenAt(podUid) === 0;
};
