import { map, tap } from 'rxjs';
import type { Event, Pod } from 'kubernetes-types/core/v1.js';
import type { Lease } from 'kubernetes-types/coordination/v1.js';
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { installation } from '../../../cdk8s/operator-chart.ts';
import type { Cluster } from '../../../hack/cluster/cluster.ts';
import type { Replica } from '../../../hack/cluster/operator.ts';
import { reclaim } from '../../../hack/cluster/reclaim.ts';
import { aPolicy } from '../../builders/policy.ts';
import { aBudget, aDeployment } from '../../builders/workloads.ts';
import { aNamespace, waitFor } from '../harness/cluster.ts';
import { counterOf, requestsOf } from '../harness/counters.ts';
import {
  aProgrammedPolicy,
  budgetInForce,
  create,
  interruptionOf,
  pathTo,
  readyPods,
} from '../harness/objects.ts';
import { leads, leaseSeconds, startCandidate, takesOver, twoReplicas } from '../harness/two-replicas.ts';
import { bundleOf } from '../harness/webhook-configuration.ts';
import { admit, aPod, givenTo, governorOf, spotAnnotations, stampsOf } from './admitted.ts';
import { askReplica } from './direct-review.ts';
import { edit } from './editing.ts';
import { startForeignWebhook } from './foreign-webhook.ts';

const leasePath = `/apis/coordination.k8s.io/v1/namespaces/${installation.namespace}/leases`;

let cluster: Cluster;
let namespace: string;
let leader: Replica;
let follower: Replica;

beforeAll(async () => {
  ({ cluster, leader, follower } = await twoReplicas());
  namespace = await aNamespace({ cluster });
  await aProgrammedPolicy(cluster.admin, namespace, aPolicy());
});

const expected = () => ({ ...spotAnnotations, ...stampsOf(namespace, 'web') });

describe('two replicas', () => {
  test('one leads, and both answer admission alike under the certificates that the API server trusts', async () => {
    expect([await leads(leader), await leads(follower)]).toEqual([true, false]);
    const bundle = await bundleOf(cluster.admin);
    for (const replica of [leader, follower]) {
      const { pod } = await askReplica(replica, bundle, namespace, aPod());
      expect(givenTo(pod)).toEqual({
        labels: { 'spotpolicy.dev/capacity': 'spot' },
        annotations: expected(),
      });
    }
    await expect(askReplica(leader, cluster.caCertificatePem, namespace, aPod())).rejects.toThrow();
  });

  test('a pod that comes again to the other replica stays as the first one made it', async () => {
    const bundle = await bundleOf(cluster.admin);
    for (const [first, second] of [
      [leader, follower],
      [follower, leader],
    ] as const) {
      const once = (await askReplica(first, bundle, namespace, aPod())).pod;
      const labels = { ...once.metadata?.labels, foreign: 'true' };
      const again = await askReplica(second, bundle, namespace, {
        ...once,
        metadata: { ...once.metadata, labels },
      });
      expect(again.operations).toBe(0);
    }
  });

  test('a pod that comes again after an edit of its policy stays as it was decided first', async () => {
    const { admin } = cluster;
    const place = await aNamespace({ cluster });
    await aProgrammedPolicy(admin, place, aPolicy());
    const bundle = await bundleOf(admin);
    const once = (await askReplica(leader, bundle, place, aPod())).pod;
    await edit(admin, { namespace: place }, { durationHours: 0 });
    await waitFor('the other replica to know the edit', async () => {
      const { pod } = await askReplica(follower, bundle, place, aPod());
      return pod.metadata?.annotations?.['k8s.aliyun.com/eci-spot-duration'] === '0';
    });
    expect((await askReplica(follower, bundle, place, once)).operations).toBe(0);
  });

  test.each([
    ['before ours: ours is asked once', 'a-foreign', 1],
    ['after ours: ours is asked again, and changes nothing', 'z-foreign', 2],
  ])('a webhook of others changes the pod %s', async (_, name, requests) => {
    const foreign = await startForeignWebhook(cluster, { name, namespace });
    onTestFinished(foreign.stop);
    const isAsked = async () =>
      (await admit(cluster.admin, namespace, aPod())).metadata?.labels?.foreign === name;
    await waitFor('the other webhook to be asked', isAsked);

    const before = await requestsOf(leader);
    const pod = await admit(cluster.admin, namespace, aPod());
    expect((await requestsOf(leader)) - before).toBe(requests);
    expect(pod.metadata?.labels).toEqual({ app: 'web', foreign: name, 'spotpolicy.dev/capacity': 'spot' });
    expect(pod.metadata?.annotations).toEqual(expected());
    // Where the other one came later it saw our stamps: they are still those of the first call.
    const seen = foreign.seen.at(-1)?.metadata?.annotations ?? {};
    expect(seen).toEqual(requests === 1 ? {} : pod.metadata?.annotations);
  });
});

