import type { Pod } from 'kubernetes-types/core/v1.js';
import { describe, expect, test } from 'vitest';
import { refusal } from '../../../hack/cluster/reclaim.ts';

const aPod = (different: Pod = {}): Pod => ({
  ...different,
  metadata: {
    ...different.metadata,
    annotations: { 'k8s.aliyun.com/eci-spot-strategy': 'SpotAsPriceGo', ...different.metadata?.annotations },
  },
  status: { phase: 'Running', ...different.status },
});

const releasedAt = '2026-01-01T00:00:00.000Z';

describe('refusal', () => {
  test('finds no reason against a running spot pod', () => {
    expect(refusal(aPod())).toBeUndefined();
  });

  test.for<[string, Pod, RegExp]>([
    [
      'without a spot strategy',
      { metadata: {}, status: { phase: 'Running' } },
      /no annotation k8s\.aliyun\.com\/eci-spot-strategy/,
    ],
    ['under deletion', aPod({ metadata: { deletionTimestamp: releasedAt } }), /being deleted/],
    ['that has not started', aPod({ status: { phase: 'Pending' } }), /it is Pending/],
    ['that has ended', aPod({ status: { phase: 'Failed' } }), /it is Failed/],
    [
      'on pay-as-you-go',
      aPod({ metadata: { annotations: { 'sim.spotpolicy.dev/degraded': 'true' } } }),
      /SpotDegraded/,
    ],
    [
      'warned before',
      aPod({ metadata: { annotations: { 'sim.spotpolicy.dev/released-at': releasedAt } } }),
      /released at 2026/,
    ],
  ])('names why ECI would not reclaim a pod %s', ([, pod, reason]) => {
    expect(refusal(pod)).toMatch(reason);
  });
});
