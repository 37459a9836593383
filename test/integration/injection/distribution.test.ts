import type { Deployment } from 'kubernetes-types/apps/v1.js';
import { describe, expect, test } from 'vitest';
import type { Distribution } from '../../../operator/policy/distribution.ts';
import { aPolicy } from '../../builders/policy.ts';
import { aDeployment, aStatefulSet, type WorkloadOptions } from '../../builders/workloads.ts';
import { aNamespace, sharedCluster, waitFor } from '../harness/cluster.ts';
import { aProgrammedPolicy, create, pathTo, podsOf, readyPods, statusOf } from '../harness/objects.ts';
import { aQuotaInForce } from '../harness/quota.ts';
import { watchPods } from '../harness/scene.ts';
import { admit, aPod } from './admitted.ts';
import { breaches, exactly, isSpot, tallyIn, tallyOf } from './division.ts';

const { admin } = await sharedCluster();

const share: Distribution = { onDemandBase: 3, spotPercentage: 70 };
const aPlace = async (distribution = share): Promise<string> => {
  const namespace = await aNamespace();
  await aProgrammedPolicy(admin, namespace, aPolicy({ spec: { distribution } }));
  return namespace;
};

const count = (namespace: string, wanted: number, timeoutMs = 60_000) =>
  waitFor(
    `${wanted} pods`,
    async () => {
      const { length } = await podsOf(admin, namespace, 'web');
      return length === wanted || Promise.reject(new Error(`there are ${length}`));
    },
    { timeoutMs },
  );
const edit = (namespace: string, body: object) => admin.patch(pathTo('Deployment', namespace, 'web'), body);
const toVersion = (namespace: string, version: string) =>
  edit(namespace, { spec: { template: { metadata: { annotations: { version } } } } });
const rolledOut = (namespace: string) =>
  waitFor('the rollout', async () => {
    const { metadata, spec, status } = await admin.get<Deployment>(pathTo('Deployment', namespace, 'web'));
    const { observedGeneration, updatedReplicas, replicas, availableReplicas } = status ?? {};
    const all = [updatedReplicas, replicas, availableReplicas].every((figure) => figure === spec?.replicas);
    return observedGeneration === metadata?.generation && all;
  });

