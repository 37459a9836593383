import type { Pod } from 'kubernetes-types/core/v1.js';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Cluster } from '../../hack/cluster/cluster.ts';
import { randomFrom } from '../../hack/cluster/random.ts';
import type { Replica } from '../../hack/cluster/operator.ts';
import { aDeployment } from '../builders/workloads.ts';
import { aWitness, type Witness } from '../integration/harness/asked-again.ts';
import { waitFor } from '../integration/harness/cluster.ts';
import { type Herd, aHerd } from '../integration/harness/herd.ts';
import { anOwnCluster } from '../integration/harness/operator.ts';
import { pathTo } from '../integration/harness/objects.ts';
import { warn } from '../integration/harness/platform.ts';
import { sim, spotAnnotations } from '../integration/harness/pods.ts';
import { aScene, editPolicy, isTouched, letGo, type Scene } from '../integration/harness/scene.ts';
import { leads, startCandidate } from '../integration/harness/two-replicas.ts';

// Three times as many as calls are under way at once.
const size = Number(process.env['STORM_PODS'] ?? 250);
const patience = { timeoutMs: 60_000 };

/** A replica with a way of its own to the API server. */
type Candidate = Replica & { readonly witness: Witness };

let cluster: Cluster;
let scene: Scene;
let herd: Herd;
let leader: Candidate;
let follower: Candidate;
let started = 0;
let noticed = 0;

const nextCandidate = async (): Promise<Candidate> => {
  const witness = await aWitness(cluster, () => herd);
  const way = { serverUrl: witness.proxy.url };
  return { ...(await startCandidate(cluster, `candidate-${(started += 1)}`, way)), witness };
};

beforeAll(async () => {
  cluster = await anOwnCluster();
  leader = await nextCandidate();
  await waitFor('a leader', () => leads(leader));
  scene = await aScene({}, cluster);
  herd = aHerd(scene);
  // Another one finds them terminating when it leads: none of them stops before it is let go.
  const annotations = { ...spotAnnotations, ...sim({ 'stop-after': '60s' }) };
  await scene.create(aDeployment({ replicas: size, annotations, graceSeconds: 60 }));
  follower = await nextCandidate();
});
afterAll(() => herd.stop());

// Another one kills at other moments, of which each fifth of a storm has one.
const firstSeed = Number(process.env['STORM_SEED'] ?? 1);
const rounds = [0, 1, 2, 3, 4].map((round) => ({
  seed: firstSeed + round,
  kill: Math.ceil(((round + randomFrom(firstSeed + round)()) / 5) * (size - 1)),
  replacement: round % 2 === 0 ? ('BeforeEviction' as const) : ('AfterEviction' as const),
}));

// The successors of one storm are the doomed pods of the next.
test.each(rounds)(
  `a storm of ${size} pods with $replacement whose leader is killed after $kill evictions (seed $seed) is finished by the next one, and no pod goes twice`,
  async ({ kill, replacement }) => {
    const doomed = await herd.ready(size);
    await editPolicy(scene, { interruption: { replacement } });
    expect(await leads(leader)).toBe(true);
    const warned = Promise.all(doomed.map((pod) => warn(scene.admin, pod, { leftSeconds: 270 })));
    await herd.until('the moment to kill', () => herd.countGone(doomed) >= kill);
    await leader.end('SIGKILL');
    const gone = new Map(
      doomed.flatMap(({ metadata: { name = '' } = {} }) => {
        const version = herd.goingSince(name);
        return version === undefined ? [] : [[name, version]];
      }),
    );
    const killed = leader;
    leader = follower;
    await leader.witness.hasRead(Math.max(...gone.values()));
    const next = nextCandidate();
    await waitFor('the next leader', () => leads(leader), patience);
    const present = await scene.admin.list<Pod>(pathTo('Pod', scene.namespace));
    const left = present.filter(({ metadata }) => gone.has(metadata?.name ?? ''));
    await warned;
    await herd.gone(doomed);
    await letGo(scene, doomed);
    follower = await next;
    const living = await herd.ready(size);
    const { totals } = await scene.statusWith(({ interruption }) => interruption?.active === 0);

    // The next leader knew of the pods that the one before had evicted, and asked for none of them again.
    expect(left.length).toBeGreaterThan(0);
    expect([killed, leader].flatMap(({ witness }) => witness.askedAgain)).toEqual([]);
    expect(living.filter(isTouched)).toEqual([]);
    expect(living.map(({ metadata }) => metadata?.ownerReferences?.[0]?.kind)).toEqual(
      living.map(() => 'ReplicaSet'),
    );
    noticed += size;
    // What ended in the last second of a leader may be missing.
    expect(totals).toMatchObject({ forced: 0, missed: 0 });
    expect(totals?.noticed).toBeLessThanOrEqual(noticed);
    expect(totals?.evicted).toBeLessThanOrEqual(noticed);
    expect(totals?.replaced).toBeLessThanOrEqual(noticed);
  },
);
