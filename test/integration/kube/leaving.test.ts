import { expect, test } from 'vitest';
import { type FaultProxy, startFaultProxy } from '../../../hack/cluster/fault-proxy.ts';
import { type Replica, startReplica } from '../../../hack/cluster/operator.ts';
import type { RequestClass } from '../../../hack/cluster/request-class.ts';
import { aPolicy } from '../../builders/policy.ts';
import { aPod, governorOf } from '../injection/admitted.ts';
import { askReplica } from '../injection/direct-review.ts';
import { aNamespace, waitFor } from '../harness/cluster.ts';
import { aProgrammedPolicy } from '../harness/objects.ts';
import { anOwnCluster } from '../harness/operator.ts';
import { announce } from '../harness/platform.ts';
import { aBarePod } from '../harness/pods.ts';
import { aScene } from '../harness/scene.ts';
import { leads } from '../harness/two-replicas.ts';
import { bundleOf } from '../harness/webhook-configuration.ts';

const cluster = await anOwnCluster();
// The grace period of a pod, after which the kubelet kills it.
const graceMs = 30_000;

const isWrite =
  (resource: string) =>
  ({ resource: asked, verb }: RequestClass): boolean =>
    asked === resource && (verb === 'patch' || verb === 'create');

/** A replica that leads, on a way of its own to the API server. */
const aLeader = async (
  flags: readonly string[],
  onRequest: (request: RequestClass) => void = () => {},
): Promise<{ replica: Replica; proxy: FaultProxy }> => {
  const proxy = await startFaultProxy(cluster, { onRequest });
  const replica = await startReplica(cluster, { serverUrl: proxy.url, flags });
  await waitFor('it to lead', () => leads(replica));
  return { replica, proxy };
};

test('a leader that is told to stop ends within the grace period of its pod, though nobody takes its Events', async () => {
  const told = Promise.withResolvers<void>();
  const { replica, proxy } = await aLeader([], (request) => {
    if (isWrite('events')(request)) told.resolve();
  });
  proxy.setFaults([{ matches: isWrite('events'), probability: 1, answer: 'stall' }]);
  const scene = await aScene({}, cluster);
  await scene.create(aBarePod('web'));
  await announce(scene.admin, await scene.one('web'), { leftSeconds: 150 });
  await told.promise;
  const stoppedAtMs = performance.now();
  await replica.end('SIGTERM');
  expect(await replica.ended).toBe('0');
  expect(performance.now() - stoppedAtMs).toBeLessThan(graceMs);
});

// Last, because it leaves the lease to run out.
test('a leader that is told to stop says that it is not ready, then gives up the lease, and answers admission meanwhile', async () => {
  const patient = [
    '--lease-seconds',
    '30',
    '--lease-renew-deadline-seconds',
    '24',
    '--lease-retry-seconds',
    '10',
  ];
  const givenUp = Promise.withResolvers<void>();
  let isStopping = false;
  const { replica, proxy } = await aLeader(patient, (request) => {
    if (isStopping && isWrite('leases')(request)) givenUp.resolve();
  });
  const namespace = await aNamespace({ cluster });
  await aProgrammedPolicy(cluster.admin, namespace, aPolicy());
  const bundle = await bundleOf(cluster.admin);
  // It is held where it gives up the lease.
  proxy.setFaults([{ matches: isWrite('leases'), probability: 1, answer: 'stall' }]);
  isStopping = true;
  const ended = replica.end('SIGTERM');
  await givenUp.promise;
  expect((await fetch(`${replica.healthUrl}/readyz`)).status).toBe(503);
  expect(governorOf((await askReplica(replica, bundle, namespace, aPod())).pod)).toBe('web');
  proxy.setFaults([]);
  await ended;
  expect(await replica.ended).toBe('0');
});
