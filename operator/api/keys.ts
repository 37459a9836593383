/** Annotations that ECI reads when a pod is created, and those it writes back (`instanceId`, `nodeVersion`); sources: ECI's pod annotation pages, and for the last a pod that ran there, with `v2.8.5-2023-02-21-08-59-UTC`. */
export const eciAnnotations = {
  spotStrategy: 'k8s.aliyun.com/eci-spot-strategy',
  spotPriceLimit: 'k8s.aliyun.com/eci-spot-price-limit',
  spotDuration: 'k8s.aliyun.com/eci-spot-duration',
  spotFallback: 'k8s.aliyun.com/eci-spot-fallback',
  spotReleaseStrategy: 'k8s.aliyun.com/eci-spot-release-strategy',
  useSpecs: 'k8s.aliyun.com/eci-use-specs',
  instanceId: 'k8s.aliyun.com/eci-instance-id',
  nodeVersion: 'k8s.aliyun.com/vk-version',
} as const;

/** The value of `eciAnnotations.spotReleaseStrategy` that lets ack-virtual-node 2.11.0 and later evict a reclaimed pod itself. */
export const apiEvict = 'api-evict';

/** Prefix of every spot annotation that ECI reads, those we do not set included. */
export const eciSpotPrefix = 'k8s.aliyun.com/eci-spot-';

/** The pod label, with value `"true"`, that sends a pod to an ACK virtual node. */
export const eciLabel = 'alibabacloud.com/eci';

/** How virtual nodes are recognised, by the label, and the taint that keeps other pods away: ACK's own nodes, then self-managed VNodes. */
export const virtualNodes = [
  {
    label: { key: 'type', value: 'virtual-kubelet' },
    taint: { key: 'virtual-kubelet.io/provider', value: 'alibabacloud', effect: 'NoSchedule' },
  },
  {
    label: { key: 'k8s.aliyun.com/vnode', value: 'true' },
    taint: { key: 'k8s.aliyun.com/vnode', value: 'true', effect: 'NoSchedule' },
  },
] as const;

/** Labels that we write on pods. */
export const ourLabels = {
  capacity: 'spotpolicy.dev/capacity',
  reclaiming: 'spotpolicy.dev/reclaiming',
} as const;

/** Annotations that we write on pods; `lastApplied` comes by their template only. */
export const ourAnnotations = {
  policy: 'spotpolicy.dev/policy',
  revision: 'spotpolicy.dev/revision',
  reason: 'spotpolicy.dev/reason',
  lastApplied: 'spotpolicy.dev/last-applied',
  admission: 'spotpolicy.dev/admission',
  interruption: 'spotpolicy.dev/interruption',
} as const;

/** The annotation by which a pod under a PodUnavailableBudget of OpenKruise names it. */
export const unavailableBudget = 'kruise.io/related-pub';

/** The pod label by which a CloneSet of OpenKruise is told to replace a pod, whatever its value. */
export const specifiedDelete = 'apps.kruise.io/specified-delete';

/** The label by which users opt out, with value `"false"`: on a namespace or on a pod. */
export const optOutLabel = 'spotpolicy.dev/inject';
