import type { Pod } from 'kubernetes-types/core/v1.js';
import { beforeAll, describe, type ExpectStatic, test } from 'vitest';
import { aPolicy } from '../../builders/policy.ts';
import { aBudget } from '../../builders/workloads.ts';
import { aNamespace, sharedCluster, waitFor } from '../harness/cluster.ts';
import { aProgrammedPolicy, budgetInForce, podsOf, statusOf } from '../harness/objects.ts';
import { warn } from '../harness/platform.ts';
import {
  aScene,
  eventsUpTo,
  fewestServing,
  isGone,
  type Scene,
  timesTold,
  uidOf,
  watchPods,
} from '../harness/scene.ts';
import {
  aPodOf,
  cloneSet,
  type CloneSetWishes,
  createCloneSet,
  playCloneSets,
} from '../workloads/clone-sets.ts';
import { define } from '../workloads/foreign-kinds.ts';

const cluster = await sharedCluster();
const { admin } = cluster;

/** A scene with the pods of a CloneSet, Ready, and the budget `web` over them where one is wanted. */
const aCloneSetScene = async (
  wishes: CloneSetWishes,
  budget?: Parameters<typeof aBudget>[0],
): Promise<{ scene: Scene; pods: Pod[] }> => {
  const scene = await aScene({ replacement: 'BeforeEviction' });
  playCloneSets(admin, scene.namespace, { 'ready-after': '2s' });
  await createCloneSet(cluster, scene.namespace, wishes);
  if (budget) await scene.create(aBudget(budget));
  const pods = await scene.ready('web', wishes.replicas ?? 1);
  if (budget) await budgetInForce(admin, scene.namespace, 'web');
  return { scene, pods };
};

const isEvictedPlainly = async (
  { scene, pods: [pod] }: Awaited<ReturnType<typeof aCloneSetScene>>,
  because: string,
  expect: ExpectStatic,
): Promise<void> => {
  if (!pod) throw new Error('there is no pod');
  const watched = watchPods(scene);
  await warn(admin, pod, { leftSeconds: 150 });
  await isGone(scene, pod);
  watched.stop();
  const events = await eventsUpTo(scene, pod, 'PodEvicted');
  const told = events.find(({ reason }) => reason === 'PodEvicted');
  expect(told?.message).toBe(`evicted before ECI takes the instance back; not replaced first: ${because}`);
  for (const { metadata } of watched.seen)
    expect(metadata?.labels ?? {}).not.toHaveProperty(['apps.kruise.io/specified-delete']);
};

describe('a CloneSet that the operator may not read', () => {
  beforeAll(() => define(cluster, [cloneSet]));

  test('has its pods evicted as they are, and the status says why', async ({ expect }) => {
    await isEvictedPlainly(await aCloneSetScene({}), 'the operator may not read CloneSet web', expect);
  });
});

