import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Cluster } from '../../../hack/cluster/cluster.ts';
import { type FaultProxy, startFaultProxy } from '../../../hack/cluster/fault-proxy.ts';
import { type Replica, startReplica } from '../../../hack/cluster/operator.ts';
import { aDeployment } from '../../builders/workloads.ts';
import { spotAnnotations } from '../harness/pods.ts';
import { anOwnCluster } from '../harness/operator.ts';
import { warn } from '../harness/platform.ts';
import { aScene, clockReaches, timesTold, uidOf, type Scene } from '../harness/scene.ts';

let cluster: Cluster;
let proxy: FaultProxy;
let replica: Replica;

beforeAll(async () => {
  cluster = await anOwnCluster();
  proxy = await startFaultProxy(cluster);
  replica = await startReplica(cluster, { serverUrl: proxy.url });
});
afterAll(() => proxy.stop());

// Every source lists and watches by itself; a test that counts requests allows each of them its share.
const sources = 14;

const aSceneWith = async (replicas: number): Promise<Scene> => {
  const scene = await aScene({}, cluster);
  await scene.create(aDeployment({ replicas, annotations: spotAnnotations }));
  await scene.ready('web', replicas);
  return scene;
};

const everyPodIsReplacedOnce = async (scene: Scene, doomed: readonly { metadata?: { uid?: string } }[]) => {
  const ended = await Promise.all(doomed.map((pod) => scene.entry(pod, ({ phase }) => phase === 'Done')));
  expect(ended.map(({ outcome }) => outcome)).toEqual(doomed.map(() => 'Replaced'));
  expect(new Set(ended.map(({ replacement }) => replacement?.uid)).size).toBe(doomed.length);
  for (const { evictedAt = '', deadline } of ended)
    expect(Date.parse(evictedAt)).toBeLessThan(Date.parse(deadline));
  for (const pod of doomed) {
    // Events are written in the background, after what they tell.
    const told = async () => timesTold(await scene.events(uidOf(pod)), 'PodEvicted');
    await expect.poll(told, { timeout: 10_000 }).toBe(1);
  }
  const { totals } = await scene.statusWith(({ totals: counted }) => counted?.replaced === doomed.length);
  expect(totals).toMatchObject({ noticed: doomed.length, evicted: doomed.length, forced: 0, missed: 0 });
};

const callsWithoutAnswer = async (): Promise<number> => {
  const lines = (await replica.metrics())
    .split('\n')
    .filter((line) => /^spot_api_requests_total.*code="0"/.test(line));
  return lines.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
};

test('notices that come while the API server is out of reach for 20 s are handled afterwards, without a hot loop', async () => {
  const scene = await aSceneWith(3);
  const doomed = (await scene.ready('web', 3)).slice(0, 2);
  const before = await callsWithoutAnswer();
  await proxy.startOutage();
  for (const pod of doomed) await warn(scene.admin, pod, { leftSeconds: 120 });
  await clockReaches(Date.now() + 20_000);
  const during = (await callsWithoutAnswer()) - before;
  await proxy.endOutage();

  await everyPodIsReplacedOnce(scene, doomed);
  // Back-off starts at 0.1 s and grows to 30 s; the election tries every 2 s.
  expect(during).toBeGreaterThan(0);
  expect(during).toBeLessThan(20 * sources);
});

test.each(['status', 'event'] as const)(
  'nothing is lost when watches are cut every two seconds and every third one is told 410 as %s',
  async (as) => {
    const scene = await aSceneWith(6);
    const pods = await scene.ready('web', 6);
    proxy.setGoneWatches({ every: 3, as });
    proxy.resetCounts();
    const cutting = setInterval(() => proxy.cutWatches(), 2_000);
    const startedMs = Date.now();
    for (const pod of pods) {
      await warn(scene.admin, pod, { leftSeconds: 120 });
      await clockReaches(Date.now() + 1_500);
    }
    await everyPodIsReplacedOnce(scene, pods);
    clearInterval(cutting);
    proxy.setGoneWatches(undefined);

    const seconds = (Date.now() - startedMs) / 1000;
    const counted = (verb: string): number =>
      [...proxy.counts()]
        .filter(([key]) => key.startsWith(`${verb} `))
        .reduce((sum, [, count]) => sum + count, 0);
    // Each cut makes each source watch anew, a 410 makes it list and watch once more, and the back-off allows few more.
    expect(counted('watch')).toBeLessThan(4 * sources * (seconds / 2 + 1));
    expect(counted('list')).toBeLessThan(2 * sources * (seconds / 2 + 1));
    expect(counted('watch')).toBeGreaterThan(sources);
    // Who is told that its position is gone lists again instead of insisting on it.
    expect(counted('list')).toBeGreaterThan(counted('watch') / 6);
  },
);
