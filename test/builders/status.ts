import type { SpotPolicyStatus } from '../../operator/api/status.ts';

/** A status in which every field is there, with wide values where kubectl shows them. */
export const wholeStatus: SpotPolicyStatus = {
  observedGeneration: 1,
  revision: '0123456789ab',
  conditions: [
    {
      ...{
        type: 'Ready',
        status: 'True',
        reason: 'PartiallyOverridden',
        message: 'another policy wins some pods',
      },
      ...{ observedGeneration: 1, lastTransitionTime: '2026-01-01T00:00:00Z' },
    },
  ],
  pods: {
    ...{ matched: 12345, spot: 10000, onDemand: 2000, fallback: 1000, pending: 345 },
    ...{ outdated: 1, uninjected: 2, userValueKept: 3, offVirtualNode: 4 },
  },
  workloads: [
    {
      ref: { group: 'apps', kind: 'Deployment', namespace: 'shop', name: 'web' },
      ...{ pods: 3, spot: 2, onDemand: 1, fallback: 0 },
    },
  ],
  workloadsTotal: 1,
  interruption: { active: 3, blocked: 1, awaitingReplacement: 1, earliestDeadline: '2026-01-01T00:03:00Z' },
  interruptions: [
    {
      ...{
        pod: 'web-0',
        uid: 'uid-of-web-0',
        node: 'virtual-kubelet-cn-hangzhou-h',
        phase: 'Done',
        outcome: 'Replaced',
      },
      ...{
        noticedAt: '2026-01-01T00:00:00Z',
        deadline: '2026-01-01T00:03:00Z',
        evictedAt: '2026-01-01T00:00:01Z',
      },
      message: 'Cannot evict pod as it would violate the budget: it needs 9 healthy pods and has 9',
      replacement: {
        pod: 'web-1',
        uid: 'uid-of-web-1',
        capacity: 'OnDemand',
        readyAt: '2026-01-01T00:00:09Z',
      },
    },
  ],
  totals: { noticed: 6, evicted: 1, replaced: 1, forced: 1, missed: 1, leftToReclaim: 1, workloadFailed: 0 },
  dryRun: {
    pods: 3,
    taken: [{ policy: 'SpotPolicy/shop/web', pods: 2 }],
    samples: ['shop/web-0'],
    templates: {
      total: 1,
      samples: [
        {
          ...{ kind: 'Deployment', namespace: 'shop', name: 'web' },
          annotations: { 'k8s.aliyun.com/eci-spot-strategy': 'SpotAsPriceGo' },
          labels: { 'spotpolicy.dev/capacity': 'spot' },
          removed: ['k8s.aliyun.com/eci-use-specs'],
        },
      ],
    },
  },
};

/** What the status of a policy of the cluster has besides. */
export const wholeClusterStatus: SpotPolicyStatus = {
  ...wholeStatus,
  namespaces: [{ name: 'shop', pods: 3, spot: 2, onDemand: 1 }],
  namespacesTotal: 1,
};
