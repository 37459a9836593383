import { ourLabels } from '../api/keys.ts';
import type { EffectiveSpec } from '../api/index.ts';
import { isOfKind } from '../world/objects.ts';
import type { Pod } from '../world/pod.ts';
import { wantsSpot } from './capacity.ts';

/**
 * Whether a pod is what ECI left behind and nobody else removes: a ReplicaSet replaces a failed pod and keeps its object.
 * A Job counts by such objects, and a StatefulSet removes them itself.
 */
export const isLeftover = (pod: Pod): boolean =>
  pod.phase === 'Failed' &&
  pod.reason === 'BidFailed' &&
  pod.deletionAtMs === undefined &&
  wantsSpot(pod) &&
  isOfReplicaSet(pod);

// One that was taken out of its ReplicaSet has the Deployment as its controller.
const isOfReplicaSet = ({ controller, labels }: Pod): boolean =>
  isOfKind(controller, 'ReplicaSet') ||
  (isOfKind(controller, 'Deployment') && labels[ourLabels.reclaiming] === 'true');

/**
 * From when on a pod may be removed that its policy governs, in milliseconds since the epoch; undefined where it stays.
 * One that still shows Ready makes its budget too generous, and has no time.
 */
export const removableFromMs = (pod: Pod, { interruption }: EffectiveSpec): number | undefined => {
  const { evictor, failedPods, failedPodTTLSeconds } = interruption;
  if (!isLeftover(pod) || pod.failedAtMs === undefined) return undefined;
  if (evictor === 'None' || failedPods === 'Keep') return undefined;
  return pod.ready ? pod.failedAtMs : pod.failedAtMs + failedPodTTLSeconds * 1000;
};
