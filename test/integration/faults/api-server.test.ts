import { beforeAll, expect, onTestFinished, test } from 'vitest';
import type { Cluster } from '../../../hack/cluster/cluster.ts';
import type { FaultProxy } from '../../../hack/cluster/fault-proxy.ts';
import { type Replica, startReplica } from '../../../hack/cluster/operator.ts';
import type { SpotPolicySpecInput } from '../../../operator/api/index.ts';
import { aBudget, aDeployment, aStatefulSet } from '../../builders/workloads.ts';
import { aWitness, type Witness } from '../harness/asked-again.ts';
import { waitFor } from '../harness/cluster.ts';
import { aHerd, type Herd } from '../harness/herd.ts';
import { budgetInForce } from '../harness/objects.ts';
import { spotAnnotations } from '../harness/pods.ts';
import { anOwnCluster } from '../harness/operator.ts';
import { announce, warn } from '../harness/platform.ts';
import {
  aScene,
  clockReaches,
  fewestServing,
  isTouched,
  timesTold,
  uidOf,
  type Scene,
  watchPods,
} from '../harness/scene.ts';
import { leads } from '../harness/two-replicas.ts';

let cluster: Cluster;
let witness: Witness;
let proxy: FaultProxy;
let herd: Herd | undefined;
let replica: Replica;

beforeAll(async () => {
  cluster = await anOwnCluster();
  witness = await aWitness(cluster, () => herd);
  ({ proxy } = witness);
  replica = await startReplica(cluster, { serverUrl: proxy.url });
});

type Settings = NonNullable<SpotPolicySpecInput['interruption']>;

const aSceneWith = async (replicas: number, interruption: Settings = {}): Promise<Scene> => {
  const scene = await aScene(interruption, cluster);
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
  const sources = proxy.cutWatches();
  await proxy.startOutage();
  for (const pod of doomed) await warn(scene.admin, pod, { leftSeconds: 120 });
  await clockReaches(Date.now() + 20_000);
  const during = (await callsWithoutAnswer()) - before;
  await proxy.endOutage();

  await everyPodIsReplacedOnce(scene, doomed);
  // By its back-off, from 0.1 s to 30 s, each source tries 13 times in the mean, with a deviation of 6; the election tries
  // every 2 s.
  expect(during).toBeGreaterThan(sources);
  expect(during).toBeLessThan(20 * sources);
});

