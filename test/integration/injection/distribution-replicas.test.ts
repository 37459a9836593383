import { randomUUID } from 'node:crypto';
import type { Pod } from 'kubernetes-types/core/v1.js';
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import type { Cluster } from '../../../hack/cluster/cluster.ts';
import type { Replica } from '../../../hack/cluster/operator.ts';
import { aPolicy } from '../../builders/policy.ts';
import { aDeployment } from '../../builders/workloads.ts';
import { unhurriedAdmission } from '../harness/api-server.ts';
import { aNamespace, waitFor } from '../harness/cluster.ts';
import { aProgrammedPolicy, create, pathTo, readyPods } from '../harness/objects.ts';
import { watchPods } from '../harness/scene.ts';
import { leads, startCandidate, takesOver, twoReplicas } from '../harness/two-replicas.ts';
import { bundleOf } from '../harness/webhook-configuration.ts';
import { admit, aPod } from './admitted.ts';
import { askReplica } from './direct-review.ts';
import { breaches, exactly, idle, isSpot, tallyIn, tallyOf } from './division.ts';
import { startForeignWebhook } from './foreign-webhook.ts';

const distribution = { onDemandBase: 3, spotPercentage: 70 };
const asked = 'spot_distribution_leader_questions_total';

let cluster: Cluster;
let namespace: string;
let leader: Replica;
let follower: Replica;

