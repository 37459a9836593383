import type { Deployment } from 'kubernetes-types/apps/v1.js';
import { describe, test } from 'vitest';
import { aDeployment, aJob, aStatefulSet } from '../../builders/workloads.ts';
import { aNamespace } from '../harness/cluster.ts';
import { create, isReady, podsOf, readyPods } from '../harness/objects.ts';
import { announce, warn } from '../harness/platform.ts';
import { aBarePod, kinder, sim, spotAnnotations } from '../harness/pods.ts';
import { aScene, clockReaches, isTouched, timesTold, uidOf } from '../harness/scene.ts';

const annotations = spotAnnotations;
const at = (time: string | undefined): number => Date.parse(time ?? 'no time');

/** A workload whose pods are made from a Deployment's template. */
const madeFrom = ({ spec }: Deployment, kind: string) => ({
  apiVersion: 'apps/v1',
  kind,
  metadata: { name: 'web' },
  spec: { selector: spec?.selector, template: spec?.template },
});

describe.concurrent('at once', () => {
  test('a pod of a StatefulSet is evicted, and the one of the same name counts as its replacement', async ({
    expect,
  }) => {
    const scene = await aScene();
    await scene.create(aStatefulSet({ annotations }));
    const pod = await scene.one('db');
    const { noticedAtMs } = await warn(scene.admin, pod, { leftSeconds: 170 });
    const { outcome, replacement, evictedAt, ...entry } = await scene.entry(
      pod,
      ({ phase }) => phase === 'Done',
    );
    expect(outcome).toBe('Replaced');
    expect(replacement).toMatchObject({ pod: 'db-0', uid: uidOf(await scene.one('db')) });
    expect(at(entry.noticedAt)).toBeGreaterThanOrEqual(noticedAtMs);
    expect(at(entry.deadline) - at(entry.noticedAt)).toBe(170_000);
    expect(at(evictedAt) - noticedAtMs).toBeLessThan(30_000);
  });

  test('a pod of a ReplicaSet without a Deployment is evicted', async ({ expect }) => {
    const scene = await aScene();
    await scene.create(madeFrom(aDeployment({ annotations }), 'ReplicaSet'));
    const pod = await scene.one('web');
    await warn(scene.admin, pod, { leftSeconds: 170 });
    const { outcome, workload } = await scene.entry(pod, ({ phase }) => phase === 'Done');
    expect(outcome).toBe('Replaced');
    expect(workload).toMatchObject({ kind: 'ReplicaSet', name: 'web' });
  });

  test('a Job pod is evicted where the policy says Immediately', async ({ expect }) => {
    const scene = await aScene({ jobPods: 'Immediately' });
    await scene.create(
      aJob({ annotations: { ...annotations, ...kinder.killedBySigterm }, ignoresDisruption: true }),
    );
    const pod = await scene.one('batch');
    await warn(scene.admin, pod, { leftSeconds: 170 });
    const { outcome, replacement } = await scene.entry(pod, ({ phase }) => phase === 'Done');
    expect(outcome).toBe('Replaced');
    expect(replacement?.uid).toBe(uidOf(await scene.one('batch')));
  });
});

describe.concurrent('late', () => {
  test('a Job pod and a pod that nobody recreates run on until just before their deadline', async ({
    expect,
  }) => {
    const scene = await aScene();
    await scene.create(aJob({ annotations, graceSeconds: 2 }));
    await scene.create(aBarePod('alone', { graceSeconds: 2 }));
    const pods = [await scene.one('batch'), await scene.one('alone')];
    const times = await Promise.all(pods.map((pod) => warn(scene.admin, pod, { leftSeconds: 20 })));
    const waiting = await Promise.all(
      pods.map((pod) => scene.entry(pod, ({ phase }) => phase === 'Noticed')),
    );
    expect(waiting.map(({ message }) => message)).toEqual([
      'it runs to completion and may use the time it has left',
      'no controller will recreate it and may use the time it has left',
    ]);
    const ended = await Promise.all(pods.map((pod) => scene.entry(pod, ({ phase }) => phase === 'Done')));
    expect(ended.map(({ outcome }) => outcome)).toEqual(['Replaced', 'NotReplaced']);
    for (const [index, { evictedAt }] of ended.entries()) {
      // Grace of 2 s and 10 s to have the eviction accepted; the status gives whole seconds.
      const leftMs = (times[index]?.deadlineMs ?? 0) - at(evictedAt);
      expect(leftMs).toBeLessThanOrEqual(13_000);
    }
    expect((await scene.status()).totals).toMatchObject({ noticed: 2, evicted: 2, forced: 0, missed: 0 });
  });

  test('a Job pod that finishes in time is left alone and Completed', async ({ expect }) => {
    const scene = await aScene();
    await scene.create(aJob({ annotations: { ...annotations, ...sim({ 'complete-after': '6s' }) } }));
    const pod = await scene.one('batch');
    await warn(scene.admin, pod, { leftSeconds: 60 });
    await scene.entry(pod, ({ phase }) => phase === 'Noticed');
    const { outcome, evictedAt } = await scene.entry(pod, ({ phase }) => phase === 'Done');
    expect(outcome).toBe('Completed');
    expect(evictedAt).toBeUndefined();
    expect((await scene.find(pod))?.status?.phase).toBe('Succeeded');
    expect((await scene.status()).totals).toMatchObject({ noticed: 1, evicted: 0 });
  });
});

