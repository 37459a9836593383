import { beforeAll, describe, onTestFinished, test } from 'vitest';
import type { Cluster } from '../../../hack/cluster/cluster.ts';
import { startFaultProxy, type FaultProxy } from '../../../hack/cluster/fault-proxy.ts';
import type { RequestClass } from '../../../hack/cluster/request-class.ts';
import { startReplica, type Replica } from '../../../hack/cluster/operator.ts';
import { installation } from '../../../cdk8s/operator-chart.ts';
import type { SpotPolicyStatus } from '../../../operator/api/index.ts';
import { aBudget, aDeployment, aStatefulSet } from '../../builders/workloads.ts';
import { waitFor } from '../harness/cluster.ts';
import { budgetInForce } from '../harness/objects.ts';
import { anOwnCluster } from '../harness/operator.ts';
import { announce, warn } from '../harness/platform.ts';
import { aBarePod, sim, spotAnnotations } from '../harness/pods.ts';
import {
  aScene,
  clockReaches,
  fewestServing,
  followOwners,
  isGone,
  isTouched,
  uidOf,
  watchBudget,
  watchPods,
} from '../harness/scene.ts';

const annotations = spotAnnotations;
// It trusts Events, has few calls under way at once, and keeps its lease while it is stopped.
const flags = [
  ...['--trust-reclaim-events', 'true'],
  ...['--eviction-concurrency', '8'],
  ...['--lease-seconds', '120', '--lease-renew-deadline-seconds', '100', '--lease-retry-seconds', '2'],
];

let cluster: Cluster;
let proxy: FaultProxy;
let operator: Replica;
beforeAll(async () => {
  cluster = await anOwnCluster();
  proxy = await startFaultProxy(cluster);
  operator = await startReplica(cluster, { flags, serverUrl: proxy.url });
  return () => proxy.stop();
});

const readyOf = ({ conditions }: Pick<SpotPolicyStatus, 'conditions'>) =>
  conditions?.find(({ type }) => type === 'Ready');

/** Requests for an eviction since the counts were reset. */
const evictionsAsked = (): number => proxy.counts().get('create pods/eviction') ?? 0;

describe.concurrent('without a single request for an eviction', () => {
  beforeAll(() => proxy.resetCounts());

  test('a pod under two budgets waits for its deadline, and both are named', async ({ expect }) => {
    const scene = await aScene({}, cluster);
    await scene.create(aStatefulSet({ annotations, replicas: 2, graceSeconds: 1 }));
    for (const name of ['one', 'two']) await scene.create(aBudget({ maxUnavailable: 1 }, 'db', name));
    const [pod = {}] = await scene.ready('db', 2);
    // Of two budgets over one pod their controller keeps up only one.
    await Promise.any(['one', 'two'].map((name) => budgetInForce(scene.admin, scene.namespace, name)));
    const budgets = ['one', 'two'].map((name) => watchBudget(scene, name));
    await warn(scene.admin, pod, { leftSeconds: 13 });
    const { message } = await scene.entry(pod, ({ phase }) => phase === 'Blocked');
    expect(message).toMatch(
      /^budgets (one and two|two and one) both select it, which the Eviction API refuses/,
    );
    const { outcome } = await scene.entry(pod, ({ phase }) => phase === 'Done');
    for (const { stop } of budgets) stop();
    expect(outcome).toBe('Forced');
    expect(evictionsAsked()).toBe(0);
    for (const { seen } of budgets) expect(seen.filter(({ disruptedPods }) => disruptedPods)).toEqual([]);
  });

  test('a pod is deleted past its budget on an Event alone where Events are trusted', async ({ expect }) => {
    const scene = await aScene({}, cluster);
    await scene.create(aStatefulSet({ annotations, graceSeconds: 1 }));
    await scene.create(aBudget({ maxUnavailable: 0 }, 'db'));
    const pod = await scene.one('db');
    await budgetInForce(scene.admin, scene.namespace, 'db');
    const { deadlineMs } = await announce(scene.admin, pod, { leftSeconds: 12 });
    const { message } = await scene.entry(pod, ({ phase }) => phase === 'Blocked');
    expect(message).toMatch(/; deleted gracefully at the deadline$/);
    await isGone(scene, pod);
    expect(Date.now()).toBeLessThan(deadlineMs);
    expect((await scene.entry(pod, ({ phase }) => phase === 'Done')).outcome).toBe('Forced');
    expect(evictionsAsked()).toBe(0);
  });
});

