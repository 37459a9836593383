import { filter, map, tap } from 'rxjs';
import type { PodDisruptionBudget } from 'kubernetes-types/policy/v1.js';
import { expect, test } from 'vitest';
import { reclaim } from '../../../hack/cluster/reclaim.ts';
import { aPolicy } from '../../builders/policy.ts';
import { aBudget, aDeployment } from '../../builders/workloads.ts';
import { aNamespace, sharedCluster } from '../harness/cluster.ts';
import {
  aProgrammedPolicy,
  budgetInForce,
  create,
  interruptionOf,
  pathTo,
  readyPods,
  statusOf,
} from '../harness/objects.ts';

test('three reclaimed pods of ten leave one at a time under maxUnavailable: 1, and all before the deadline', async () => {
  const { admin } = await sharedCluster();
  const namespace = await aNamespace();
  await aProgrammedPolicy(admin, namespace, aPolicy());
  await create(admin, namespace, aDeployment({ replicas: 10 }));
  await create(admin, namespace, aBudget({ maxUnavailable: 1 }));
  const pods = await readyPods(admin, namespace, 'web', 10);
  const budget = await budgetInForce(admin, namespace, 'web');
  expect(budget.status).toMatchObject({ expectedPods: 10, disruptionsAllowed: 1 });

  const healthy: number[] = [];
  const blocked = new Set<string>();
  const watching = admin
    .watch$<PodDisruptionBudget>(pathTo('PodDisruptionBudget', namespace))
    .pipe(
      map(({ object }) => object.status?.currentHealthy),
      filter((count) => count !== undefined),
      tap((count) => healthy.push(count)),
    )
    .subscribe();

  const doomed = pods.slice(0, 3);
  for (const pod of doomed) await reclaim(admin, pod, { minutes: 3, uid: 'pod' });
  const ended = await Promise.all(
    doomed.map(({ metadata }) =>
      interruptionOf(admin, { namespace, name: 'web' }, metadata?.uid ?? '', ({ phase, message }) => {
        if (phase === 'Blocked') blocked.add(message ?? '');
        return phase === 'Done';
      }),
    ),
  );
  watching.unsubscribe();

  expect(ended.map(({ outcome }) => outcome)).toEqual(['Replaced', 'Replaced', 'Replaced']);
  for (const { evictedAt, deadline } of ended) expect(Date.parse(evictedAt ?? '')).toBeLessThan(Date.parse(deadline));
  expect(Math.min(...healthy)).toBeGreaterThanOrEqual(9);
  expect(Math.min(...healthy)).toBeLessThan(10);
  expect([...blocked].join()).toMatch(/budget web allows no disruption now: it has \d+ healthy pods and needs 9/);
  expect((await statusOf(admin, namespace, 'web')).totals).toMatchObject({ noticed: 3, evicted: 3, replaced: 3, forced: 0 });
});