describe.concurrent('not at all', () => {
  test('a Job pod is left to the reclaim where the policy says Never, and its successor is awaited', async ({
    expect,
  }) => {
    const scene = await aScene({ jobPods: 'Never' });
    await scene.create(aJob({ annotations }));
    const pod = await scene.one('batch');
    await warn(scene.admin, pod, { leftSeconds: 4 });
    const waiting = await scene.entry(pod, ({ phase }) => phase === 'Noticed');
    expect(waiting.message).toMatch(/^left to the reclaim: .*jobPods: Never/);
    const { outcome } = await scene.entry(pod, ({ phase }) => phase === 'AwaitingReplacement');
    expect(outcome).toBe('LeftToReclaim');
    const ended = await scene.entry(pod, ({ phase }) => phase === 'Done');
    expect(ended.outcome).toBe('LeftToReclaim');
    const successor = (await podsOf(scene.admin, scene.namespace, 'batch')).find(isReady);
    expect(ended.replacement?.uid).toBe(successor?.metadata?.uid);
    expect((await scene.status()).totals).toMatchObject({
      ...{ noticed: 1, evicted: 0, forced: 0, leftToReclaim: 1, missed: 0 },
    });
    expect((await scene.find(pod))?.status?.reason).toBe('BidFailed');
  });

  test('no pod is evicted or deleted where the evictor is None, yet all of them are followed', async ({
    expect,
  }) => {
    const scene = await aScene({ evictor: 'None' });
    await scene.create(aDeployment({ annotations }));
    const pod = await scene.one('web');
    await warn(scene.admin, pod, { leftSeconds: 8 });
    await scene.entry(pod, ({ phase }) => phase === 'Noticed');
    const ended = await scene.entry(pod, ({ phase }) => phase === 'Done');
    expect(ended.outcome).toBe('LeftToReclaim');
    expect(ended.replacement?.pod).toMatch(/^web-/);
    expect((await scene.find(pod))?.status?.reason).toBe('BidFailed');
    expect((await scene.status()).totals).toMatchObject({
      evicted: 0,
      forced: 0,
      leftToReclaim: 1,
      replaced: 1,
    });
  });

  test('a DaemonSet pod is left alone', async ({ expect }) => {
    const scene = await aScene();
    await scene.create(madeFrom(aDeployment({ annotations }), 'DaemonSet'));
    const [pod = {}] = await scene.ready('web', 3);
    const { deadlineMs } = await warn(scene.admin, pod, { leftSeconds: 16 });
    await scene.entry(
      pod,
      ({ message }) => message === 'left to the reclaim: a DaemonSet pod goes with its node',
    );
    // Any other pod would have been evicted by now, or deleted: its grace is 5 s.
    await clockReaches(deadlineMs - 5_000);
    const seen = await scene.find(pod);
    expect(seen?.metadata?.deletionTimestamp).toBeUndefined();
    expect(seen?.status?.conditions?.map(({ type }) => type)).not.toContain('DisruptionTarget');
    const { outcome } = await scene.entry(pod, ({ phase }) => phase === 'Done');
    expect(outcome).toBe('LeftToReclaim');
  });

  test('a pod that asks its virtual node for eviction is only followed until its deadline', async ({
    expect,
  }) => {
    const scene = await aScene();
    const release = { 'k8s.aliyun.com/eci-spot-release-strategy': 'api-evict' };
    await scene.create(aDeployment({ annotations: { ...annotations, ...release } }));
    const pod = await scene.one('web');
    await warn(scene.admin, pod, { leftSeconds: 60 });
    const { message } = await scene.entry(pod, ({ phase }) => phase === 'Noticed');
    expect(message).toBe('its virtual node evicts it (api-evict); deleted gracefully at the deadline');
    const eviction = { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name: pod.metadata?.name } };
    await scene.admin.post(
      `/api/v1/namespaces/${scene.namespace}/pods/${pod.metadata?.name}/eviction`,
      eviction,
    );
    const ended = await scene.entry(pod, ({ phase }) => phase === 'Done');
    expect(ended).toMatchObject({ outcome: 'Replaced' });
    expect(timesTold(await scene.events(uidOf(pod)), 'PodEvicted')).toBe(0);
  });
});

test.concurrent(
  'a notice about a pod that no policy governs, that opted out, or that is no spot pod changes nothing',
  async ({ expect }) => {
    const scene = await aScene();
    const elsewhere = await aNamespace();
    await create(scene.admin, elsewhere, aDeployment({ annotations }));
    const optOut = { 'spotpolicy.dev/inject': 'false' };
    await scene.create(aDeployment({ name: 'out', annotations, labels: optOut }));
    await scene.create(aDeployment({ name: 'plain' }));
    await scene.create(aDeployment({ name: 'sentinel', annotations }));
    const left = [
      ...(await readyPods(scene.admin, elsewhere, 'web', 1)),
      await scene.one('out'),
      await scene.one('plain'),
    ];
    const sentinel = await scene.one('sentinel');
    for (const pod of [...left, sentinel]) {
      await warn(scene.admin, pod, { leftSeconds: 170 });
      await announce(scene.admin, pod, { leftSeconds: 170 });
    }
    await scene.entry(sentinel, ({ phase }) => phase === 'Done');

    const seen = await Promise.all(left.map((pod) => scene.find(pod)));
    expect(seen.map((pod) => pod && isTouched(pod))).toEqual([false, false, false]);
    const { interruptions } = await scene.statusWith(({ totals }) => totals?.noticed === 1);
    expect(interruptions?.map(({ uid }) => uid)).toEqual([uidOf(sentinel)]);
  },
);
