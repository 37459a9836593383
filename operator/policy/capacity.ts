import { eciAnnotations } from '../api/keys.ts';
import { isAbout } from '../world/platform-event.ts';
import type { Pod } from '../world/pod.ts';
import type { View } from '../world/view.ts';

/** The pod asked for spot capacity. */
export const wantsSpot = ({ annotations }: Pod): boolean => eciAnnotations.spotStrategy in annotations;

/** ECI had no spot capacity for the pod and started it on demand. */
export const isDegraded = (view: View, pod: Pod): boolean =>
  pod.instance?.reason === 'SpotDegraded' ||
  [...view.degradeEvents.about(pod)].some((event) =>
    isAbout(event, pod, (uid) => view.lifetimes.isDeparted(uid)),
  );

/** The pod runs where ECI's annotations act. Nodes that cannot be read are taken for virtual ones. */
export const isOnVirtualNode = (view: View, { nodeName }: Pod): boolean =>
  !view.synced('Node') || (nodeName !== undefined && view.nodes.byName('', nodeName)?.virtual === true);

/** What the pod runs on; one that fell back or runs on an ordinary node is on demand. */
export const capacityOf = (view: View, pod: Pod): 'spot' | 'on-demand' =>
  wantsSpot(pod) && !isDegraded(view, pod) && isOnVirtualNode(view, pod) ? 'spot' : 'on-demand';
