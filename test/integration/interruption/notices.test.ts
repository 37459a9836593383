import { test } from 'vitest';
import type { Pod } from 'kubernetes-types/core/v1.js';
import { aBudget, aDeployment, aStatefulSet } from '../../builders/workloads.ts';
import { waitFor } from '../harness/cluster.ts';
import { budgetInForce, pathTo } from '../harness/objects.ts';
import { announce, noticeEvent, warn } from '../harness/platform.ts';
import { aBarePod, spotAnnotations } from '../harness/pods.ts';
import { aScene, editPolicy, isTouched, type Scene, eventsUpTo, timesTold, uidOf } from '../harness/scene.ts';

const annotations = spotAnnotations;
const second = 1_000;

/** A bare pod: it may use the time it has left, so its entry stays to be looked at. */
const aPatientPod = async (scene: Scene, name = 'patient'): Promise<Pod> => {
  await scene.create(aBarePod(name, { graceSeconds: 1 }));
  return scene.one(name);
};

const deadlineOf = async (scene: Scene, pod: Pod): Promise<number> =>
  Date.parse((await scene.entry(pod, ({ phase }) => phase === 'Noticed')).deadline);

test.concurrent.for([
  { text: 'Spot ECI will be released in 5 minutes', windowMinutes: 5 },
  { text: '[eci.containergroup] SPOT ECI WILL BE RELEASED IN 4 MINUTES.', windowMinutes: 4 },
  { text: 'spot instance is going to be reclaimed soon', windowMinutes: 3 },
])(
  'the text "$text" gives a window of $windowMinutes minutes',
  async ({ text, windowMinutes }, { expect }) => {
    const scene = await aScene();
    const pod = await aPatientPod(scene);
    const { noticedAtMs } = await announce(scene.admin, pod, { leftSeconds: 170, text });
    expect(await deadlineOf(scene, pod)).toBe(noticedAtMs + windowMinutes * 60 * second);
  },
);

test.concurrent(
  'an Event that names the instance instead of the pod is about its pod, and another instance is not',
  async ({ expect }) => {
    const scene = await aScene();
    await scene.create(aDeployment({ annotations }));
    const other = await aPatientPod(scene, 'other');
    const pod = await scene.one('web');
    const instance = pod.metadata?.annotations?.['k8s.aliyun.com/eci-instance-id'] ?? 'none';
    await announce(scene.admin, other, { leftSeconds: 170, uid: instance });
    await announce(scene.admin, pod, { leftSeconds: 170, uid: instance });
    const { outcome } = await scene.entry(pod, ({ phase }) => phase === 'Done');
    expect(outcome).toBe('Replaced');
    expect((await scene.status()).interruptions?.map(({ uid }) => uid)).toEqual([uidOf(pod)]);
  },
);

test.concurrent('the same Event five times, with a growing count, is one eviction', async ({ expect }) => {
  const scene = await aScene();
  await scene.create(aStatefulSet({ annotations }));
  const pod = await scene.one('db');
  const { name, noticedAtMs } = await announce(scene.admin, pod, { leftSeconds: 170 });
  for (const count of [2, 3, 4, 5]) {
    const lastTimestamp = new Date(noticedAtMs + count * second).toISOString();
    await scene.patch('Event', name, { count, lastTimestamp });
  }
  await scene.entry(pod, ({ phase }) => phase === 'Done');
  // A repeat after the pod has gone says nothing about the one that has its name now.
  const successor = await scene.one('db');
  await scene.patch('Event', name, { count: 6 });
  const sentinel = await aPatientPod(scene);
  await warn(scene.admin, sentinel, { leftSeconds: 60 });
  const { totals } = await scene.statusWith((status) => status.totals?.noticed === 2);

  expect(totals).toMatchObject({ noticed: 2, evicted: 1, replaced: 1 });
  const seen = await scene.find(successor);
  expect(seen && isTouched(seen)).toBe(false);
  const told = await eventsUpTo(scene, pod, 'PodEvicted');
  expect(timesTold(told, 'SpotReclaimNoticed')).toBe(1);
  expect(timesTold(told, 'PodEvicted')).toBe(1);
});

test.concurrent('an Event whose deadline is long past is ignored', async ({ expect }) => {
  const scene = await aScene();
  const pod = await aPatientPod(scene);
  const sentinel = await aPatientPod(scene, 'sentinel');
  await announce(scene.admin, pod, { leftSeconds: -90 });
  await announce(scene.admin, sentinel, { leftSeconds: 100 });
  await scene.entry(sentinel, ({ phase }) => phase === 'Noticed');
  expect((await scene.status()).interruptions?.map(({ uid }) => uid)).toEqual([uidOf(sentinel)]);
});

test.concurrent(
  'an Event about a pod that is gone, whatever has its name now, is ignored',
  async ({ expect }) => {
    const scene = await aScene();
    await scene.create(aStatefulSet({ annotations }));
    const pod = await scene.one('db');
    const sentinel = await aPatientPod(scene);
    // Both name pods that the operator never saw; one had the name of a pod that is younger than its notice.
    for (const name of ['db-0', 'db-1']) {
      const earlier = { metadata: { ...pod.metadata, name, uid: crypto.randomUUID() } };
      await announce(scene.admin, earlier, { leftSeconds: 60 });
    }
    await announce(scene.admin, sentinel, { leftSeconds: 170 });
    await scene.entry(sentinel, ({ phase }) => phase === 'Noticed');
    expect((await scene.status()).interruptions?.map(({ uid }) => uid)).toEqual([uidOf(sentinel)]);
    const seen = await scene.find(pod);
    expect(seen && isTouched(seen)).toBe(false);
  },
);

