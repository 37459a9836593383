import { eciAnnotations } from '../api/keys.ts';
import { nameKey } from '../world/object.ts';
import type { PlatformEvent } from '../world/objects.ts';
import type { Pod } from '../world/pod.ts';
import type { View } from '../world/view.ts';

/**
 * Whether an Event about this pod's name is about this pod.
 *
 * Its UID or its instance id proves it; another instance's id, or the UID of a pod seen to go, disproves it. Any other
 * UID proves nothing, since the platform may write what it likes there, so time decides: an Event is younger than its
 * pod (names are used again). API times are whole seconds, and no pod is reclaimed within the second of its creation: a
 * notice of that second is its namesake's.
 */
export const isAbout = (event: PlatformEvent, pod: Pod, isDeparted: (uid: string) => boolean): boolean => {
  if (event.namespace !== pod.namespace || event.podName !== pod.name) return false;
  const instanceId = pod.annotations[eciAnnotations.instanceId];
  if (event.involvedUid === pod.uid || (instanceId && event.involvedUid === instanceId)) return true;
  if ((event.involvedUid.startsWith('eci-') && instanceId) || isDeparted(event.involvedUid)) return false;
  return event.lastAtMs >= pod.createdAtMs + 1_000;
};

/** The pod asked for spot capacity. */
export const wantsSpot = ({ annotations }: Pod): boolean => eciAnnotations.spotStrategy in annotations;

/** ECI had no spot capacity for the pod and started it on demand. */
export const isDegraded = (view: View, pod: Pod): boolean =>
  pod.instance?.reason === 'SpotDegraded' ||
  [...view.degradeEvents.group('pod', nameKey(pod))].some((event) =>
    isAbout(event, pod, (uid) => view.lifetimes.isDeparted(uid)),
  );

/** The pod runs where ECI's annotations act. Nodes that cannot be read are taken for virtual ones. */
export const isOnVirtualNode = (view: View, { nodeName }: Pod): boolean =>
  !view.synced('Node') || (nodeName !== undefined && view.nodes.byName('', nodeName)?.virtual === true);

/** What the pod runs on; one that fell back or runs on an ordinary node is on demand. */
export const capacityOf = (view: View, pod: Pod): 'spot' | 'on-demand' =>
  wantsSpot(pod) && !isDegraded(view, pod) && isOnVirtualNode(view, pod) ? 'spot' : 'on-demand';
