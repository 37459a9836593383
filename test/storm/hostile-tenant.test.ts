import type { Lease } from 'kubernetes-types/coordination/v1.js';
import type { Pod } from 'kubernetes-types/core/v1.js';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Cluster } from '../../hack/cluster/cluster.ts';
import { type Replica, startReplica } from '../../hack/cluster/operator.ts';
import type { SpotPolicyStatus } from '../../operator/api/index.ts';
import { aClusterPolicy } from '../builders/policy.ts';
import { aBudget, aDeployment, aStatefulSet } from '../builders/workloads.ts';
import { passedOver } from '../integration/harness/api-server.ts';
import { aNamespace, waitFor } from '../integration/harness/cluster.ts';
import { aFlood, type Flood, torrents } from '../integration/harness/flood.ts';
import { aHerd } from '../integration/harness/herd.ts';
import { aHostileTenant, type HostileTenant, weapons } from '../integration/harness/hostile-tenant.ts';
import { budgetInForce, create, isProgrammed, pathTo, statusOf } from '../integration/harness/objects.ts';
import { anOwnCluster } from '../integration/harness/operator.ts';
import { warn } from '../integration/harness/platform.ts';
import { podTemplate, spotAnnotations } from '../integration/harness/pods.ts';
import { aScene, fewestServing, isTouched, watchPods } from '../integration/harness/scene.ts';

const servers = 30;
const held = 3;
const shared = 4;
const all = servers + held;
const leftSeconds = 75;
const creators = 4;
const pauseMs = 200;
// The limit of the installation.
const memoryMiB = 512;
const governed = { governed: 'all' };

/** What a storm came to beside a hostile tenant and a flood of the webhook. */
interface Aftermath {
  readonly totals: SpotPolicyStatus['totals'];
  readonly touched: readonly Pod[];
  readonly fewestServing: number;
  readonly ofCluster: SpotPolicyStatus;
  /** By which policy each of the pods that were created meanwhile was given something. */
  readonly given: readonly (string | undefined)[];
  /** How many reviews the API server let pass unanswered. */
  readonly passedOver: number;
  readonly leases: readonly unknown[];
  readonly metrics: string;
}

let cluster: Cluster;
let replica: Replica;
let tenant: HostileTenant;
let flood: Flood;
let sharedPods: readonly Pod[];
let aftermath: Aftermath;
let poured: ReadonlyMap<string, number>;

beforeAll(async () => {
  cluster = await anOwnCluster();
  // A machine that is busy with other things shall not cost the leader its lease.
  replica = await startReplica(cluster, {
    flags: ['--lease-seconds', '30', '--lease-renew-deadline-seconds', '20'],
  });
  aftermath = await aStorm();
});
afterAll(() => Promise.all([flood?.stop(), tenant?.stop()]));

const aStorm = async (): Promise<Aftermath> => {
  const { admin } = cluster;
  const policy = aClusterPolicy({ spec: { namespaceSelector: { matchLabels: governed } } });
  await admin.post(pathTo('ClusterSpotPolicy', ''), { ...policy, metadata: { name: 'all' } });
  await isProgrammed(admin, '', 'all');
  const shop = await aNamespace({ cluster, labels: governed });
  const scene = await aScene({ replacement: 'BeforeEviction' }, cluster);
  const [herd, sharedHerd] = [aHerd(scene), aHerd({ admin, namespace: shop })];
  const watched = watchPods(scene);
  try {
    await scene.create(aDeployment({ annotations: spotAnnotations, graceSeconds: 2, replicas: servers }));
    // Deleted at the deadline with all of that: a busy machine may take some of it.
    await scene.create(aStatefulSet({ annotations: spotAnnotations, graceSeconds: 20, replicas: held }));
    await scene.create(aBudget({ maxUnavailable: 0 }, 'db'));
    await create(admin, shop, aDeployment({ replicas: shared, graceSeconds: 2 }));
    tenant = await aHostileTenant(cluster, governed);
    const doomed = await herd.ready(all);
    sharedPods = await sharedHerd.ready(shared);
    // A status that the API server refuses is written without its workloads.
    await waitFor('the status of the policy of the cluster to list the invented kind', async () => {
      const { workloads = [], conditions } = await statusOf(admin, '', 'all');
      if (workloads.some(({ ref: { kind } }) => kind.endsWith('…'))) return true;
      throw new Error(JSON.stringify(conditions));
    });
    await budgetInForce(admin, scene.namespace, 'db');
    const calm = await leaseOf();
    const listed = watched.seen.length;

    flood = aFlood(replica, ['127.0.0.2', '127.0.0.3'], 'mostly');
    await tenant.attack(doomed);
    const warned = [...doomed, ...sharedPods, tenant.odd];
    await Promise.all(warned.map((each) => warn(admin, each, { leftSeconds })));
    const over = new AbortController();
    const gone = Promise.all([herd.gone(doomed), sharedHerd.gone(sharedPods)]).finally(() => over.abort());
    const [given] = await Promise.all([createPods(shop, over.signal), gone]);
    const living = await herd.ready(all);
    // A status tells of a storm a second late.
    const { totals } = await scene.statusWith(
      ({ interruption, totals: { noticed = 0 } = {} }) => interruption?.active === 0 && noticed >= all,
    );
    const ofCluster = await waitFor('the status of the policy of the cluster', async () => {
      const status = await statusOf(admin, '', 'all');
      if ((status.totals?.noticed ?? 0) >= shared + 2) return status;
      throw new Error(JSON.stringify(status));
    });
    const metrics = await replica.metrics();
    const after = await leaseOf();
    // On a busy machine the rarest torrent comes late. A test names what is missing.
    await waitFor(
      'every torrent of the flood',
      async () => {
        poured = await flood.done();
        return torrents.every((torrent) => (poured.get(torrent) ?? 0) > 0);
      },
      { timeoutMs: 60_000 },
    ).catch(() => {});
    await Promise.all([flood.stop(), tenant.stop()]);
    const web = watched.seen.filter(({ metadata }) => metadata?.labels?.['app'] === 'web');
    const before = watched.seen
      .slice(0, listed)
      .filter(({ metadata }) => metadata?.labels?.['app'] === 'web');
    return {
      ...{ totals, ofCluster, given, metrics, leases: [calm, after] },
      passedOver: await passedOver(cluster),
      touched: living.filter(isTouched),
      fewestServing: fewestServing(web, before.length - 1),
    };
  } finally {
    for (const each of [herd, sharedHerd, watched]) each.stop();
  }
};

