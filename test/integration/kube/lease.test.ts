import { Subject } from 'rxjs';
import { expect, onTestFinished, test } from 'vitest';
import { leadership, leaseCalls } from '../../../operator/kube/lease.ts';
import type { Kube } from '../../../operator/kube/kube.ts';
import { aNamespace, sharedCluster, waitFor } from '../harness/cluster.ts';
import { asAdmin } from './kube-of.ts';

interface Lease {
  metadata: { labels?: Record<string, string> };
  spec: { holderIdentity: string; leaseTransitions: number };
}

const quick = { leaseDurationMs: 6_000, renewDeadlineMs: 4_000, retryMs: 300 };

const stand = (kube: Kube, namespace: string, identity: string) => {
  const stop$ = new Subject<void>();
  const failures: unknown[] = [];
  let leads = false;
  let completed = false;
  const subscription = leadership(leaseCalls(kube, { namespace, name: 'spotpolicy' }), {
    ...quick,
    identity,
    elapsedMs: () => performance.now(),
    timeOfDayMs: () => Date.now(),
    random: Math.random,
    stop$,
    onFailure: (error) => failures.push(error),
  }).subscribe({ next: (value) => (leads = value), complete: () => (completed = true) });
  onTestFinished(() => subscription.unsubscribe());
  return { failures, leads: () => leads, completed: () => completed, stop: () => stop$.next() };
};

test('one of several leads, the next takes over at once when it stops and after the lease when it is cut off', async () => {
  const { admin } = await sharedCluster();
  const namespace = await aNamespace();
  const path = `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases/spotpolicy`;
  const clients = [await asAdmin(), await asAdmin(), await asAdmin()] as const;
  const candidates = clients.map((kube, index) => stand(kube, namespace, `c${index}`));
  const leaders = (): number[] => [0, 1, 2].filter((index) => candidates[index]?.leads());

  const [first = -1] = await waitFor('a leader', () => leaders().length > 0 && leaders());
  await admin.patch(path, { metadata: { labels: { theirs: 'kept' } } });
  candidates[first]?.stop();
  expect(candidates[first]?.leads()).toBe(false);
  await waitFor('the lease to be given up', () => candidates[first]?.completed());
  const stoppedAtMs = performance.now();
  const [second = -1] = await waitFor('the next leader', () => leaders().length > 0 && leaders());
  expect(performance.now() - stoppedAtMs).toBeLessThan(quick.leaseDurationMs / 2);

  await clients[second]?.close();
  await waitFor('the one that is cut off to step down', () => !candidates[second]?.leads());
  expect(leaders()).toEqual([]);
  const [third] = await waitFor('the third leader', () => leaders().length > 0 && leaders());
  expect(new Set([first, second, third]).size).toBe(3);
  expect(candidates[third ?? -1]?.failures).toEqual([]);
  const lease = await admin.get<Lease>(path);
  expect(lease.spec).toMatchObject({ holderIdentity: `c${third}`, leaseTransitions: 2 });
  expect(lease.metadata.labels).toEqual({ theirs: 'kept' });
});