test('of three pods of ten none is refused more than once for each time that its budget is freed', async ({
  expect,
}) => {
  const scene = await aScene({}, cluster);
  await scene.create(aDeployment({ annotations, replicas: 10 }));
  await scene.create(aBudget({ maxUnavailable: 1 }));
  const doomed = (await scene.ready('web', 10)).slice(0, 3);
  await budgetInForce(scene.admin, scene.namespace, 'web');
  proxy.resetCounts();
  await Promise.all(doomed.map((pod) => warn(scene.admin, pod, { leftSeconds: 150 })));
  await Promise.all(doomed.map((pod) => scene.entry(pod, ({ phase }) => phase === 'Done')));
  const { totals } = await scene.statusWith((status) => status.totals?.replaced === 3);
  expect(totals).toMatchObject({ evicted: 3, forced: 0 });
  // It is freed three times: at first, and when each of the first two has its successor. Two pods wait at most.
  expect(evictionsAsked() - 3).toBeLessThanOrEqual(3);
});

test('a pod goes at once though calls for more pods of another namespace hang than may be under way', async ({
  expect,
}) => {
  const interruption = { jobPods: 'Immediately', replacement: 'AfterEviction' } as const;
  const [hanging, free] = await Promise.all([
    aScene(interruption, cluster),
    aScene({ replacement: 'AfterEviction' }, cluster),
  ]);
  const names = Array.from({ length: 12 }, (_, index) => `alone-${index}`);
  await Promise.all(names.map((name) => hanging.create(aBarePod(name))));
  await free.create(aDeployment({ annotations }));
  const pods = await Promise.all(names.map((name) => hanging.one(name)));
  const pod = await free.one('web');
  const hangs = ({ resource, namespace }: RequestClass): boolean =>
    resource === 'pods/eviction' && namespace === hanging.namespace;
  proxy.setFaults([{ matches: hangs, probability: 1, answer: 'stall' }]);
  onTestFinished(() => proxy.setFaults([]));
  proxy.resetCounts();
  await Promise.all(pods.map((each) => warn(cluster.admin, each, { leftSeconds: 150 })));
  await waitFor('as many calls as may be under way', () => evictionsAsked() === 8);
  const warnedMs = Date.now();
  await warn(cluster.admin, pod, { leftSeconds: 150 });
  await free.entry(pod, ({ evictedAt }) => evictedAt !== undefined);
  // A call hangs for 15 s.
  expect(Date.now() - warnedMs).toBeLessThan(7_000);
  expect(evictionsAsked()).toBe(9);
  proxy.setFaults([]);
  const ended = await Promise.all(pods.map((each) => hanging.entry(each, ({ phase }) => phase === 'Done')));
  expect(ended.map(({ evictedAt }) => evictedAt)).not.toContain(undefined);
});

test('a pod that was taken out of its ReplicaSet, though the answer was lost, goes when another one is Ready', async ({
  expect,
}) => {
  const scene = await aScene({ replacement: 'BeforeEviction' }, cluster);
  await scene.create(aDeployment({ annotations: { ...annotations, ...sim({ 'ready-after': '5s' }) } }));
  const pod = await scene.one('web');
  const watched = watchPods(scene);
  const from = await waitFor('the pod', () => watched.seen.length);
  const owners = await followOwners(scene, pod);
  const isPatch = ({ verb, resource, namespace }: RequestClass): boolean =>
    verb === 'patch' && resource === 'pods' && namespace === scene.namespace;
  proxy.setFaults([{ matches: isPatch, probability: 1, answer: 'unheard' }]);
  onTestFinished(() => proxy.setFaults([]));
  await warn(cluster.admin, pod, { leftSeconds: 150 });
  await waitFor('it to be taken out', async () => {
    const owner = (await scene.find(pod))?.metadata?.ownerReferences?.[0];
    return owner?.kind === 'Deployment';
  });
  proxy.setFaults([]);
  const { outcome } = await scene.entry(pod, ({ phase }) => phase === 'Done');
  watched.stop();
  expect(outcome).toBe('Replaced');
  expect(owners()).toEqual(['ReplicaSet', 'Deployment']);
  expect(fewestServing(watched.seen, from)).toBe(1);
});

