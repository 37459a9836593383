import type { Job } from 'kubernetes-types/batch/v1.js';
import { test } from 'vitest';
import { aJob } from '../../builders/workloads.ts';
import { waitFor } from '../harness/cluster.ts';
import { pathTo } from '../harness/objects.ts';
import { warn } from '../harness/platform.ts';
import { kinder, sim, spotAnnotations } from '../harness/pods.ts';
import { aScene, eventsUpTo, type Scene } from '../harness/scene.ts';

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
    // A pod that exits with 0 would complete a Job that ignores disruptions. Without the policy it counts as failed once the
    // Job controller sees it terminate, so it takes its time.
    const exits = ignoresDisruption ? kinder.killedBySigterm : sim({ 'stop-after': '8s' });
    const template = { annotations: { ...annotations, ...exits }, graceSeconds: 10 };
    await scene.create(aJob({ ...template, backoffLimit, ignoresDisruption }));
    const pod = await scene.one('batch');
    await warn(scene.admin, pod, { leftSeconds: 150 });
    expect((await scene.entry(pod, ({ phase }) => phase === 'Done')).outcome).toBe('Replaced');
    expect(await endOf(scene)).toMatchObject({ type: 'Complete', failed });
    expect((await scene.status()).totals).toMatchObject({ noticed: 1, evicted: 1, forced: 0, missed: 0 });
  },
);

test.concurrent(
  'a Job that ignores disruptions takes an evicted pod that exits with 0 for its last',
  async ({ expect }) => {
    const scene = await aScene({ jobPods: 'Immediately' });
    await scene.create(aJob({ annotations, graceSeconds: 1, backoffLimit: 0, ignoresDisruption: true }));
    const pod = await scene.one('batch');
    await warn(scene.admin, pod, { leftSeconds: 150 });
    expect((await scene.entry(pod, ({ phase }) => phase === 'Done')).outcome).toBe('NotNeeded');
    expect(await endOf(scene)).toMatchObject({ type: 'Complete', failed: 0 });
  },
);

test.concurrent.for([
  { jobPods: 'Immediately', leftSeconds: 150, totals: { evicted: 1, leftToReclaim: 0 } },
  { jobPods: 'AtDeadline', leftSeconds: 14, totals: { evicted: 1, leftToReclaim: 0 } },
  { jobPods: 'Never', leftSeconds: 8, totals: { evicted: 0, leftToReclaim: 1 } },
] as const)(
  'a Job without retries and without a podFailurePolicy fails with jobPods $jobPods, and its policy says so',
  async ({ jobPods, leftSeconds, totals }, { expect }) => {
    const scene = await aScene({ jobPods });
    const killed = { ...spotAnnotations, ...kinder.killedBySigterm };
    await scene.create(aJob({ annotations: killed, graceSeconds: 1, backoffLimit: 0 }));
    const pod = await scene.one('batch');
    await warn(scene.admin, pod, { leftSeconds });
    if (jobPods !== 'Immediately') {
      const { message } = await scene.entry(pod, ({ phase }) => phase === 'Noticed');
      expect(message).toMatch(/; Job batch fails when it loses this pod: its backoffLimit of 0 is used up$/);
    }
    expect(await endOf(scene)).toEqual({ type: 'Failed', reason: 'BackoffLimitExceeded', failed: 1 });
    const { outcome, message } = await scene.entry(pod, ({ phase }) => phase === 'Done');
    expect(outcome).toBe('WorkloadFailed');
    expect(message).toBe('Job batch has failed: Job has reached the specified backoff limit');
    expect((await scene.status()).totals).toMatchObject({ noticed: 1, workloadFailed: 1, ...totals });
    const told = await eventsUpTo(scene, pod, 'WorkloadFailed');
    expect(told.find(({ reason }) => reason === 'WorkloadFailed')).toMatchObject({
      type: 'Warning',
      message: expect.stringContaining('Job batch has failed'),
    });
  },
);

test.concurrent('a Job that is suspended while its pod is doomed wants no other pod', async ({ expect }) => {
  const scene = await aScene();
  await scene.create(aJob({ annotations: spotAnnotations, graceSeconds: 1 }));
  const pod = await scene.one('batch');
  await warn(scene.admin, pod, { leftSeconds: 150 });
  await scene.entry(pod, ({ phase }) => phase === 'Noticed');
  await scene.patch('Job', 'batch', { spec: { suspend: true } });
  const { outcome, message } = await scene.entry(pod, ({ phase }) => phase === 'Done');
  expect({ outcome, message }).toEqual({
    outcome: 'NotNeeded',
    message: 'Job batch wants no pod in its place',
  });
});

test.concurrent(
  'no other index replaces an index of an Indexed Job, whose Job gives it up where it may not fail once',
  async ({ expect }) => {
    const scene = await aScene({ jobPods: 'Immediately' });
    // One that ends well on SIGTERM would complete its index.
    const { spec, ...job } = aJob({ annotations: { ...spotAnnotations, ...kinder.killedBySigterm } });
    const indexed = { completionMode: 'Indexed', completions: 2, parallelism: 1 };
    const givesUp = { backoffLimit: undefined, backoffLimitPerIndex: 0, maxFailedIndexes: 2 };
    await scene.create({ ...job, spec: { ...spec, ...indexed, ...givesUp } });
    const pod = await scene.one('batch');
    await warn(scene.admin, pod, { leftSeconds: 150 });
    const { outcome, replacement, message } = await scene.entry(pod, ({ phase }) => phase === 'Done');
    expect({ outcome, replacement, message }).toEqual({
      ...{ outcome: 'NotReplaced', replacement: undefined, message: 'index 0 of Job batch has failed' },
    });
    expect((await scene.one('batch')).metadata?.name).toMatch(/^batch-1-/);
  },
);