/** Pods of a ReplicaSet that nobody has seen, one cohort of their own. */
const pods = () => {
  const owner = { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web-abc', uid: randomUUID() };
  return (): Pod => aPod({ owner });
};
const ask = async (replica: Replica, pod: Pod): Promise<Pod> =>
  (await askReplica(replica, await bundleOf(cluster.admin), namespace, pod)).pod;
/** Has the follower found the leader, so that it is asked? */
const knowsLeader = () =>
  waitFor('the other replica to ask the leader', async () => {
    const text = async () =>
      (await follower.metrics()).split('\n').find((line) => line.startsWith(`${asked}{result="answered"}`));
    const before = await text();
    await ask(follower, pods()());
    return (await text()) !== before;
  });

beforeAll(async () => {
  // A pod that the API server creates without an answer has no share.
  ({ cluster, leader, follower } = await twoReplicas(unhurriedAdmission));
  namespace = await aNamespace({ cluster });
  await aProgrammedPolicy(cluster.admin, namespace, aPolicy({ spec: { distribution } }));
  await waitFor('the other replica to know the policy', async () => {
    const { metadata } = await ask(follower, pods()());
    return metadata?.labels?.['spotpolicy.dev/capacity'] === 'on-demand';
  });
  await knowsLeader();
});

describe('two replicas that divide pods', () => {
  test('are exact when hundreds are created at once', async () => {
    const { admin } = cluster;
    const place = await aNamespace({ cluster });
    await aProgrammedPolicy(admin, place, aPolicy({ spec: { distribution } }));
    // As many at once as the slowest machine admits within the time that the API server gives admission.
    const left = Array.from({ length: 300 }, () => idle(aPod()));
    const client = async (): Promise<void> => {
      for (let pod = left.pop(); pod; pod = left.pop()) await create(admin, place, pod);
    };
    await Promise.all(Array.from({ length: 12 }, client));
    expect(await tallyIn(admin, place, 'web')).toEqual(exactly(300, distribution));
  });

  test('are exact at each of a thousand creations by a ReplicaSet', async ({ onTestFinished: atEnd }) => {
    const { admin } = cluster;
    const place = await aNamespace({ cluster });
    await aProgrammedPolicy(admin, place, aPolicy({ spec: { distribution } }));
    const watch = watchPods({ admin, namespace: place });
    atEnd(watch.stop);
    const deployment = aDeployment({ replicas: 0 });
    const template = idle(deployment.spec?.template ?? {});
    await create(admin, place, { ...deployment, spec: { ...deployment.spec, template } });
    // Up to ten at once: for hundreds a busy machine takes longer than the API server waits for admission.
    for (let replicas = 25; replicas <= 1000; replicas += 25) {
      await admin.patch(pathTo('Deployment', place, 'web'), { spec: { replicas } });
      await waitFor(
        `${replicas} pods`,
        () => {
          const { size } = new Set(watch.seen.map(({ metadata }) => metadata?.uid));
          return size >= replicas || Promise.reject(new Error(`there are ${size}`));
        },
        { timeoutMs: 60_000 },
      );
    }
    expect(await tallyIn(admin, place, 'web')).toEqual({ spot: 697, onDemand: 303 });
    expect(breaches(watch.seen, distribution)).toEqual([]);
  });

  test('are exact together, asked side by side', async () => {
    const next = pods();
    const answers: Pod[] = [];
    // Each question is a connection of its own: more of them at once are too much for a busy machine.
    for (let wave = 0; wave < 5; wave += 1) {
      const asked = Array.from({ length: 8 }, (_, index) => ask(index % 2 === 0 ? leader : follower, next()));
      answers.push(...(await Promise.all(asked)));
    }
    expect(tallyOf(answers)).toEqual(exactly(40, distribution));
  });

  test('take one place for a pod that comes again to the other one', async () => {
    const next = pods();
    const inTurn = [];
    for (let index = 0; index < 10; index += 1) {
      const [first, second] = index % 2 === 0 ? [leader, follower] : [follower, leader];
      const pod = await ask(first, next());
      const labels = { ...pod.metadata?.labels, foreign: 'true' };
      const again = await ask(second, { ...pod, metadata: { ...pod.metadata, labels } });
      expect(again.metadata?.annotations).toEqual(pod.metadata?.annotations);
      inTurn.push(pod);
    }
    expect(tallyOf(inTurn)).toEqual(exactly(10, distribution));
  });

  test.each(['a-foreign', 'z-foreign'])('are exact beside the webhook %s of others', async (name) => {
    const place = await aNamespace({ cluster });
    await aProgrammedPolicy(cluster.admin, place, aPolicy({ spec: { distribution } }));
    const foreign = await startForeignWebhook(cluster, { name, namespace: place });
    onTestFinished(foreign.stop);
    await waitFor('the other webhook to be asked', async () => {
      return (await admit(cluster.admin, place, aPod())).metadata?.labels?.foreign === name;
    });
    await create(cluster.admin, place, aDeployment({ replicas: 12 }));
    const created = await readyPods(cluster.admin, place, 'web', 12);
    expect(tallyOf(created)).toEqual(exactly(12, distribution));
    expect(created.every(({ metadata }) => metadata?.labels?.foreign === name)).toBe(true);
  });

  test('decide alone and in time while the leader hangs', async () => {
    await leader.pause();
    onTestFinished(leader.resume);
    const startMs = Date.now();
    const pod = await ask(follower, pods()());
    expect(Date.now() - startMs).toBeLessThan(2_000);
    expect(isSpot(pod)).toBe(false);
  });
});

test('the next leader goes on exactly where the last one ended', async () => {
  const { admin } = cluster;
  const place = await aNamespace({ cluster });
  await aProgrammedPolicy(admin, place, aPolicy({ spec: { distribution } }));
  await create(admin, place, aDeployment({ replicas: 7 }));
  await readyPods(admin, place, 'web', 7);
  let replicas = 7;
  for (const [signal, identity] of [
    ['SIGTERM', 'third'],
    ['SIGKILL', 'fourth'],
  ] as const) {
    const [gone, stays] = (await leads(leader)) ? [leader, follower] : [follower, leader];
    await gone.end(signal);
    await takesOver(cluster, stays);
    await waitFor('the API server to ask it', async () => {
      return (
        (await admit(admin, place, aPod())).metadata?.annotations?.['spotpolicy.dev/policy'] !== undefined
      );
    });
    replicas += 8;
    await admin.patch(pathTo('Deployment', place, 'web'), { spec: { replicas } });
    await readyPods(admin, place, 'web', replicas);
    expect(await tallyIn(admin, place, 'web')).toEqual(exactly(replicas, distribution));
    leader = stays;
    follower = await startCandidate(cluster, identity);
  }
});