describe('the other replica takes over', () => {
  /** The holders of the lease one after another, with when each took it and last renewed it. */
  const watchLease = () => {
    const holders: { identity: string; acquireMs: number; renewMs: number }[] = [];
    const watching = cluster.admin
      .watch$<Lease>(leasePath)
      .pipe(
        map(({ object }) => object.spec),
        tap((spec) => {
          const identity = spec?.holderIdentity ?? '';
          const held = {
            identity,
            acquireMs: Date.parse(spec?.acquireTime ?? ''),
            renewMs: Date.parse(spec?.renewTime ?? ''),
          };
          if (holders.at(-1)?.identity === identity) holders[holders.length - 1] = held;
          else holders.push(held);
        }),
      )
      .subscribe();
    onTestFinished(() => watching.unsubscribe());
    return holders;
  };

  const tookOver = async (replica: Replica): Promise<void> => {
    await takesOver(cluster, replica);
    await waitFor(
      'pods to be governed',
      async () => governorOf(await admit(cluster.admin, namespace, aPod())) === 'web',
    );
  };

  test('at once after SIGTERM, because the lease is given up', async () => {
    const holders = watchLease();
    await waitFor('the watch of the lease', () => holders.length > 0);
    await leader.end('SIGTERM');
    await tookOver(follower);
    expect(holders.map(({ identity }) => identity)).toEqual(['first', '', 'second']);
    leader = follower;
    follower = await startCandidate(cluster, 'third');
  });

  test('after SIGKILL when the lease has run out, and nothing that was under way is done twice', async () => {
    const { admin } = cluster;
    await create(admin, namespace, aDeployment({ replicas: 6 }));
    await create(admin, namespace, aBudget({ maxUnavailable: 1 }));
    const pods = await readyPods(admin, namespace, 'web', 6);
    await budgetInForce(admin, namespace, 'web');
    const ended = new Set<string>();
    const watching = admin
      .watch$<Pod>(pathTo('Pod', namespace))
      .subscribe(({ type, object: { metadata } }) => {
        if (type === 'DELETED' || metadata?.deletionTimestamp) ended.add(metadata?.uid ?? '');
      });
    onTestFinished(() => watching.unsubscribe());
    const holders = watchLease();

    const doomed = pods.slice(0, 4);
    for (const pod of doomed) await reclaim(admin, pod, { minutes: 3, uid: 'pod' });
    await waitFor('the first eviction', () => ended.size > 0);
    expect(await counterOf(follower, 'spot_interruption_evictions_total')).toBe(0);
    await leader.end('SIGKILL');
    await tookOver(follower);
    const uids = doomed.map(({ metadata }) => metadata?.uid ?? '');
    await waitFor('every doomed pod to be evicted', () => uids.every((uid) => ended.has(uid)));
    await readyPods(admin, namespace, 'web', 6);
    const done = (uid: string) =>
      interruptionOf(admin, { namespace, name: 'web' }, uid, ({ phase }) => phase === 'Done');
    const last = await done(uids.at(-1) ?? '');
    expect(last.outcome).toBe('Replaced');

    expect(ended).toEqual(new Set(uids));
    const [second, third, ...more] = holders;
    expect([second?.identity, third?.identity, more]).toEqual(['second', 'third', []]);
    expect((third?.acquireMs ?? 0) - (second?.renewMs ?? 0)).toBeGreaterThanOrEqual(leaseSeconds * 1_000);
    const events = await admin.list<Event>(
      `${pathTo('Event', namespace)}?fieldSelector=reason%3DPodEvicted,involvedObject.kind%3DPod`,
    );
    const evicted = events.map(({ involvedObject }) => involvedObject.uid);
    expect(new Set(evicted).size).toBe(evicted.length);
    expect(await leads(follower)).toBe(true);
  });
});