test.each(['status', 'event'] as const)(
  'nothing is lost when watches are cut every two seconds and every third one is told 410 as %s',
  async (as) => {
    const scene = await aSceneWith(6);
    const pods = await scene.ready('web', 6);
    proxy.setGoneWatches({ every: 3, as });
    proxy.resetCounts();
    // Every source watches by itself: what is counted allows each of them its share.
    const sources = proxy.cutWatches();
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

test('an Event that is told five times, across cut watches and new lists, is one eviction', async () => {
  const scene = await aScene({}, cluster);
  for (const name of ['db', 'other'])
    await scene.create(aStatefulSet({ name, annotations: spotAnnotations }));
  const [pod, other] = [await scene.one('db'), await scene.one('other')];
  proxy.setGoneWatches({ every: 2, as: 'event' });
  proxy.resetCounts();
  const listed = (): number => proxy.counts().get('list events') ?? 0;
  const { name, noticedAtMs } = await announce(scene.admin, pod, { leftSeconds: 170 });
  // A watch that is not open at that moment is not cut.
  for (let count = 2; count <= 5 || (listed() < 2 && count < 20); count += 1) {
    proxy.cutWatches();
    const lastTimestamp = new Date(noticedAtMs + count * 1_000).toISOString();
    await scene.patch('Event', name, { count, lastTimestamp });
    await clockReaches(Date.now() + 1_000);
  }
  const { outcome } = await scene.entry(pod, ({ phase }) => phase === 'Done');
  const successor = await scene.one('db');
  proxy.cutWatches();
  await scene.patch('Event', name, { count: 30 });
  // Who has read a later Event has read that one, too.
  await announce(scene.admin, other, { leftSeconds: 170 });
  await scene.entry(other, ({ phase }) => phase === 'Done');
  const { totals } = await scene.statusWith((status) => status.totals?.replaced === 2);
  proxy.setGoneWatches(undefined);

  expect(outcome).toBe('Replaced');
  expect(totals).toMatchObject({ noticed: 2, evicted: 2 });
  expect(listed()).toBeGreaterThan(1);
  expect(proxy.counts().get('create pods/eviction')).toBe(2);
  const found = await scene.find(successor);
  expect(found && isTouched(found)).toBe(false);
});

test('a storm in which the lease is lost and taken again is counted to the last pod, since nobody else has led', async () => {
  const scene = await aSceneWith(60);
  const pods = aHerd(scene);
  herd = pods;
  onTestFinished(pods.stop);
  const doomed = await pods.ready(60);
  const warned = Promise.all(doomed.map((pod) => warn(scene.admin, pod, { leftSeconds: 150 })));
  await pods.until('some of them to go', () => pods.countGone(doomed) > 10);
  await proxy.startOutage();
  await waitFor('the lease to be lost', async () => !(await leads(replica)));
  await warned;
  await proxy.endOutage();
  await pods.gone(doomed);
  await pods.ready(60);
  const { totals } = await scene.statusWith(
    ({ interruption, totals: { noticed = 0 } = {} }) => interruption?.active === 0 && noticed > 0,
  );
  expect(totals).toMatchObject({ noticed: 60, evicted: 60, replaced: 60, forced: 0, missed: 0 });
});

test.each([
  // Of those that go before their successors are Ready as many as the budget allows.
  { replacement: 'AfterEviction', serving: 40 },
  { replacement: 'BeforeEviction', serving: 60 },
] as const)(
  'no pod of a storm is lost with $replacement when a fifth of all calls fails or is never answered',
  async ({ replacement, serving }) => {
    const scene = await aSceneWith(60, { replacement });
    const pods = aHerd(scene);
    herd = pods;
    onTestFinished(pods.stop);
    await scene.create(aBudget({ maxUnavailable: 20 }));
    await budgetInForce(scene.admin, scene.namespace, 'web');
    const doomed = await pods.ready(60);
    const watched = watchPods(scene);
    const listed = await waitFor('all of them', () => watched.seen.length >= 60 && watched.seen.length);
    const refusals = [{ status: 429, retryAfterSeconds: 1 }, { status: 500 }, { status: 503 }] as const;
    const answers = [...refusals, 'stall', 'unheard'] as const;
    proxy.resetCounts();
    // The first that strikes is taken: each has a twenty-fifth of all calls.
    proxy.setFaults(
      answers.map((answer, index) => ({
        // A leader that is replaced forgets what failed: here the same one has to try again.
        matches: ({ resource }) => resource !== 'leases',
        probability: 0.04 / (1 - 0.04 * index),
        answer,
      })),
    );
    await Promise.all(doomed.map((pod) => warn(scene.admin, pod, { leftSeconds: 150 })));
    for (const part of [20, 40]) {
      await pods.until(`${part} pods to go`, () => pods.countGone(doomed) >= part);
      await witness.hasRead(
        Math.max(...doomed.map(({ metadata }) => pods.goingSince(metadata?.name ?? '') ?? 0)),
      );
    }
    await pods.gone(doomed);
    const living = await pods.ready(60);
    proxy.setFaults([]);
    const { totals } = await scene.statusWith(({ interruption }) => interruption?.active === 0);
    watched.stop();

    expect(fewestServing(watched.seen, listed)).toBeGreaterThanOrEqual(serving);
    expect(living.filter(isTouched)).toEqual([]);
    expect(pods.seen(doomed).filter(({ status }) => status?.reason === 'BidFailed')).toEqual([]);
    expect(totals).toMatchObject({ noticed: 60, evicted: 60, forced: 0, missed: 0, leftToReclaim: 0 });
    // Faults struck, and nothing was done again that the operator knew to be done.
    expect(proxy.counts().get('create pods/eviction')).toBeGreaterThan(60);
    expect(witness.askedAgain).toEqual([]);
  },
);
