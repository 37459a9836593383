import { test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import type { Operation } from 'rfc6902';
import { reviewPod } from '../../operator/injection/review.ts';
import { admission } from '../../operator/server/admission.ts';
import { settleShare } from '../../operator/shares.ts';
import { aStamping, patched } from '../builders/admission.ts';
import { anyReview } from '../builders/any-review.ts';
import { problemsOf } from '../builders/metadata-judge.ts';
import { noonMs } from '../builders/pod.ts';
import { aPolicy } from '../builders/policy.ts';
import { aWorld } from '../builders/world.ts';

const world = aWorld({
  SpotPolicy: [
    aPolicy({
      namespace: 'shop',
      spec: {
        selector: {},
        strategy: 'SpotWithPriceLimit',
        priceLimit: '0.250',
        fallback: { mode: 'Never' },
      },
    }),
    aPolicy({
      namespace: 'bank',
      spec: { selector: {}, injection: { existing: 'Overwrite', scheduling: 'VirtualNode' } },
    }),
    aPolicy({ namespace: 'mint', spec: { strategy: 'NoSpot' } }),
    aPolicy({
      namespace: 'mall',
      spec: { selector: {}, distribution: { onDemandBase: 2, spotPercentage: 50 } },
    }),
  ],
});

const app = admission({
  unready: () => undefined,
  review: (request) => {
    const reviewed = reviewPod(world, request, aStamping());
    const parts = { world, nowMs: () => noonMs, pause: async () => {}, askLeader: async () => undefined };
    return 'place' in reviewed ? settleShare(reviewed, parts, request.dryRun === true) : reviewed;
  },
  nowMs: () => 0,
  observe: () => {},
  reportFailure: () => {},
});
const ask = (body: string) => app.request('/mutate', { method: 'POST', body });

interface Answer {
  readonly response: { readonly allowed: boolean; readonly warnings?: string[]; readonly patch?: string };
}

describe('whatever is sent to admission', () => {
  test('policies that govern are asked', () => {
    for (const namespace of ['shop', 'bank', 'mint', 'mall']) expect(world.rules(namespace)).toHaveLength(1);
  });

  test.prop([anyReview(['shop', 'bank', 'mint', 'mall', 'elsewhere'])], { numRuns: 2_000 })(
    'it answers, and gives no pod what an API server would refuse',
    async ({ body, pod }) => {
      const answer = await ask(body);
      expect([200, 400, 413]).toContain(answer.status);
      if (answer.status !== 200) return;
      const { response } = (await answer.json()) as Answer;
      const operations = JSON.parse(atob(response.patch ?? btoa('[]'))) as Operation[];
      if (pod === undefined || problemsOf(pod.metadata).length > 0) return;
      const after = patched(pod, operations);
      expect(problemsOf(after.metadata)).toEqual([]);
      expect({ ...after, metadata: {} }).toEqual({ ...pod, metadata: {} });
    },
  );
});