describe.concurrent('a CloneSet that the operator may read', () => {
  // What an administrator applies of dist/rights.
  beforeAll(async () => {
    await define(cluster, [cloneSet], ['apps.kruise.io']);
    const namespace = await aNamespace();
    await createCloneSet(cluster, namespace);
    const targetRefs = [{ group: cloneSet.group, kind: cloneSet.kind, name: 'web' }];
    const policy = aPolicy({ name: 'named', spec: { selector: undefined, targetRefs } });
    await aProgrammedPolicy(admin, namespace, policy);
    await waitFor(
      'CloneSets to be read',
      async () => {
        const { conditions = [] } = await statusOf(admin, namespace, 'named');
        return conditions.some(({ type, status }) => type === 'Accepted' && status === 'True');
      },
      { timeoutMs: 60_000 },
    );
  }, 90_000);

  test('replaces its only pod first under a budget that allows nothing, when the pod is labelled for it', async ({
    expect,
  }) => {
    const { scene, pods } = await aCloneSetScene({ replicas: 1, maxSurge: 1 }, { minAvailable: 1 });
    const [pod] = pods as [Pod];
    const watched = watchPods(scene);
    const listed = await waitFor('the pod', () => watched.seen.length);
    await warn(admin, pod, { leftSeconds: 150 });
    const { outcome, replacement, evictedAt } = await scene.entry(pod, ({ phase }) => phase === 'Done');
    await isGone(scene, pod);
    watched.stop();

    expect({ outcome, evictedAt }).toEqual({ outcome: 'Replaced', evictedAt: undefined });
    const living = await scene.one('web');
    expect(replacement?.uid).toBe(uidOf(living));
    expect(living.metadata?.labels).not.toHaveProperty('spotpolicy.dev/reclaiming');
    expect(fewestServing(watched.seen, listed - 1)).toBe(1);
    const last = watched.seen.findLast((each) => uidOf(each) === uidOf(pod));
    expect(last?.metadata).toMatchObject({
      labels: { 'apps.kruise.io/specified-delete': 'true', 'spotpolicy.dev/reclaiming': 'true' },
      annotations: { 'spotpolicy.dev/interruption': expect.stringContaining('"detachedAt"') },
    });
    expect((await scene.status()).totals).toMatchObject({ noticed: 1, evicted: 0, replaced: 1, forced: 0 });
    const events = await eventsUpTo(scene, pod, 'ReplacementReady');
    expect([timesTold(events, 'ReplacementStarted'), timesTold(events, 'PodEvicted')]).toEqual([1, 0]);
  });

  test('replaces three pods that are warned at once, one after the other, and three serve at every moment', async ({
    expect,
  }) => {
    const { scene, pods } = await aCloneSetScene({ replicas: 3, maxSurge: 1 }, { minAvailable: 3 });
    const watched = watchPods(scene);
    const listed = await waitFor('all three', () => watched.seen.length >= 3 && watched.seen.length);
    await Promise.all(pods.map((pod) => warn(admin, pod, { leftSeconds: 150 })));
    const ended = await Promise.all(pods.map((pod) => scene.entry(pod, ({ phase }) => phase === 'Done')));
    watched.stop();
    expect(ended.map(({ outcome }) => outcome)).toEqual(pods.map(() => 'Replaced'));
    expect(new Set(ended.map(({ replacement }) => replacement?.uid)).size).toBe(3);
    expect(fewestServing(watched.seen, listed - 1)).toBe(3);
    await waitFor('three pods', async () => (await podsOf(admin, scene.namespace, 'web')).length === 3);
  });

  test.for([
    ['does not surge', { maxSurge: 0 }, undefined, 'CloneSet web allows no pod more than it wants'],
    [
      'would delete past a budget',
      { replicas: 2, maxUnavailable: 1 },
      { minAvailable: 1 },
      'CloneSet web would not ask budget web',
    ],
  ] as const)('that %s has its pods evicted as they are', async ([, wishes, budget, because], { expect }) => {
    await isEvictedPlainly(await aCloneSetScene(wishes, budget), because, expect);
  });

  test('that does nothing has its pod evicted while the grace period still fits', async ({ expect }) => {
    const scene = await aScene({ replacement: 'BeforeEviction' });
    const owner = await createCloneSet(cluster, scene.namespace);
    await scene.create(aPodOf(owner));
    const pod = await scene.one('web');
    const { deadlineMs } = await warn(admin, pod, { leftSeconds: 45 });
    const { message } = await scene.entry(pod, ({ phase }) => phase === 'Replacing');
    expect(message).toBe('its CloneSet replaces it');
    const { evictedAt } = await scene.entry(pod, (entry) => entry.evictedAt !== undefined);
    const leftMs = deadlineMs - Date.parse(evictedAt ?? '');
    // Its grace period of 5 s and 10 s more; the status has whole seconds.
    expect([leftMs <= 16_000, leftMs > 10_000]).toEqual([true, true]);
    await isGone(scene, pod);
  });
});
