import type { Pod } from 'kubernetes-types/core/v1.js';
import { test } from 'vitest';
import { aBudget, aDeployment, aStatefulSet } from '../../builders/workloads.ts';
import { budgetInForce } from '../harness/objects.ts';
import { warn } from '../harness/platform.ts';
import { sim, spotAnnotations } from '../harness/pods.ts';
import { aScene, isGone, type Scene, timesTold, uidOf } from '../harness/scene.ts';

const annotations = spotAnnotations;

/** Warned pods of the workload of that name, held by a budget that allows nothing. */
const theBlockedPods = async (scene: Scene, app: string, count: number): Promise<Pod[]> => {
  await scene.create(aBudget({ maxUnavailable: 0 }, app));
  const pods = await scene.ready(app, count);
  await budgetInForce(scene.admin, scene.namespace, app);
  await Promise.all(pods.map((pod) => warn(scene.admin, pod, { leftSeconds: 150 })));
  await Promise.all(pods.map((pod) => scene.entry(pod, ({ phase }) => phase === 'Blocked')));
  return pods;
};

test.concurrent(
  'a doomed pod that somebody else deletes is followed to its replacement',
  async ({ expect }) => {
    const scene = await aScene();
    await scene.create(aStatefulSet({ annotations, replicas: 2 }));
    const [doomed = {}, sibling = {}] = await theBlockedPods(scene, 'db', 2);
    await scene.delete('Pod', doomed.metadata?.name ?? '');
    const entry = await scene.entry(doomed, ({ phase }) => phase === 'Done');
    expect(entry.outcome).toBe('Replaced');
    expect(entry.evictedAt).toBeUndefined();
    expect(entry.replacement?.pod).toBe(doomed.metadata?.name);
    expect((await scene.status()).totals).toMatchObject({
      noticed: 2,
      evicted: 0,
      forced: 0,
      missed: 0,
      replaced: 1,
    });
    expect(timesTold(await scene.events(uidOf(doomed)), 'PodEvicted')).toBe(0);
    expect((await scene.entry(sibling, () => true)).phase).toBe('Blocked');
  },
);

test.concurrent('a doomed pod whose workload is scaled to zero needs no replacement', async ({ expect }) => {
  const scene = await aScene();
  await scene.create(aDeployment({ annotations, replicas: 2 }));
  const pods = await theBlockedPods(scene, 'web', 2);
  await scene.patch('Deployment', 'web', { spec: { replicas: 0 } });
  const ended = await Promise.all(pods.map((pod) => scene.entry(pod, ({ phase }) => phase === 'Done')));
  expect(ended.map(({ outcome }) => outcome)).toEqual(['NotNeeded', 'NotNeeded']);
  expect(ended[0]?.message).toBe('Deployment web wants no pod in its place');
});

test.concurrent('a doomed pod whose Deployment is deleted needs no replacement', async ({ expect }) => {
  const scene = await aScene();
  await scene.create(aDeployment({ annotations }));
  const [pod = {}] = await theBlockedPods(scene, 'web', 1);
  await scene.delete('Deployment', 'web');
  await isGone(scene, pod);
  const { outcome, message } = await scene.entry(pod, ({ phase }) => phase === 'Done');
  expect(outcome).toBe('NotNeeded');
  expect(message).toBe('Deployment web has ended');
});

test.concurrent(
  'a doomed pod that a rollout removes once its successor is Ready needs no replacement',
  async ({ expect }) => {
    // Nobody but the rollout is to remove it.
    const scene = await aScene({ evictor: 'None' });
    await scene.create(aDeployment({ annotations }));
    const pod = await scene.one('web');
    await warn(scene.admin, pod, { leftSeconds: 150 });
    await scene.entry(pod, ({ phase }) => phase === 'Noticed');
    const spec = { template: { metadata: { annotations: { revision: 'two' } } } };
    await scene.patch('Deployment', 'web', { spec });
    const { outcome, message } = await scene.entry(pod, ({ phase }) => phase === 'Done');
    expect(outcome).toBe('NotNeeded');
    expect(message).toBe('Deployment web has the 1 Ready pods it wants');
  },
);

test.concurrent(
  'a replacement that goes before it is Ready is followed by the next one',
  async ({ expect }) => {
    const scene = await aScene();
    await scene.create(aDeployment({ annotations: { ...annotations, ...sim({ 'ready-after': '12s' }) } }));
    const pod = await scene.one('web');
    await warn(scene.admin, pod, { leftSeconds: 150 });
    const { replacement: first } = await scene.entry(pod, ({ replacement }) => replacement !== undefined);
    expect(first?.readyAt).toBeUndefined();
    await scene.delete('Pod', first?.pod ?? '');
    const { outcome, replacement } = await scene.entry(pod, ({ phase }) => phase === 'Done');
    expect(outcome).toBe('Replaced');
    expect(replacement?.uid).toBe(uidOf(await scene.one('web')));
    expect(replacement?.uid).not.toBe(first?.uid);
  },
);
