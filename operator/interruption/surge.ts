import { unavailableBudget } from '../api/keys.ts';
import { obstacleTo } from '../policy/room.ts';
import { isCloneSet } from '../world/clone-set.ts';
import { type Interruption, isLeaving, type Origin } from '../world/interruption.ts';
import { isOfKind, type Workload } from '../world/objects.ts';
import { type GroupKind, isPod } from '../world/owner-kinds.ts';
import { isServing, type Pod } from '../world/pod.ts';
import type { View } from '../world/view.ts';
import { delegation } from './delegation.ts';
import { behind, behindOthers } from './queue.ts';
import { podsOf, readySince } from './replacement.ts';

/**
 * Whether a pod's replacement can start before its eviction, by taking the pod out of its ReplicaSet: the Deployment is
 * then its controller, the ReplicaSet starts another, and the budget counts one pod more than it expects. A CloneSet does
 * all of it by itself, where a label of the pod asks for that.
 */
export type Surge =
  | { readonly kind: 'Impossible'; readonly because: string }
  | {
      readonly kind: 'Possible';
      readonly origin: Origin;
      readonly deployment: { readonly name: string; readonly uid: string };
      readonly ready: number;
    }
  /** Not known yet, and will be in a moment. */
  | { readonly kind: 'Sought' }
  /** Possible once there is room for it, which others take now. */
  | {
      readonly kind: 'Queued';
      readonly queue: string;
      readonly because: string;
      /** By then the answer is another one, in milliseconds since the epoch; infinite where only a change of the world matters. */
      readonly againAtMs: number;
    }
  | { readonly kind: 'Delegable' }
  | { readonly kind: 'Delegated' }
  | {
      readonly kind: 'UnderWay';
      /** How many pods the Deployment wants now; 0 where it is gone or going, infinite where that is not known. */
      readonly wanted: number;
      /** When each other pod of the Deployment that nobody evicts yet counts or will, in milliseconds, the first first. */
      readonly availableAtMs: readonly number[];
      /** Its ReplicaSet says that it cannot create pods. */
      readonly creationFails: boolean;
    };

const impossible = (because: string): Surge => ({ kind: 'Impossible', because });

/** How it stands with the replacement of a doomed pod; undefined where there is none to start first. */
export const surgeOf = (
  view: View,
  interruption: Interruption,
  pod: Pod,
  nowMs: number,
): Surge | undefined => {
  const { plan, settings, detached, plainly } = interruption;
  if (plan.when !== 'AtOnce' || settings.replacement === 'AfterEviction' || plainly !== undefined)
    return undefined;
  if (detached) return detached.origin ? underWay(view, pod, detached.origin) : { kind: 'Delegated' };
  if (pod.controller && isCloneSet(pod.controller)) return delegation(view, pod, pod.controller, nowMs);
  if (!pod.controller || ownNames(pod.controller)) return undefined;
  if (!isOfKind(pod.controller, 'ReplicaSet')) return noPlaceBeside(pod.controller);
  if (!view.synced('ReplicaSet') || !view.synced('Deployment'))
    return impossible('its Deployment is not known');
  const replicaSet = view.workload(pod.controller);
  const owner = replicaSet?.controller;
  if (!replicaSet) return impossible(`ReplicaSet ${pod.controller.name} is not known`);
  if (!owner) return noPlaceBeside(replicaSet);
  const deployment = view.workload(owner);
  if (deployment?.kind === 'Deployment')
    return offer(view, interruption, { pod, replicaSet, deployment }, nowMs);
  return isOfKind(owner, 'Deployment')
    ? impossible(`Deployment ${owner.name} is not known`)
    : noPlaceBeside(owner);
};

const noPlaceBeside = ({ kind, name }: { readonly kind: string; readonly name: string }): Surge =>
  impossible(`${kind} ${name} has no place for a pod beside those it wants`);

// A replacement of the same name, or of another Spark executor, cannot start before the pod has gone, which is no news.
const ownNames = (controller: GroupKind): boolean => isOfKind(controller, 'StatefulSet') || isPod(controller);

interface Offer {
  readonly pod: Pod;
  readonly replicaSet: Workload;
  readonly deployment: Workload;
}

const offer = (view: View, interruption: Interruption, owned: Offer, nowMs: number): Surge => {
  const { pod, replicaSet, deployment } = owned;
  const { name, uid } = deployment;
  if (deployment.terminating || replicaSet.terminating)
    return impossible(`Deployment ${name} is being deleted`);
  if (!replicaSet.replicas || !deployment.replicas) return impossible(`Deployment ${name} is scaled to 0`);
  if (deployment.maxSurge === 0) return impossible(`Deployment ${name} allows no pod more than it wants`);
  if (replicaSet.revision !== deployment.revision)
    return impossible(`ReplicaSet ${replicaSet.name} is not the current one of Deployment ${name}`);
  const kruise = pod.annotations[unavailableBudget];
  // It counts pods by the ReplicaSets of its target, so it would refuse a pod that is out of them to the end.
  if (kruise !== undefined) return impossible(`PodUnavailableBudget ${kruise} counts it in its ReplicaSet`);
  if (replicaSet.creationFails) return impossible(`ReplicaSet ${replicaSet.name} cannot create pods`);
  const patient = interruption.settings.surge === 'AsWorkload';
  // A pod asks for room when its turn comes: the answer may be another one by then.
  const queued = patient ? behindOthers(view, interruption, deployment) : undefined;
  if (queued) return queued;
  const obstacle = obstacleTo(view, pod, { nowMs, patient });
  if (obstacle) return behind(pod, obstacle);
  const ready = [...podsOf(view, deployment)].filter(isServing).length;
  return {
    kind: 'Possible',
    origin: { name: replicaSet.name, uid: replicaSet.uid },
    deployment: { name, uid },
    ready,
  };
};

const isAboutToGo = (view: View, { uid }: Pod): boolean => {
  const doomed = view.interruptions.byUid(uid);
  return doomed !== undefined && isLeaving(doomed);
};

const underWay = (view: View, pod: Pod, origin: Origin): Surge => {
  const { namespace } = pod;
  const replicaSet = view.workload({ namespace, group: 'apps', kind: 'ReplicaSet', uid: origin.uid });
  const creationFails = replicaSet?.creationFails ?? false;
  // The watch may not have shown yet that it was taken out.
  const isOut = isOfKind(pod.controller, 'Deployment');
  const deployment = isOut && pod.controller ? view.workload(pod.controller) : undefined;
  if (!deployment) {
    const isGone = isOut && view.synced('Deployment');
    const wanted = isGone ? 0 : Number.POSITIVE_INFINITY;
    return { kind: 'UnderWay', wanted, availableAtMs: [], creationFails };
  }
  const settleMs = deployment.minReadySeconds * 1_000;
  const availableAtMs: number[] = [];
  for (const other of podsOf(view, deployment)) {
    // Of pods that are doomed together each that goes must leave enough behind.
    if (other.uid !== pod.uid && isServing(other) && !isAboutToGo(view, other))
      availableAtMs.push((readySince(view, other) ?? 0) + settleMs);
  }
  return {
    kind: 'UnderWay',
    wanted: deployment.terminating ? 0 : (deployment.replicas ?? 1),
    availableAtMs: availableAtMs.toSorted((a, b) => a - b),
    creationFails,
  };
};
