import type { Pod } from 'kubernetes-types/core/v1.js';
import type { ExpectStatic } from 'vitest';
import type { Cluster } from '../../../hack/cluster/cluster.ts';
import { aBudget, aDeployment } from '../../builders/workloads.ts';
import { waitFor } from '../harness/cluster.ts';
import { killTheOperatorOnce, survives } from '../harness/lives.ts';
import { budgetInForce, isReady, podsOf } from '../harness/objects.ts';
import { warn } from '../harness/platform.ts';
import { sim, spotAnnotations } from '../harness/pods.ts';
import {
  aScene,
  editPolicy,
  eventsUpTo,
  isGone,
  letGo,
  type Scene,
  timesTold,
  uidOf,
} from '../harness/scene.ts';
import { aPodOf, cloneSet, createCloneSet, playCloneSets } from '../workloads/clone-sets.ts';
import { define } from '../workloads/foreign-kinds.ts';

interface Doomed {
  readonly scene: Scene;
  readonly pod: Pod;
}

/** The one Ready pod of a Deployment under a budget that allows nothing. */
const aWebPod = async (
  cluster: Cluster,
  told: Record<string, string>,
  graceSeconds = 10,
): Promise<Doomed> => {
  const scene = await aScene({ replacement: 'BeforeEviction' }, cluster);
  await scene.create(aDeployment({ annotations: { ...spotAnnotations, ...sim(told) }, graceSeconds }));
  await scene.create(aBudget({ maxUnavailable: 0 }));
  const pod = await scene.one('web');
  await budgetInForce(scene.admin, scene.namespace, 'web');
  return { scene, pod };
};

const notice = ({ scene, pod }: Doomed) => warn(scene.admin, pod, { leftSeconds: 150 });

/** Warns the pod and sees it out of its ReplicaSet. */
const takenOut = async (doomed: Doomed): Promise<void> => {
  await notice(doomed);
  await waitFor('the pod to be out of its ReplicaSet', async () => {
    const seen = await doomed.scene.find(doomed.pod);
    return seen?.metadata?.ownerReferences?.[0]?.kind === 'Deployment';
  });
};

const isReplacedOnce = async ({ scene, pod }: Doomed, expect: ExpectStatic): Promise<void> => {
  const { outcome, replacement } = await scene.entry(pod, ({ phase }) => phase === 'Done');
  expect(outcome).toBe('Replaced');
  await isGone(scene, pod);
  const living = await scene.one('web');
  expect(replacement?.uid).toBe(uidOf(living));
  expect(living.metadata?.labels).not.toHaveProperty('spotpolicy.dev/reclaiming');
  const { totals } = await scene.statusWith((status) => status.totals?.replaced === 1);
  expect(totals).toMatchObject({ noticed: 1, evicted: 1, forced: 0, missed: 0 });
  const events = await eventsUpTo(scene, pod, 'PodEvicted');
  // Whoever does not know that it was taken out asks its budget at once.
  expect(['PodEvicted', 'EvictionBlocked'].map((reason) => timesTold(events, reason))).toEqual([1, 0]);
};

killTheOperatorOnce();

survives(
  'a pod whose replacement is not Ready yet when the operator dies is replaced first by the next one',
  {
    before: (cluster) => aWebPod(cluster, { 'ready-after': '20s' }),
    lastThing: takenOut,
    after: isReplacedOnce,
  },
);

survives('a pod whose replacement becomes Ready while nobody leads goes when somebody does', {
  before: (cluster) => aWebPod(cluster, { 'ready-after': '6s' }),
  lastMoment: async (doomed) => {
    await takenOut(doomed);
    // What the operator has counted and not told yet goes with it.
    await doomed.scene.statusWith(({ totals }) => totals?.noticed === 1);
  },
  meanwhile: ({ scene, pod }) =>
    waitFor('the replacement', async () => {
      const pods = await podsOf(scene.admin, scene.namespace, 'web');
      return pods.some((each) => uidOf(each) !== uidOf(pod) && isReady(each));
    }),
  after: isReplacedOnce,
});

