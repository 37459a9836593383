import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Cluster } from '../../hack/cluster/cluster.ts';
import { startReplica } from '../../hack/cluster/operator.ts';
import { aBudget, aDeployment, aStatefulSet } from '../builders/workloads.ts';
import { aHerd } from '../integration/harness/herd.ts';
import { aHostileTenant, type HostileTenant } from '../integration/harness/hostile-tenant.ts';
import { budgetInForce } from '../integration/harness/objects.ts';
import { anOwnCluster } from '../integration/harness/operator.ts';
import { warn } from '../integration/harness/platform.ts';
import { spotAnnotations } from '../integration/harness/pods.ts';
import { aScene, isTouched } from '../integration/harness/scene.ts';

const servers = 30;
const held = 3;
const all = servers + held;

let cluster: Cluster;
let tenant: HostileTenant | undefined;

beforeAll(async () => {
  cluster = await anOwnCluster();
  // This is not about leases: a busy machine shall not cost the leader its own.
  await startReplica(cluster, {
    flags: ['--lease-seconds', '120', '--lease-renew-deadline-seconds', '100'],
  });
});
afterAll(() => tenant?.stop());

/** What became of a storm: of pods that may go at once, and of pods whose budget never lets them go before their deadline. */
const aStorm = async () => {
  const scene = await aScene({}, cluster);
  const herd = aHerd(scene);
  try {
    const pod = { annotations: spotAnnotations, graceSeconds: 2 };
    await scene.create(aDeployment({ ...pod, replicas: servers }));
    await scene.create(aStatefulSet({ ...pod, replicas: held }));
    await scene.create(aBudget({ maxUnavailable: 0 }, 'db'));
    const doomed = await herd.ready(all);
    await budgetInForce(scene.admin, scene.namespace, 'db');
    tenant = await aHostileTenant(cluster, doomed);
    await Promise.all(doomed.map((each) => warn(scene.admin, each, { leftSeconds: 60 })));
    await herd.gone(doomed);
    const living = await herd.ready(all);
    // A status tells of a storm a second late.
    const { totals } = await scene.statusWith(
      ({ interruption, totals }) => interruption?.active === 0 && (totals?.noticed ?? 0) >= all,
    );
    // Whether a pod counts as replaced or as not needed depends on which of its siblings is Ready first.
    const { noticed, evicted, forced, missed, leftToReclaim } = totals ?? {};
    const fates = { noticed, evicted, forced, missed, leftToReclaim };
    return { fates, touched: living.filter(isTouched).length };
  } finally {
    herd.stop();
  }
};

test(`a storm of ${all} pods beside a hostile tenant ends as its policy says`, async () => {
  const fates = { noticed: all, evicted: servers, forced: held, missed: 0, leftToReclaim: 0 };
  expect(await aStorm()).toEqual({ fates, touched: 0 });
  await tenant?.stop();
  // Each weapon was used while the pods were reclaimed.
  const written = tenant?.written ?? new Map<string, number>();
  for (const weapon of ['events', 'marks', 'owners', 'policies'])
    expect(written.get(weapon as never) ?? 0, weapon).toBeGreaterThan(10);
});
