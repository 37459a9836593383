import type { Pod } from 'kubernetes-types/core/v1.js';
import { beforeAll, expect, onTestFinished, test } from 'vitest';
import type { Cluster } from '../../../hack/cluster/cluster.ts';
import { RestError } from '../../../hack/cluster/client.ts';
import { startReplica } from '../../../hack/cluster/operator.ts';
import { aPolicy, manifestOf } from '../../builders/policy.ts';
import { aBudget, aDeployment, aStatefulSet } from '../../builders/workloads.ts';
import { evictionsOf } from '../harness/api-server.ts';
import { waitFor } from '../harness/cluster.ts';
import { startDenyingWebhook } from '../harness/denying-webhook.ts';
import { aHerd } from '../harness/herd.ts';
import { budgetInForce, budgetsInForce } from '../harness/objects.ts';
import { anOwnCluster } from '../harness/operator.ts';
import { warn } from '../harness/platform.ts';
import { aBarePod, spotAnnotations } from '../harness/pods.ts';
import { aScene, clockReaches } from '../harness/scene.ts';

const annotations = spotAnnotations;

let cluster: Cluster;
beforeAll(async () => {
  cluster = await anOwnCluster();
  // Fewer than the pods that are blocked at once: none of them may keep a place.
  await startReplica(cluster, { flags: ['--eviction-concurrency', '8'] });
});

/** While it stands still no budget is computed and no namespace emptied. */
const stopControllers = async (): Promise<() => Promise<void>> => {
  const manager = cluster.component('kube-controller-manager');
  await manager.kill();
  onTestFinished(() => manager.start());
  return manager.start;
};

test('an eviction that a webhook denies is told in its words, tried less and less often, and made once it is allowed', async () => {
  const scene = await aScene({}, cluster);
  await scene.create(aDeployment({ annotations }));
  const pod = await scene.one('web');
  const message = 'no evictions before the release';
  const webhook = await startDenyingWebhook(cluster, { namespace: scene.namespace, message });
  onTestFinished(webhook.stop);
  const isDenied = async (): Promise<boolean> => {
    const eviction = { apiVersion: 'policy/v1', kind: 'Eviction', metadata: pod.metadata };
    const path = `/api/v1/namespaces/${scene.namespace}/pods/${pod.metadata?.name}/eviction?dryRun=All`;
    const answer = await cluster.admin.post(path, eviction).catch((error: unknown) => error);
    return answer instanceof RestError && answer.message.includes(message);
  };
  await waitFor('the webhook to be asked', isDenied);
  const before = webhook.asked();

  const startMs = Date.now();
  await warn(scene.admin, pod, { leftSeconds: 150 });
  const entry = await scene.entry(pod, ({ phase }) => phase === 'Blocked');
  expect(entry.message).toBe(
    `the eviction was denied: admission webhook "evictions.example.com" denied the request: ${message}; deleted gracefully at the deadline`,
  );
  await clockReaches(startMs + 6_000);
  // At once, and after pauses of 1, 2 and 4 s.
  expect(webhook.asked() - before).toBeGreaterThanOrEqual(2);
  expect(webhook.asked() - before).toBeLessThanOrEqual(4);
  // Nothing is the matter with the operator's rights.
  const { conditions } = await scene.status();
  expect(conditions?.find(({ type }) => type === 'Ready')).toMatchObject({ status: 'True' });
  webhook.allow();
  expect((await scene.entry(pod, ({ phase }) => phase === 'Done')).outcome).toBe('Replaced');
});

test('a budget that its controller has not computed anew is said to be stale, and asked at most every ten seconds', async () => {
  const scene = await aScene({}, cluster);
  await scene.create(aStatefulSet({ annotations, replicas: 2 }));
  await scene.create(aBudget({ maxUnavailable: 1 }, 'db'));
  const [pod = {}] = await scene.ready('db', 2);
  await budgetInForce(scene.admin, scene.namespace, 'db');
  const startControllers = await stopControllers();
  await scene.patch('PodDisruptionBudget', 'db', { spec: { maxUnavailable: 2 } });
  const before = await evictionsOf(cluster);
  const startMs = Date.now();
  await warn(scene.admin, pod, { leftSeconds: 150 });
  const { message } = await scene.entry(pod, ({ phase }) => phase === 'Blocked');
  expect(message).toBe('budget db has changed and is being computed; deleted gracefully at the deadline');
  const asked = await scene.entry(
    pod,
    (entry) => entry.message?.startsWith('The disruption budget') === true,
  );
  expect(asked.message).toMatch(/^The disruption budget db is still being processed by the server\./);
  expect(Date.now() - startMs).toBeGreaterThanOrEqual(10_000);
  expect((await evictionsOf(cluster)).refused - before.refused).toBe(1);
  await startControllers();
  expect((await scene.entry(pod, ({ phase }) => phase === 'Done')).outcome).toBe('Replaced');
});

