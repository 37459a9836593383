import type { Lease } from 'kubernetes-types/coordination/v1.js';
import type { Pod } from 'kubernetes-types/core/v1.js';
import { beforeAll, expect, onTestFinished, test } from 'vitest';
import { installation } from '../../../cdk8s/operator-chart.ts';
import type { Cluster } from '../../../hack/cluster/cluster.ts';
import type { Replica } from '../../../hack/cluster/operator.ts';
import { aBudget, aDeployment } from '../../builders/workloads.ts';
import { aWitness, type Witness } from '../harness/asked-again.ts';
import { waitFor } from '../harness/cluster.ts';
import { aHerd, type Herd } from '../harness/herd.ts';
import { budgetInForce } from '../harness/objects.ts';
import { anOwnCluster } from '../harness/operator.ts';
import { warn } from '../harness/platform.ts';
import { sim, spotAnnotations } from '../harness/pods.ts';
import { aScene, clockReaches, isTouched } from '../harness/scene.ts';
import { leads, startCandidate } from '../harness/two-replicas.ts';

/** A replica with a way of its own to the API server. */
interface Candidate extends Replica, Pick<Witness, 'proxy' | 'askedAgain'> {}

const leasePath = `/apis/coordination.k8s.io/v1/namespaces/${installation.namespace}/leases/spotpolicy`;
const pods = 8;

let cluster: Cluster;
let leader: Candidate;
let follower: Candidate;
let started = 0;
let herd: Herd | undefined;

const nextCandidate = async (): Promise<Candidate> => {
  const { proxy, askedAgain } = await aWitness(cluster, () => herd);
  const replica = await startCandidate(cluster, `candidate-${(started += 1)}`, { serverUrl: proxy.url });
  return { ...replica, proxy, askedAgain };
};

beforeAll(async () => {
  cluster = await anOwnCluster();
  leader = await nextCandidate();
  await waitFor('a leader', () => leads(leader));
  follower = await nextCandidate();
});

/** What only a leader does, as it passed by since the counts were reset. */
const acts = ({ proxy }: Candidate): string[] =>
  [...proxy.counts().keys()].filter((key) => /^(create|patch|delete) (pods|spotpolicies)/.test(key));

const wasGivenUp = async (): Promise<boolean> =>
  (await cluster.admin.get<Lease>(leasePath)).spec?.holderIdentity === '';

/** What befalls the leader, and how it comes back. */
interface Blow {
  readonly strike: () => Promise<unknown>;
  readonly end: () => Promise<unknown>;
}
const blows: Record<string, (one: Candidate) => Blow> = {
  'is paused for longer than its lease': (one) => ({
    strike: one.pause,
    end: async () => one.resume(),
  }),
  'is cut off from the API server': ({ proxy }) => ({ strike: proxy.startOutage, end: proxy.endOutage }),
};

/** Every pod of a Deployment is warned, and under its budget the first ones have gone. */
const aStorm = async () => {
  const storm = await aWarning('AfterEviction');
  await storm.herd.until('the first evictions', () => storm.herd.countGone(storm.doomed) >= 2);
  return storm;
};

/** Every pod of a Deployment is warned and out of its ReplicaSet, and no replacement is Ready yet. */
const aStormReplacedFirst = async () => {
  const storm = await aWarning('BeforeEviction', sim({ 'ready-after': '5s' }));
  const { herd, doomed } = storm;
  await herd.until('all pods to be taken out', () => herd.seen(doomed).every(isTakenOut));
  expect(herd.countGone(doomed)).toBe(0);
  return storm;
};

const isTakenOut = ({ metadata }: Pod): boolean => metadata?.ownerReferences?.[0]?.kind === 'Deployment';

const aWarning = async (replacement: 'BeforeEviction' | 'AfterEviction', told = {}) => {
  const scene = await aScene({ replacement }, cluster);
  const followed = aHerd(scene);
  herd = followed;
  onTestFinished(followed.stop);
  const annotations = { ...spotAnnotations, ...told };
  await scene.create(aDeployment({ replicas: pods, annotations, graceSeconds: 1 }));
  await scene.create(aBudget({ maxUnavailable: 1 }));
  const doomed = await followed.ready(pods);
  await budgetInForce(scene.admin, scene.namespace, 'web');
  await Promise.all(doomed.map((pod) => warn(scene.admin, pod, { leftSeconds: 150 })));
  return { scene, herd: followed, doomed };
};

const storms = { storm: aStorm, 'storm replaced first': aStormReplacedFirst };
const blowsInStorms = Object.entries(storms).flatMap(([storm, begin]) =>
  Object.entries(blows).map(([blow, of]) => ({ storm, begin, blow, of })),
);

test.for(blowsInStorms)(
  'a $storm whose leader $blow is finished by the other one, and the first does nothing when it is back',
  async ({ begin, of }) => {
    const { scene, herd: storm, doomed } = await begin();
    const { strike, end } = of(leader);
    await strike();
    const struckMs = Date.now();
    const taken = storm.countGone(doomed);
    await waitFor('the other one to lead', () => leads(follower));
    await storm.until('it to evict', () => storm.countGone(doomed) > taken);
    // By now the first would ask the budget for every pod that it knows to be blocked.
    await clockReaches(struckMs + 11_000);
    leader.proxy.resetCounts();
    await end();
    await waitFor('the first to know that it does not lead', async () => !(await leads(leader)));
    await storm.gone(doomed);
    const living = await storm.ready(pods);
    const { totals } = await scene.statusWith(({ interruption }) => interruption?.active === 0);

    expect(acts(leader)).toEqual([]);
    expect(await leads(follower)).toBe(true);
    expect(living.filter(isTouched)).toEqual([]);
    expect([leader, follower].flatMap(({ askedAgain }) => askedAgain)).toEqual([]);
    // What ended in the last second of the first one may be missing.
    expect(totals).toMatchObject({ forced: 0, missed: 0 });
    expect(totals?.evicted).toBeLessThanOrEqual(pods);
    [leader, follower] = [follower, leader];
  },
);

test('a leader that is told to stop in mid-storm gives up the lease, and the other one finishes the storm', async () => {
  const { scene, herd: storm, doomed } = await aStorm();
  // Nobody takes the lease while the other one cannot reach it.
  await follower.proxy.startOutage();
  await leader.end('SIGTERM');
  expect(await wasGivenUp()).toBe(true);
  await follower.proxy.endOutage();
  await waitFor('the other one to lead', () => leads(follower));
  await storm.gone(doomed);
  expect((await storm.ready(pods)).filter(isTouched)).toEqual([]);
  await scene.statusWith(({ interruption }) => interruption?.active === 0);
  expect([leader, follower].flatMap(({ askedAgain }) => askedAgain)).toEqual([]);
});
