import { test } from 'vitest';
import { reclaim } from '../../../hack/cluster/reclaim.ts';
import { aPolicy } from '../../builders/policy.ts';
import { aBudget, aDeployment } from '../../builders/workloads.ts';
import { aNamespace, sharedCluster } from '../harness/cluster.ts';
import {
  aProgrammedPolicy,
  budgetInForce,
  create,
  interruptionOf,
  readyPods,
  statusOf,
} from '../harness/objects.ts';
import { warn } from '../harness/platform.ts';
import { sim, spotAnnotations } from '../harness/pods.ts';
import { aScene, uidOf, watchBudget } from '../harness/scene.ts';

test.concurrent(
  'three reclaimed pods of ten leave one at a time under maxUnavailable: 1, and all before the deadline',
  async ({ expect }) => {
    const { admin } = await sharedCluster();
    const namespace = await aNamespace();
    const interruption = { replacement: 'AfterEviction' } as const;
    await aProgrammedPolicy(admin, namespace, aPolicy({ spec: { interruption } }));
    await create(admin, namespace, aDeployment({ replicas: 10 }));
    await create(admin, namespace, aBudget({ maxUnavailable: 1 }));
    const pods = await readyPods(admin, namespace, 'web', 10);
    const inForce = await budgetInForce(admin, namespace, 'web');
    expect(inForce.status).toMatchObject({ expectedPods: 10, disruptionsAllowed: 1 });

    const budget = watchBudget({ admin, namespace }, 'web');
    const blocked = new Set<string>();
    const doomed = pods.slice(0, 3);
    for (const pod of doomed) await reclaim(admin, pod, { minutes: 3, uid: 'pod' });
    const ended = await Promise.all(
      doomed.map((pod) =>
        interruptionOf(admin, { namespace, name: 'web' }, uidOf(pod), ({ phase, message }) => {
          if (phase === 'Blocked') blocked.add(message ?? '');
          return phase === 'Done';
        }),
      ),
    );
    budget.stop();

    expect(ended.map(({ outcome }) => outcome)).toEqual(['Replaced', 'Replaced', 'Replaced']);
    for (const { evictedAt, deadline } of ended)
      expect(Date.parse(evictedAt ?? '')).toBeLessThan(Date.parse(deadline));
    const healthy = budget.seen.map(({ currentHealthy }) => currentHealthy);
    expect(Math.min(...healthy)).toBe(9);
    expect(Math.max(...budget.seen.map(({ disruptedPods }) => Object.keys(disruptedPods ?? {}).length))).toBe(
      1,
    );
    expect([...blocked].join()).toMatch(
      /budget web allows no disruption now: it has \d+ healthy pods and needs 9/,
    );
    const others = pods.slice(3).map(uidOf);
    const living = (await readyPods(admin, namespace, 'web', 10)).map(uidOf);
    expect(living).toEqual(expect.arrayContaining(others));
    expect((await statusOf(admin, namespace, 'web')).totals).toMatchObject({
      ...{ noticed: 3, evicted: 3, replaced: 3, forced: 0, missed: 0 },
    });
  },
);

test.concurrent(
  'pods of a Deployment that go at once are each credited with a successor of their own',
  async ({ expect }) => {
    const scene = await aScene();
    await scene.create(aDeployment({ replicas: 4, annotations: spotAnnotations }));
    const pods = await scene.ready('web', 4);
    await Promise.all(pods.map((pod) => warn(scene.admin, pod, { leftSeconds: 120 })));
    const ended = await Promise.all(pods.map((pod) => scene.entry(pod, ({ phase }) => phase === 'Done')));

    expect(ended.map(({ outcome }) => outcome)).toEqual(pods.map(() => 'Replaced'));
    const successors = ended.map(({ replacement }) => replacement?.uid ?? '');
    const living = (await scene.ready('web', 4)).map(uidOf);
    expect(successors.toSorted()).toEqual(living.toSorted());
    expect(ended.map(({ replacement }) => replacement?.capacity)).toEqual(pods.map(() => 'Spot'));
    expect((await scene.status()).totals).toMatchObject({ noticed: 4, evicted: 4, replaced: 4 });
  },
);

test.concurrent(
  'a successor for which ECI had no spot stock is recorded as on demand',
  async ({ expect }) => {
    const scene = await aScene();
    const noStock = {
      ...spotAnnotations,
      ...sim({ 'no-stock': 'true' }),
      'k8s.aliyun.com/eci-spot-fallback': 'true',
    };
    await scene.create(aDeployment({ annotations: noStock }));
    const pod = await scene.one('web');
    await warn(scene.admin, pod, { leftSeconds: 120 });
    const { outcome, replacement } = await scene.entry(pod, ({ phase }) => phase === 'Done');
    expect(outcome).toBe('Replaced');
    expect(replacement?.capacity).toBe('OnDemand');
  },
);

test.concurrent(
  'a pod that its user annotated before there was any policy is handled by one that annotates nothing',
  async ({ expect }) => {
    const { admin } = await sharedCluster();
    const namespace = await aNamespace();
    await create(admin, namespace, aDeployment({ annotations: spotAnnotations }));
    const [pod = {}] = await readyPods(admin, namespace, 'web', 1);
    const policy = aPolicy({ spec: { strategy: undefined, injection: { at: 'None' } } });
    await aProgrammedPolicy(admin, namespace, policy);
    await reclaim(admin, pod, { minutes: 3, uid: 'pod' });
    const entry = await interruptionOf(
      admin,
      { namespace, name: 'web' },
      uidOf(pod),
      ({ phase }) => phase === 'Done',
    );
    expect(entry.outcome).toBe('Replaced');
    const [successor = {}] = await readyPods(admin, namespace, 'web', 1);
    expect(entry.replacement?.uid).toBe(uidOf(successor));
    const keys = Object.keys(successor.metadata?.annotations ?? {}).filter((key) =>
      key.startsWith('k8s.aliyun.com/eci-spot'),
    );
    expect(keys).toEqual(Object.keys(spotAnnotations));
  },
);
