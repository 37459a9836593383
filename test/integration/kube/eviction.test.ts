import type { Pod } from 'kubernetes-types/core/v1.js';
import { expect, test } from 'vitest';
import type { EvictionAnswer } from '../../../operator/kube/eviction.ts';
import type { Kube } from '../../../operator/kube/kube.ts';
import { aBudget, aDeployment, aJob } from '../../builders/workloads.ts';
import { aNamespace, sharedCluster, waitFor } from '../harness/cluster.ts';
import { aDenyingPolicy } from '../harness/denying-policy.ts';
import { budgetInForce, create, pathTo, readyPods } from '../harness/objects.ts';
import { asAdmin, kubeOf } from './kube-of.ts';

/** A namespace with a Deployment of Ready pods. */
const aRunningDeployment = async (replicas: number) => {
  const { admin } = await sharedCluster();
  const namespace = await aNamespace();
  await create(admin, namespace, aDeployment({ replicas }));
  const pods = await readyPods(admin, namespace, 'web', replicas);
  return { admin, namespace, pods, kube: await asAdmin() };
};

const evict = (kube: Kube, pod: Pod | undefined, uid = pod?.metadata?.uid ?? ''): Promise<EvictionAnswer> =>
  kube.evict({ namespace: pod?.metadata?.namespace, name: pod?.metadata?.name ?? '' }, { uid });

test('an eviction is accepted once, then the pod is gone or replaced, and a dry run changes nothing', async () => {
  const { admin, namespace, pods, kube } = await aRunningDeployment(1);
  const [pod] = pods;
  const ref = { namespace, name: pod?.metadata?.name ?? '' };
  const uid = pod?.metadata?.uid ?? '';
  expect(await kube.evict(ref, { uid, dryRun: true })).toEqual({ kind: 'accepted' });
  const untouched = await admin.get<Pod>(pathTo('Pod', namespace, ref.name));
  expect(untouched.metadata?.deletionTimestamp).toBeUndefined();

  expect(await kube.evict(ref, { uid: crypto.randomUUID() })).toEqual({ kind: 'replaced' });
  expect(await kube.evict(ref, { uid: crypto.randomUUID(), dryRun: true })).toEqual({ kind: 'replaced' });
  expect(await kube.evict(ref, { uid, resourceVersion: '1' })).toMatchObject({ kind: 'changed' });

  expect(await kube.evict(ref, { uid, gracePeriodSeconds: 1 })).toEqual({ kind: 'accepted' });
  const ending = await admin.get<Pod>(pathTo('Pod', namespace, ref.name));
  expect(ending.metadata?.deletionGracePeriodSeconds).toBe(1);
  await waitFor('the pod to go', async () => (await kube.evict(ref, { uid })).kind === 'gone');
});

test('a budget that allows nothing blocks with its figures', async () => {
  const { admin, namespace, pods, kube } = await aRunningDeployment(2);
  await create(admin, namespace, aBudget({ maxUnavailable: 0 }));
  await budgetInForce(admin, namespace, 'web');
  expect(await evict(kube, pods[0])).toEqual({
    kind: 'blocked',
    message: 'The disruption budget web needs 2 healthy pods and has 2 currently',
  });
});

test('a budget that cannot be computed blocks and says when to look again', async () => {
  const { admin } = await sharedCluster();
  const [namespace, kube] = [await aNamespace(), await asAdmin()];
  // Job pods have no controller with a scale, so percentages and maxUnavailable over them are never computed.
  await create(admin, namespace, aJob({ name: 'web' }));
  const [pod] = await readyPods(admin, namespace, 'web', 1);
  await create(admin, namespace, aBudget({ maxUnavailable: 1 }));
  expect(await evict(kube, pod)).toEqual({
    kind: 'blocked',
    message: 'The disruption budget web is still being processed by the server.',
    retryAfterSeconds: 10,
  });
});

test('two budgets over one pod are told from a failing server', async () => {
  const { admin, namespace, pods, kube } = await aRunningDeployment(1);
  const budget = aBudget({ maxUnavailable: 1 });
  await create(admin, namespace, budget);
  await create(admin, namespace, { ...budget, metadata: { ...budget.metadata, name: 'second' } });
  expect(await evict(kube, pods[0])).toMatchObject({
    kind: 'severalBudgets',
    message: expect.stringContaining('more than one PodDisruptionBudget'),
  });
});

test('a missing right is told from an admission policy that refuses', async () => {
  const { admin, namespace, pods, kube } = await aRunningDeployment(1);
  const cluster = await sharedCluster();
  const nobody = kubeOf(await cluster.kubeconfigFor({ namespace, serviceAccount: 'default' }));
  expect(await evict(nobody, pods[0])).toMatchObject({
    kind: 'forbidden',
    message: expect.stringContaining('cannot create resource "pods/eviction"'),
  });

  const message = 'not on Fridays';
  const evictions = { operation: 'CREATE', resource: 'pods/eviction', unless: 'false', message } as const;
  await aDenyingPolicy({ admin, namespace }, evictions);
  const ref = { namespace, name: pods[0]?.metadata?.name ?? '' };
  const refusal = await waitFor('the policy to act', async () => {
    const answer = await kube.evict(ref, { uid: pods[0]?.metadata?.uid ?? '', dryRun: true });
    return answer.kind !== 'accepted' && answer;
  });
  expect(refusal).toMatchObject({ kind: 'denied', message: expect.stringContaining(message) });
});

test('a namespace that is being deleted takes no evictions', async () => {
  const { admin, namespace, pods, kube } = await aRunningDeployment(1);
  const path = pathTo('Pod', namespace, pods[0]?.metadata?.name);
  const finalizers = (names: string[]): Promise<unknown> =>
    admin.patch(path, { metadata: { finalizers: names } });
  await finalizers(['spotpolicy.dev/test']);
  await admin.delete(`/api/v1/namespaces/${namespace}`);
  await waitFor('the refusal', async () => (await evict(kube, pods[0])).kind === 'namespaceEnding');
  await finalizers([]);
});

test('many evictions under one budget are each accepted, blocked or told that the budget is busy', async () => {
  const { admin, namespace, pods, kube } = await aRunningDeployment(20);
  await create(admin, namespace, aBudget({ maxUnavailable: 5 }));
  await budgetInForce(admin, namespace, 'web');
  const answers = await Promise.all(pods.map((pod) => evict(kube, pod)));
  const kinds = new Set(answers.map(({ kind }) => kind));
  expect([...kinds].filter((kind) => !['accepted', 'blocked', 'budgetBusy'].includes(kind))).toEqual([]);
  expect(kinds).toContain('accepted');
});