test('an eviction that the operator has no right to is named, tried again calmly, and made once the right is there', async ({
  expect,
}) => {
  const role = `/apis/rbac.authorization.k8s.io/v1/clusterroles/${installation.name}`;
  const { rules } = await cluster.admin.get<{ rules: { resources: string[] }[] }>(role);
  const isAllowed = async (): Promise<boolean> => {
    const user = `system:serviceaccount:${installation.namespace}:${installation.name}`;
    const resourceAttributes = {
      verb: 'create',
      resource: 'pods',
      subresource: 'eviction',
      namespace: 'default',
    };
    const review = { spec: { user, resourceAttributes } };
    const path = '/apis/authorization.k8s.io/v1/subjectaccessreviews';
    return (await cluster.admin.post<{ status: { allowed: boolean } }>(path, review)).status.allowed;
  };
  const scene = await aScene({}, cluster);
  await scene.create(aDeployment({ annotations }));
  const pod = await scene.one('web');
  await cluster.admin.patch(role, {
    rules: rules.filter(({ resources }) => !resources.includes('pods/eviction')),
  });
  await waitFor('the right to be gone', async () => !(await isAllowed()));

  proxy.resetCounts();
  const startMs = Date.now();
  await warn(scene.admin, pod, { leftSeconds: 150 });
  const { message } = await scene.entry(pod, (entry) => entry.message?.includes('may not') === true);
  expect(message).toMatch(
    /the operator may not create pods\/eviction: .*cannot create resource "pods\/eviction"/,
  );
  const { conditions } = await scene.statusWith((status) => readyOf(status)?.status === 'False');
  expect(conditions?.find(({ type }) => type === 'Stalled')?.status).toBe('True');
  expect(readyOf({ conditions })).toMatchObject({
    reason: 'Forbidden',
    message: expect.stringMatching(/^the operator may not create pods\/eviction: /),
  });
  await clockReaches(startMs + 4_000);
  // At once, and after pauses of 1 and 2 s.
  expect(evictionsAsked()).toBeGreaterThanOrEqual(2);
  expect(evictionsAsked()).toBeLessThanOrEqual(4);

  await cluster.admin.patch(role, { rules });
  const { outcome } = await scene.entry(pod, ({ phase }) => phase === 'Done');
  expect(outcome).toBe('Replaced');
  await scene.statusWith((status) => readyOf(status)?.status === 'True');
});

test('a pod that took the name of a doomed one while the operator stood still is not touched, nor its budget spent', async ({
  expect,
}) => {
  const scene = await aScene({}, cluster);
  await scene.create(aStatefulSet({ annotations, replicas: 2 }));
  await scene.create(aBudget({ maxUnavailable: 0 }, 'db'));
  const [pod = {}] = await scene.ready('db', 2);
  await budgetInForce(scene.admin, scene.namespace, 'db');
  await warn(scene.admin, pod, { leftSeconds: 150 });
  await scene.entry(pod, ({ phase }) => phase === 'Blocked');
  const blockedMs = Date.now();
  await operator.pause();
  await scene.delete('Pod', pod.metadata?.name ?? '');
  await isGone(scene, pod);
  const living = await scene.ready('db', 2);
  await scene.patch('PodDisruptionBudget', 'db', { spec: { maxUnavailable: 1 } });
  await scene.budgetWith('db', ({ disruptionsAllowed }) => disruptionsAllowed === 1);
  const budget = watchBudget(scene, 'db');
  // By now it would ask the budget again, and it does not know yet that its pod is gone.
  await clockReaches(blockedMs + 11_000);
  operator.resume();
  const { outcome, replacement } = await scene.entry(pod, ({ phase }) => phase === 'Done');
  budget.stop();

  expect(outcome).toBe('Replaced');
  expect(living.map(uidOf)).toContain(replacement?.uid);
  expect((await scene.ready('db', 2)).map(uidOf)).toEqual(living.map(uidOf));
  expect((await scene.ready('db', 2)).filter(isTouched)).toEqual([]);
  for (const { disruptionsAllowed, disruptedPods } of budget.seen)
    expect({ disruptionsAllowed, disruptedPods }).toEqual({
      disruptionsAllowed: 1,
      disruptedPods: undefined,
    });
});
