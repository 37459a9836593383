import type { Pod } from 'kubernetes-types/core/v1.js';
import type { RestClient } from './client.ts';

const strategy = 'k8s.aliyun.com/eci-spot-strategy';
const prefix = 'sim.spotpolicy.dev';

/** How a reclaim is announced: the window in whole minutes, and what the Event names as the uid of its object. */
export type ReclaimOptions = { minutes: number; uid: 'pod' | 'instance' };

/** Why ECI would not reclaim this pod now; undefined if it would. */
export const refusal = ({ metadata, status }: Pod): string | undefined => {
  const annotations = metadata?.annotations ?? {};
  if (annotations[strategy] === undefined)
    return `it is no spot pod: it has no annotation ${strategy}; only pods created with it can be reclaimed`;
  if (metadata?.deletionTimestamp !== undefined) return 'it is being deleted already';
  if (status?.phase !== 'Running')
    return `it is ${status?.phase ?? 'new'}: only a running pod has an instance to take back`;
  if (annotations[`${prefix}/degraded`] !== undefined)
    return 'it was moved to pay-as-you-go for want of spot stock (SpotDegraded), and ECI never reclaims that';
  if (annotations[`${prefix}/released-at`] !== undefined)
    return `it is being reclaimed already and will be released at ${annotations[`${prefix}/released-at`]}`;
  return undefined;
};

/** Announces the reclaim of a pod by setting the annotations that the Stages act on; fails if it has been replaced by a namesake. */
export const reclaim = async (
  admin: RestClient,
  pod: Pod,
  { minutes, uid }: ReclaimOptions,
): Promise<void> => {
  const { name, namespace, uid: podUid } = pod.metadata ?? {};
  await admin.patch(`/api/v1/namespaces/${namespace}/pods/${name}`, {
    metadata: {
      uid: podUid,
      annotations: {
        [`${prefix}/reclaim`]: 'true',
        [`${prefix}/window-minutes`]: String(minutes),
        [`${prefix}/event-uid`]: uid,
      },
    },
  });
};