test('a namespace that is being deleted is named as what refuses the eviction', async () => {
  const scene = await aScene({ jobPods: 'Immediately' }, cluster);
  await scene.create(aBarePod('alone'));
  const pod = await scene.one('alone');
  const startControllers = await stopControllers();
  await cluster.admin.delete(`/api/v1/namespaces/${scene.namespace}`);
  const before = await evictionsOf(cluster);
  const startMs = Date.now();
  await warn(scene.admin, pod, { leftSeconds: 150 });
  const { message } = await scene.entry(pod, ({ phase }) => phase === 'Blocked');
  expect(message).toBe('its namespace is being deleted; deleted gracefully at the deadline');
  await clockReaches(startMs + 4_000);
  expect((await evictionsOf(cluster)).refused - before.refused).toBe(1);
  await startControllers();
  await waitFor('the namespace to be gone', async () => {
    const namespace = cluster.admin.get(`/api/v1/namespaces/${scene.namespace}`);
    return namespace.then(
      () => false,
      (error: unknown) => error instanceof RestError && error.status === 404,
    );
  });
});

test('50 pods go beside 50 that are blocked, each of another policy, as fast as alone', async () => {
  const scene = await aScene({ jobPods: 'Immediately' }, cluster);
  const herd = aHerd(scene);
  onTestFinished(herd.stop);
  const names = (prefix: string): string[] => Array.from({ length: 50 }, (_, index) => `${prefix}-${index}`);
  const pods = async (prefix: string): Promise<Pod[]> => {
    await Promise.all(names(prefix).map((name) => scene.create(aBarePod(name, { graceSeconds: 1 }))));
    return herd.ready(50, ({ metadata }) => metadata?.name?.startsWith(`${prefix}-`) === true);
  };
  const warnAll = (doomed: readonly Pod[], leftSeconds: number): Promise<unknown> =>
    Promise.all(doomed.map((pod) => warn(scene.admin, pod, { leftSeconds })));
  const evict = async (doomed: readonly Pod[]): Promise<number> => {
    const startMs = performance.now();
    await warnAll(doomed, 150);
    await herd.gone(doomed);
    return performance.now() - startMs;
  };

  const [first, second] = [await pods('alone'), await pods('beside')];
  const aloneMs = await evict(first);
  const held = await pods('held');
  const interruption = { jobPods: 'Immediately' } as const;
  const policyOf = (app: string) => {
    const spec = { selector: { matchLabels: { app } }, strategy: undefined, priority: 1, interruption };
    return manifestOf(aPolicy({ name: app, spec: { ...spec, injection: { at: 'None' } } }));
  };
  await Promise.all(
    names('held').map(async (app) => {
      await scene.create(policyOf(app));
      await scene.create(aBudget({ minAvailable: 1 }, app));
    }),
  );
  await budgetsInForce(scene.admin, scene.namespace);
  // Their deadlines are earlier.
  await warnAll(held, 120);
  const mark = 'spotpolicy.dev/interruption';
  await herd.until('the marks', () => herd.seen(held).every(({ metadata }) => metadata?.annotations?.[mark]));

  const before = await evictionsOf(cluster);
  const besideMs = await evict(second);
  const after = await evictionsOf(cluster);
  expect(after.accepted - before.accepted).toBe(50);
  // A budget is asked anew every 10 s, in case a watch is late, and takes part in nothing else.
  expect(after.refused - before.refused).toBeLessThanOrEqual(50 * Math.ceil(besideMs / 10_000));
  // What waited for a blocked pod would wait for those 10 s.
  expect(besideMs).toBeLessThan(2 * aloneMs + 5_000);
  expect(herd.seen(held).filter(({ metadata }) => metadata?.deletionTimestamp)).toEqual([]);
});
