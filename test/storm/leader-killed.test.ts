import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Cluster } from '../../hack/cluster/cluster.ts';
import type { Replica } from '../../hack/cluster/operator.ts';
import { aDeployment } from '../builders/workloads.ts';
import { evictionsOf } from '../integration/harness/api-server.ts';
import { waitFor } from '../integration/harness/cluster.ts';
import { type Herd, aHerd } from '../integration/harness/herd.ts';
import { anOwnCluster } from '../integration/harness/operator.ts';
import { warn } from '../integration/harness/platform.ts';
import { spotAnnotations } from '../integration/harness/pods.ts';
import { aScene, isTouched, type Scene } from '../integration/harness/scene.ts';
import { leads, startCandidate } from '../integration/harness/two-replicas.ts';

const size = 500;

let cluster: Cluster;
let scene: Scene;
let herd: Herd;
let leader: Replica;
let follower: Replica;
let started = 0;
let noticed = 0;

const nextCandidate = (): Promise<Replica> => startCandidate(cluster, `candidate-${(started += 1)}`);

beforeAll(async () => {
  cluster = await anOwnCluster();
  leader = await nextCandidate();
  await waitFor('a leader', () => leads(leader));
  scene = await aScene({}, cluster);
  herd = aHerd(scene);
  await scene.create(aDeployment({ replicas: size, annotations: spotAnnotations, graceSeconds: 1 }));
  follower = await nextCandidate();
});
afterAll(() => herd.stop());

// The successors of one storm are the doomed pods of the next.
test.each([0.05, 0.21, 0.43, 0.68, 0.94].map((share) => Math.ceil(share * size)))(
  `a storm of ${size} pods whose leader is killed after %i evictions is finished by the next one, and no pod goes twice`,
  async (kill) => {
    const doomed = await herd.ready(size);
    const before = await evictionsOf(cluster);
    const warned = Promise.all(doomed.map((pod) => warn(scene.admin, pod, { leftSeconds: 150 })));
    await herd.until('the moment to kill', () => herd.countGone(doomed) >= kill);
    await leader.end('SIGKILL');
    leader = follower;
    const next = nextCandidate();
    await warned;
    await herd.gone(doomed);
    follower = await next;
    const living = await herd.ready(size);
    const { totals } = await scene.statusWith(({ interruption }) => interruption?.active === 0);

    expect(living.filter(isTouched)).toEqual([]);
    // The API server does not count as accepted what it did for one that was killed before it heard so.
    expect((await evictionsOf(cluster)).accepted - before.accepted).toBeLessThanOrEqual(size);
    noticed += size;
    // What ended in the last second of a leader may be missing.
    expect(totals).toMatchObject({ forced: 0, missed: 0 });
    expect(totals?.noticed).toBeLessThanOrEqual(noticed);
    expect(totals?.evicted).toBeLessThanOrEqual(noticed);
    expect(totals?.replaced).toBeLessThanOrEqual(noticed);
  },
);