describe.concurrent('pods of a policy that divides them', () => {
  test('obey at every step of a rolling update, of a rollback half-way, and of replacing what was deleted', async ({
    onTestFinished,
  }) => {
    const namespace = await aPlace();
    const watch = watchPods({ admin, namespace });
    onTestFinished(watch.stop);
    const options: WorkloadOptions = { replicas: 10, graceSeconds: 1 };
    await create(admin, namespace, aDeployment(options));
    await readyPods(admin, namespace, 'web', 10);
    await toVersion(namespace, '2');
    await rolledOut(namespace);
    await toVersion(namespace, '3');
    await waitFor('half of the third version', async () => {
      const pods = await podsOf(admin, namespace, 'web');
      return pods.filter(({ metadata }) => metadata?.annotations?.version === '3').length >= 5;
    });
    await toVersion(namespace, '2');
    await rolledOut(namespace);
    expect(await tallyIn(admin, namespace, 'web')).toEqual(exactly(10, share));
    for (const spot of [true, true, false]) {
      const pods = await readyPods(admin, namespace, 'web', 10);
      const pod = pods.find((candidate) => isSpot(candidate) === spot);
      await admin.delete(pathTo('Pod', namespace, pod?.metadata?.name));
      await waitFor('the pod to be replaced', async () => {
        const now = await podsOf(admin, namespace, 'web');
        return now.length === 10 && now.every(({ metadata }) => metadata?.uid !== pod?.metadata?.uid);
      });
    }
    expect(await tallyIn(admin, namespace, 'web')).toEqual(exactly(10, share));
    expect(breaches(watch.seen, share)).toEqual([]);
    // Three revisions: far more was created than is there.
    expect(new Set(watch.seen.map(({ metadata }) => metadata?.uid)).size).toBeGreaterThan(25);
  });

  test('give back the places of those that a quota refuses', async ({ onTestFinished }) => {
    const distribution = { onDemandBase: 1, spotPercentage: 50 };
    const namespace = await aPlace(distribution);
    await aQuotaInForce({ admin, namespace }, 'pods', { pods: '3' });
    const watch = watchPods({ admin, namespace });
    onTestFinished(watch.stop);
    await create(admin, namespace, aDeployment({ replicas: 9 }));
    const refusals = async (): Promise<number> => {
      const told = await admin.list<{ count?: number }>(
        `${pathTo('Event', namespace)}?fieldSelector=reason%3DFailedCreate`,
      );
      return told.reduce((sum, event) => sum + (event.count ?? 1), 0);
    };
    // A ReplicaSet creates one, then two, then four at once. Each of these is refused whole or not at all: which one of
    // several is let in, with its place, is the quota's choice.
    for (const pods of ['3', '4', '9']) {
      const before = await refusals();
      await admin.patch(pathTo('ResourceQuota', namespace, 'pods'), { spec: { hard: { pods } } });
      await count(namespace, Number(pods));
      expect(await tallyIn(admin, namespace, 'web')).toEqual(exactly(Number(pods), distribution));
      // The ReplicaSet tries for some seconds, twice as long each time.
      if (pods !== '9') await waitFor('many refusals', async () => (await refusals()) >= before + 5);
    }
    expect(breaches(watch.seen, distribution)).toEqual([]);
  });

  test('take no place in a dry run', async () => {
    const namespace = await aPlace({ onDemandBase: 1, spotPercentage: 50 });
    for (let index = 0; index < 5; index += 1) {
      expect(isSpot(await admit(admin, namespace, aPod()))).toBe(false);
    }
    const spot: boolean[] = [];
    for (let index = 0; index < 4; index += 1) {
      spot.push(isSpot(await create(admin, namespace, { ...aPod(), kind: 'Pod' })));
    }
    expect(spot).toEqual([false, false, true, false]);
  });

  test('of a StatefulSet are divided by their ordinal, from the first one on', async () => {
    const namespace = await aPlace({ onDemandBase: 2, spotPercentage: 50 });
    const { spec, ...set } = aStatefulSet({ name: 'web', replicas: 6 });
    await create(admin, namespace, { ...set, spec: { ...spec, ordinals: { start: 5 } } });
    const pods = await readyPods(admin, namespace, 'web', 6);
    const spot = new Set(pods.filter(isSpot).map(({ metadata }) => metadata?.name));
    expect(spot).toEqual(new Set(['web-8', 'web-10']));
  });

  test('are told in the status: how many of a workload are on the wrong side', async () => {
    const namespace = await aNamespace();
    const before = aPolicy({ spec: { distribution: { onDemandBase: 0, spotPercentage: 0 } } });
    await aProgrammedPolicy(admin, namespace, before);
    await create(admin, namespace, aDeployment({ replicas: 2 }));
    await readyPods(admin, namespace, 'web', 2);
    const deviation = (expected: number) =>
      waitFor(`a deviation of ${expected}`, async () => {
        const { workloads = [] } = await statusOf(admin, namespace, 'web');
        return workloads[0]?.deviation === expected || Promise.reject(new Error(JSON.stringify(workloads)));
      });
    await deviation(0);
    const distribution = { onDemandBase: 0, spotPercentage: 50 };
    await admin.patch(pathTo('SpotPolicy', namespace, 'web'), { spec: { distribution } });
    await deviation(1);
    await edit(namespace, { spec: { replicas: 4 } });
    const pods = await readyPods(admin, namespace, 'web', 4);
    expect(tallyOf(pods)).toEqual({ spot: 2, onDemand: 2 });
    await deviation(0);
  });
});