/** Creates pods until told to stop; tells by which policy each was given something. */
const createPods = async (shop: string, over: AbortSignal): Promise<Aftermath['given']> => {
  const given: (string | undefined)[] = [];
  const policyOf = ({ metadata }: Pod) => metadata?.annotations?.['spotpolicy.dev/policy'];
  const creator = async (number: number): Promise<void> => {
    for (let turn = 0; !over.aborted; turn += 1) {
      // No scheduler takes it.
      const spec = { schedulerName: 'nobody' };
      const template = podTemplate({ labels: { app: 'new' }, spec });
      const metadata = { ...(template['metadata'] as object), name: `new-${number}-${turn}` };
      const pod = { ...template, apiVersion: 'v1', kind: 'Pod', metadata } as Pod;
      given.push(policyOf(await create(cluster.admin, shop, pod)));
      await pause(pauseMs);
    }
  };
  await Promise.all(Array.from({ length: creators }, (_, number) => creator(number)));
  return given;
};

const leaseOf = async () => {
  const path = '/apis/coordination.k8s.io/v1/namespaces/spotpolicy-system/leases/spotpolicy';
  const { spec } = await cluster.admin.get<Lease>(path);
  return { holder: spec?.holderIdentity, transitions: spec?.leaseTransitions };
};

describe('beside a hostile tenant and a flood of the webhook', () => {
  test(`a storm of ${all} pods ends as it ends without them`, () => {
    expect(aftermath.totals).toMatchObject({
      ...{ noticed: all, evicted: servers, forced: held, missed: 0, leftToReclaim: 0 },
    });
    expect(aftermath.touched).toEqual([]);
    expect(aftermath.fewestServing).toBe(servers);
  });

  test('a policy of the cluster tells of the pods that are under a signal, and of no others', () => {
    const { totals, interruptions = [] } = aftermath.ofCluster;
    expect(totals).toMatchObject({ noticed: shared + 2, missed: 0 });
    const names = new Set(interruptions.map(({ pod }) => pod));
    expect(names).toEqual(new Set([...sharedPods.map(({ metadata }) => metadata?.name), 'bait', 'odd']));
  });

  test('each pod whose review is answered meanwhile is given what its policy says', () => {
    const given = aftermath.given.filter((policy) => policy !== undefined);
    expect(given.length).toBeGreaterThan(50);
    expect(new Set(given)).toEqual(new Set(['ClusterSpotPolicy/all']));
    // How many the API server gives up on after two seconds, the machine decides as well.
    expect(aftermath.given.length - given.length).toBeLessThanOrEqual(aftermath.passedOver);
    expect(metricOf('spot_admission_requests_total', 'failed')).toBe(0);
    expect(metricOf('spot_admission_requests_total', 'unready')).toBe(0);
  });

  test('the leader keeps its lease', () => {
    expect(aftermath.leases[1]).toEqual(aftermath.leases[0]);
  });

  test('the operator holds little of what is thrown at it', () => {
    expect(metricOf('process_resident_memory_bytes') / 2 ** 20).toBeLessThan(memoryMiB);
    expect(metricOf('spot_world_objects', 'ReclaimEvent')).toBeLessThan(50);
  });

  test('the port refuses what no API server sends', () => {
    expect(metricOf('spot_server_connections_closed_total', 'unused')).toBeGreaterThan(0);
    expect(poured.get('oversized') ?? 0).toBeGreaterThan(0);
  });

  test('every weapon was used', () => {
    for (const weapon of weapons) expect(tenant.written.get(weapon) ?? 0, weapon).toBeGreaterThan(10);
    for (const torrent of torrents) expect(poured.get(torrent) ?? 0, torrent).toBeGreaterThan(0);
  });
});

/** A sample of the replica's metrics, by one of its labels where it has any; 0 where there is none. */
const metricOf = (name: string, label = ''): number => {
  const lines = aftermath.metrics.split('\n').filter((line) => line.startsWith(name) && line.includes(label));
  return Number(lines[0]?.slice(lines[0].lastIndexOf(' ')) ?? 0);
};
