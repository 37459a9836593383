import { isDeepStrictEqual } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { SpotPolicyObject } from '../../../operator/api/index.ts';
import type { Cluster } from '../../../hack/cluster/cluster.ts';
import { type Replica, startReplica } from '../../../hack/cluster/operator.ts';
import { aPolicy } from '../../builders/policy.ts';
import { aNamespace, waitFor } from '../harness/cluster.ts';
import { follow$ } from '../harness/follow.ts';
import { pathTo } from '../harness/objects.ts';
import { anOwnCluster } from '../harness/operator.ts';
import { admit, aPod, governorOf } from '../injection/admitted.ts';

const count = 500;
const names = Array.from({ length: count }, (_, index) => `p-${index}`);

let cluster: Cluster;
let namespace: string;
let replica: Replica;
beforeAll(async () => {
  cluster = await anOwnCluster();
  namespace = await aNamespace({ cluster });
  replica = await startReplica(cluster);
});
afterAll(() => replica.end('SIGTERM'));

test('500 policies edited at once are caught up with in seconds, and each status is written a few times', async ({
  onTestFinished,
}) => {
  const { admin } = cluster;
  const specOf = (name: string) => aPolicy({ spec: { selector: { matchLabels: { app: name } } } }).spec;
  const kind = { apiVersion: 'spotpolicy.dev/v1alpha1', kind: 'SpotPolicy' };
  await Promise.all(
    names.map((name) =>
      admin.post(pathTo('SpotPolicy', namespace), { ...kind, metadata: { name }, spec: specOf(name) }),
    ),
  );

  const writes = new Map<string, number>();
  const last = new Map<string, SpotPolicyObject['status']>();
  const following = follow$<SpotPolicyObject>(admin, pathTo('SpotPolicy', namespace)).subscribe((policy) => {
    const { name } = policy.metadata;
    if (!isDeepStrictEqual(last.get(name), policy.status)) writes.set(name, (writes.get(name) ?? 0) + 1);
    last.set(name, policy.status);
  });
  onTestFinished(() => following.unsubscribe());
  const programmed = (generation: number): Promise<unknown> =>
    waitFor(
      `every policy to be Programmed at generation ${generation}`,
      () => {
        const reached = names.filter((name) => isProgrammed(last.get(name), generation)).length;
        return reached === count || Promise.reject(new Error(`${reached} are`));
      },
      { timeoutMs: 120_000 },
    );

  await programmed(1);
  writes.clear();
  const beganMs = performance.now();
  await Promise.all(
    names.map((name) => admin.patch(pathTo('SpotPolicy', namespace, name), { spec: { durationHours: 0 } })),
  );
  const editedMs = performance.now();
  await programmed(2);
  const endedMs = performance.now();
  // Some seconds; a machine with other work on it was seen to take 25.
  expect(endedMs - editedMs).toBeLessThan(60_000);
  const seconds = (endedMs - beganMs) / 1_000;
  expect(writes.size).toBe(count);
  // At most once a second and policy, and here there are only two things to tell: seen, and reached.
  expect(Math.max(...writes.values())).toBeLessThanOrEqual(Math.min(Math.ceil(seconds) + 1, 4));
  expect(governorOf(await admit(admin, namespace, aPod({ app: 'p-499' })))).toBe('p-499');

  // All is told: while one more edit is caught up with, the status of no other is written.
  writes.clear();
  await admin.patch(pathTo('SpotPolicy', namespace, 'p-0'), { spec: { durationHours: 1 } });
  await waitFor('the last edit to be Programmed', () => isProgrammed(last.get('p-0'), 3));
  expect([...writes.keys()]).toEqual(['p-0']);
});

const isProgrammed = (status: SpotPolicyObject['status'], generation: number): boolean =>
  status?.conditions?.some(
    ({ type, status: value, observedGeneration }) =>
      type === 'Programmed' && value === 'True' && observedGeneration === generation,
  ) ?? false;