survives('a notice that comes while nobody leads still has its replacement come first', {
  before: (cluster) => aWebPod(cluster, { 'ready-after': '2s' }),
  meanwhile: notice,
  after: async (doomed, expect) => {
    await isReplacedOnce(doomed, expect);
    const events = await eventsUpTo(doomed.scene, doomed.pod, 'ReplacementReady');
    expect(timesTold(events, 'ReplacementStarted')).toBe(1);
  },
});

survives('a pod that was evicted after its replacement was Ready, and still stops, is not evicted again', {
  before: (cluster) => aWebPod(cluster, { 'ready-after': '2s', 'stop-after': '60s' }, 60),
  lastThing: async (doomed) => {
    await notice(doomed);
    await doomed.scene.entry(doomed.pod, ({ evictedAt }) => evictedAt !== undefined);
    await eventsUpTo(doomed.scene, doomed.pod, 'PodEvicted');
  },
  after: async (doomed, expect) => {
    // By the second operator.
    await editPolicy(doomed.scene, { priority: 1 });
    expect((await doomed.scene.find(doomed.pod))?.metadata?.deletionTimestamp).toBeDefined();
    await letGo(doomed.scene, [doomed.pod]);
    await isReplacedOnce(doomed, expect);
  },
});

survives('a pod whose Deployment is scaled to zero while nobody leads goes', {
  before: (cluster) => aWebPod(cluster, { 'ready-after': '12s' }),
  lastThing: takenOut,
  meanwhile: ({ scene }) => scene.patch('Deployment', 'web', { spec: { replicas: 0 } }),
  after: async ({ scene, pod }, expect) => {
    await isGone(scene, pod);
    expect((await scene.entry(pod, ({ phase }) => phase === 'Done')).outcome).toBe('NotNeeded');
  },
});

survives('a pod whose Deployment is deleted while nobody leads goes with it', {
  before: (cluster) => aWebPod(cluster, { 'ready-after': '12s' }),
  lastThing: takenOut,
  meanwhile: ({ scene }) => scene.delete('Deployment', 'web'),
  after: async ({ scene, pod }, expect) => {
    await isGone(scene, pod);
    expect((await scene.entry(pod, ({ phase }) => phase === 'Done')).outcome).toBe('NotNeeded');
  },
});

/** The one pod of a CloneSet, which does nothing yet, under a budget that allows nothing. */
const aCloneSetPod = async (cluster: Cluster): Promise<Doomed> => {
  const scene = await aScene({ replacement: 'BeforeEviction' }, cluster);
  await define(cluster, [cloneSet], ['apps.kruise.io']);
  await scene.create(aPodOf(await createCloneSet(cluster, scene.namespace)));
  await scene.create(aBudget({ minAvailable: 1 }));
  const pod = await scene.one('web');
  await budgetInForce(scene.admin, scene.namespace, 'web');
  return { scene, pod };
};

survives('a pod that its CloneSet was told to replace is not touched before it has, and is replaced once', {
  before: aCloneSetPod,
  lastThing: async (doomed) => {
    await notice(doomed);
    await doomed.scene.entry(doomed.pod, ({ message }) => message === 'its CloneSet replaces it');
  },
  after: async ({ scene, pod }, expect) => {
    // The second operator leads before the replacement is Ready.
    playCloneSets(scene.admin, scene.namespace, { 'ready-after': '10s' });
    const { outcome, evictedAt } = await scene.entry(pod, ({ phase }) => phase === 'Done');
    expect({ outcome, evictedAt }).toEqual({ outcome: 'Replaced', evictedAt: undefined });
    await scene.one('web');
    expect((await scene.status()).totals).toMatchObject({ noticed: 1, evicted: 0, replaced: 1, missed: 0 });
    const events = await eventsUpTo(scene, pod, 'ReplacementReady');
    expect(timesTold(events, 'ReplacementStarted')).toBe(1);
  },
});
