/** A node of the simulated world. */
export type NodeSpec = { name: string; zone: string };

/** ACK names its virtual nodes by zone; one in each of three zones of one region. */
export const virtualNodes: readonly NodeSpec[] = ['h', 'i', 'j'].map((letter) => ({
  name: `virtual-kubelet-cn-hangzhou-${letter}`,
  zone: `cn-hangzhou-${letter}`,
}));

/** The taint of ACK's virtual nodes: a workload that is to run there tolerates it. */
export const virtualNodeTaint = {
  key: 'virtual-kubelet.io/provider',
  value: 'alibabacloud',
  effect: 'NoSchedule',
} as const;

// ECI has no nodes to fill: large enough that the scheduler never refuses a pod for want of room.
const capacity = { cpu: '100k', memory: '1Pi', 'ephemeral-storage': '1Pi', pods: '100k' };

/** The Node object of a virtual node; KWOK keeps its lease and conditions. */
export const nodeObject = ({ name, zone }: NodeSpec): object => ({
  apiVersion: 'v1',
  kind: 'Node',
  metadata: {
    name,
    labels: {
      type: 'virtual-kubelet',
      'kubernetes.io/hostname': name,
      'kubernetes.io/os': 'linux',
      'kubernetes.io/arch': 'amd64',
      'topology.kubernetes.io/region': zone.slice(0, zone.lastIndexOf('-')),
      'topology.kubernetes.io/zone': zone,
    },
  },
  spec: { taints: [virtualNodeTaint] },
  status: { capacity, allocatable: capacity },
});
