import type { Job } from 'kubernetes-types/batch/v1.js';
import { test } from 'vitest';
import { aJob } from '../../builders/workloads.ts';
import { waitFor } from '../harness/cluster.ts';
import { pathTo } from '../harness/objects.ts';
import { warn } from '../harness/platform.ts';
import { sim, spotAnnotations } from '../harness/pods.ts';
import { aScene, type Scene } from '../harness/scene.ts';

// Long enough for the first pod to be warned before it has done its work.
const annotations = { ...spotAnnotations, ...sim({ 'complete-after': '10s' }) };

/** How a Job ended: the type of its condition and its reason, and how many of its pods count as failed. */
const endOf = ({ admin, namespace }: Scene) =>
  waitFor(
    'the Job to end',
    async () => {
      const { status } = await admin.get<Job>(pathTo('Job', namespace, 'batch'));
      const end = status?.conditions?.find(({ type }) => type === 'Complete' || type === 'Failed');
      return end && { type: end.type, reason: end.reason, failed: status?.failed ?? 0 };
    },
    { timeoutMs: 60_000 },
  );

test.concurrent.for([
  { backoffLimit: 0, ignoresDisruption: true, failed: 0 },
  { backoffLimit: 1, ignoresDisruption: false, failed: 1 },
])(
  'a Job with $backoffLimit retries that ignores disruptions ($ignoresDisruption) completes after $failed failures when its pod is evicted',
  async ({ backoffLimit, ignoresDisruption, failed }, { expect }) => {
    const scene = await aScene({ jobPods: 'Immediately' });
    await scene.create(aJob({ annotations, graceSeconds: 1, backoffLimit, ignoresDisruption }));
    const pod = await scene.one('batch');
    await warn(scene.admin, pod, { leftSeconds: 150 });
    expect((await scene.entry(pod, ({ phase }) => phase === 'Done')).outcome).toBe('Replaced');
    expect(await endOf(scene)).toMatchObject({ type: 'Complete', failed });
    expect((await scene.status()).totals).toMatchObject({ noticed: 1, evicted: 1, forced: 0, missed: 0 });
  },
);

test.concurrent.for([
  { jobPods: 'Immediately', leftSeconds: 150, outcome: 'NotNeeded' },
  { jobPods: 'AtDeadline', leftSeconds: 14, outcome: 'NotNeeded' },
  { jobPods: 'Never', leftSeconds: 3, outcome: 'LeftToReclaim' },
] as const)(
  'a Job without retries and without a podFailurePolicy fails with jobPods $jobPods as it would by the reclaim',
  async ({ jobPods, leftSeconds, outcome }, { expect }) => {
    const scene = await aScene({ jobPods });
    await scene.create(aJob({ annotations: spotAnnotations, graceSeconds: 1, backoffLimit: 0 }));
    const pod = await scene.one('batch');
    await warn(scene.admin, pod, { leftSeconds });
    expect(await endOf(scene)).toEqual({ type: 'Failed', reason: 'BackoffLimitExceeded', failed: 1 });
    expect((await scene.entry(pod, ({ phase }) => phase === 'Done')).outcome).toBe(outcome);
  },
);