test.concurrent('of two notices the earlier deadline stands, whichever comes first', async ({ expect }) => {
  const scene = await aScene();
  const pod = await aPatientPod(scene);
  const first = await announce(scene.admin, pod, { leftSeconds: 120 });
  expect(await deadlineOf(scene, pod)).toBe(first.deadlineMs);

  await announce(scene.admin, pod, { leftSeconds: 160, text: 'Spot ECI will be released in 4 minutes' });
  const earlier = await announce(scene.admin, pod, { leftSeconds: 100 });
  const { deadline } = await scene.entry(pod, (entry) => Date.parse(entry.deadline) !== first.deadlineMs);
  expect(Date.parse(deadline)).toBe(earlier.deadlineMs);
  await scene.statusWith(({ totals }) => totals?.noticed === 1);

  await announce(scene.admin, pod, { leftSeconds: 160 });
  const sentinel = await aPatientPod(scene, 'sentinel');
  await announce(scene.admin, sentinel, { leftSeconds: 170 });
  await deadlineOf(scene, sentinel);
  expect(await deadlineOf(scene, pod)).toBe(earlier.deadlineMs);
  expect((await scene.statusWith(({ totals }) => totals?.noticed === 2)).totals).toMatchObject({
    evicted: 0,
  });
});

test.concurrent('a condition whose status is written in lower case counts', async ({ expect }) => {
  const scene = await aScene();
  await scene.create(aDeployment({ annotations }));
  const pod = await scene.one('web');
  await warn(scene.admin, pod, { leftSeconds: 170, status: 'true' });
  expect((await scene.entry(pod, ({ phase }) => phase === 'Done')).outcome).toBe('Replaced');
});

/** Plays a virtual node whose conditions keep an old transition time: conditions of these types appear at once. */
const becomesDoomed = async (scene: Scene, pod: Pod, types: readonly string[]): Promise<void> => {
  const { event } = noticeEvent(pod, { leftSeconds: 170 });
  const conditions = types.map((type) => ({
    ...{ type, status: 'True', reason: event.reason, message: event.message },
    lastTransitionTime: new Date(Math.floor(Date.now() / 1000) * 1000 - 3600 * second).toISOString(),
  }));
  const path = `${pathTo('Pod', scene.namespace, pod.metadata?.name)}/status`;
  await scene.admin.patch(path, { metadata: { uid: uidOf(pod) }, status: { conditions } }, 'strategic');
};

test.concurrent.for([
  { types: ['ContainerInstanceCreated'] },
  { types: ['ContainerInstanceExpired'] },
  { types: ['ContainerInstanceCreated', 'ContainerInstanceExpired'] },
])('a pod has its whole window though $types.0 says it began an hour ago', async ({ types }, { expect }) => {
  const scene = await aScene({ replacement: 'BeforeEviction' });
  await scene.create(aDeployment({ annotations }));
  await scene.create(aBudget({ maxUnavailable: 0 }));
  const pod = await scene.one('web');
  await budgetInForce(scene.admin, scene.namespace, 'web');
  const fromMs = Date.now();
  await becomesDoomed(scene, pod, types);
  const { outcome, deadline } = await scene.entry(pod, ({ phase }) => phase === 'Done');
  expect(outcome).toBe('Replaced');
  // The status has whole seconds.
  expect(Date.parse(deadline)).toBeGreaterThan(fromMs + 178 * second);
  expect((await scene.status()).totals).toMatchObject({ evicted: 1, forced: 0 });
});

test.concurrent(
  'a copy of a doomed pod, with the mark that the operator left on it, is left alone',
  async ({ expect }) => {
    const scene = await aScene();
    const first = await aPatientPod(scene, 'first');
    await warn(scene.admin, first, { leftSeconds: 100 });
    const mark = 'spotpolicy.dev/interruption';
    const text = await waitFor(
      'the mark',
      async () => (await scene.find(first))?.metadata?.annotations?.[mark] ?? false,
    );
    const copy = aBarePod('copy', { graceSeconds: 1 });
    copy.metadata = { ...copy.metadata, annotations: { ...copy.metadata?.annotations, [mark]: text } };
    await scene.create(copy);
    const copied = await scene.one('copy');
    const sentinel = await aPatientPod(scene, 'sentinel');
    await warn(scene.admin, sentinel, { leftSeconds: 100 });
    await scene.entry(sentinel, ({ phase }) => phase === 'Noticed');
    const listed = (await scene.status()).interruptions?.map(({ pod }) => pod);
    expect(listed?.toSorted()).toEqual(['first', 'sentinel']);
    expect((await scene.find(copied))?.metadata?.deletionTimestamp).toBeUndefined();
  },
);

test.concurrent.for(['DryRun', 'Disabled'])(
  'pods that a policy stamped are handled while it is %s',
  async (mode, { expect }) => {
    const scene = await aScene();
    const stamp = { 'spotpolicy.dev/policy': `SpotPolicy/${scene.namespace}/spot` };
    await scene.create(aDeployment({ annotations: { ...annotations, ...stamp } }));
    const pod = await scene.one('web');
    await editPolicy(scene, { mode });
    await warn(scene.admin, pod, { leftSeconds: 150 });
    expect((await scene.entry(pod, ({ phase }) => phase === 'Done')).outcome).toBe('Replaced');
  },
);
