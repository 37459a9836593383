import type { Pod as RawPod } from 'kubernetes-types/core/v1.js';
import { describe, expect, it } from 'vitest';
import { placeIn } from '../../../operator/injection/place.ts';
import { cohortOf } from '../../../operator/world/cohort.ts';
import { trimPod } from '../../../operator/world/pod.ts';
import { aPod, at, ownedBy, type PodWishes } from '../../builders/pod.ts';
import { aPolicy } from '../../builders/policy.ts';
import { aWorld } from '../../builders/world.ts';

const policy = 'SpotPolicy/shop/web';
const distribution = { onDemandBase: 0, spotPercentage: 90 };

const aJobPod = (job: string, capacity: string, more: PodWishes = {}): RawPod => {
  const pod = aPod({
    name: `${job}-pod`,
    owner: ownedBy('Job', job),
    annotations: {
      'spotpolicy.dev/policy': policy,
      ...(capacity === 'on-demand' && { 'k8s.aliyun.com/eci-spot-strategy': undefined }),
    },
    ...more,
  });
  return { ...pod, spec: { containers: [], ...pod.spec, restartPolicy: 'Never' } };
};

/** What each Job of one pod gets, in their order; `before` says what has become of the earlier ones by then. */
const given = (jobs: readonly string[], before: PodWishes): string[] => {
  const shares: string[] = [];
  for (const job of jobs) {
    const Pod = jobs.slice(0, shares.length).map((name, index) => aJobPod(name, shares[index] ?? '', before));
    const cohort = cohortOf(trimPod(aJobPod(job, 'spot')), policy);
    const question = { nonce: job, cohort, distribution };
    shares.push(placeIn(aWorld({ SpotPolicy: [aPolicy()], Pod }), question, at(0)).share.capacity);
  }
  return shares;
};
const spotOf = (shares: readonly string[]): number => shares.filter((share) => share === 'spot').length;
const twenty = (name: (index: number) => string): string[] =>
  Array.from({ length: 20 }, (_, index) => name(index));

describe('of twenty Jobs of one pod each, a share of 90 % puts eighteen on spot', () => {
  it.each([
    ['beside each other', (index: number) => `job-${index}`, {}],
    ['one after the other', (index: number) => `job-${index}`, { phase: 'Succeeded' }],
    [
      'of one schedule, one after the other',
      (index: number) => `nightly-${29_000_000 + index}`,
      { phase: 'Succeeded' },
    ],
  ] as const)('%s', (_, name, before) => {
    expect(spotOf(given(twenty(name), before))).toBe(18);
  });

  it('and a pod counts no more once it terminates, but where it had ended', () => {
    const deletion = { atMs: at(0), graceSeconds: 30 };
    expect(spotOf(given(['one', 'two'], { deletion }))).toBe(0);
    expect(spotOf(given(['one', 'two'], { deletion, phase: 'Succeeded' }))).toBe(1);
  });
});
