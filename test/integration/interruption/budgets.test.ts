import type { Pod } from 'kubernetes-types/core/v1.js';
import { test } from 'vitest';
import { aBudget, aDeployment, aJob } from '../../builders/workloads.ts';
import { budgetInForce } from '../harness/objects.ts';
import { warn } from '../harness/platform.ts';
import { sim, spotAnnotations } from '../harness/pods.ts';
import { aScene, type Scene, uidOf, watchBudget } from '../harness/scene.ts';

const annotations = spotAnnotations;
// A blocked pod asks again after 10 s in any case; what comes sooner was caused by the change.
const soonMs = 6_000;

/** A warned pod of a Deployment whose budget allows nothing. */
const aBlockedPod = async (scene: Scene, more: Record<string, string> = {}): Promise<Pod> => {
  await scene.create(aDeployment({ annotations: { ...annotations, ...more } }));
  await scene.create(aBudget({ maxUnavailable: 0 }));
  const pod = await scene.one('web');
  await budgetInForce(scene.admin, scene.namespace, 'web');
  await warn(scene.admin, pod, { leftSeconds: 150 });
  await scene.entry(pod, ({ phase }) => phase === 'Blocked');
  return pod;
};

test.concurrent('a blocked pod is evicted as soon as its budget allows it', async ({ expect }) => {
  const scene = await aScene();
  const pod = await aBlockedPod(scene);
  const freedAtMs = Date.now();
  await scene.patch('PodDisruptionBudget', 'web', { spec: { maxUnavailable: 1 } });
  const { evictedAt } = await scene.entry(pod, (entry) => entry.evictedAt !== undefined);
  expect(Date.parse(evictedAt ?? '') - freedAtMs).toBeLessThan(soonMs);
  expect((await scene.entry(pod, ({ phase }) => phase === 'Done')).outcome).toBe('Replaced');
});

test.concurrent('a blocked pod is evicted as soon as its budget is deleted', async ({ expect }) => {
  const scene = await aScene();
  const pod = await aBlockedPod(scene);
  const freedAtMs = Date.now();
  await scene.delete('PodDisruptionBudget', 'web');
  const { evictedAt } = await scene.entry(pod, (entry) => entry.evictedAt !== undefined);
  expect(Date.parse(evictedAt ?? '') - freedAtMs).toBeLessThan(soonMs);
});

test.concurrent(
  'a blocked pod is evicted as soon as a sibling is Ready, and never before',
  async ({ expect }) => {
    const scene = await aScene();
    await scene.create(
      aDeployment({ replicas: 3, annotations: { ...annotations, ...sim({ 'ready-after': '4s' }) } }),
    );
    await scene.create(aBudget({ minAvailable: 2 }));
    const pods = await scene.ready('web', 3);
    await budgetInForce(scene.admin, scene.namespace, 'web');
    const budget = watchBudget(scene, 'web');
    await Promise.all(pods.map((pod) => warn(scene.admin, pod, { leftSeconds: 150 })));
    const { interruption } = await scene.statusWith(({ interruption }) => interruption?.blocked === 2);
    expect(interruption).toMatchObject({ active: 3 });
    const ended = await Promise.all(pods.map((pod) => scene.entry(pod, ({ phase }) => phase === 'Done')));
    budget.stop();
    expect(ended.map(({ outcome }) => outcome)).toEqual(['Replaced', 'Replaced', 'Replaced']);
    expect(Math.min(...budget.seen.map(({ currentHealthy }) => currentHealthy))).toBe(2);
    const evictedAt = ended.map((entry) => Date.parse(entry.evictedAt ?? '')).toSorted((a, b) => a - b);
    // Each waits for the successor of the one before, which takes 4 s to be Ready; times are whole seconds.
    expect((evictedAt[1] ?? 0) - (evictedAt[0] ?? 0)).toBeGreaterThanOrEqual(4_000);
    expect((evictedAt[2] ?? 0) - (evictedAt[1] ?? 0)).toBeGreaterThanOrEqual(4_000);
    const { interruption: after } = await scene.statusWith((status) => status.interruption?.active === 0);
    expect(after).toEqual({ active: 0, blocked: 0, awaitingReplacement: 0 });
  },
);

test.concurrent('a budget that cannot be computed is said to be so at once', async ({ expect }) => {
  const scene = await aScene({ jobPods: 'Immediately' });
  await scene.create(aJob({ annotations, graceSeconds: 1, ignoresDisruption: true }));
  // A Job has no scale subresource, so a budget of this form fails for ever.
  await scene.create(aBudget({ maxUnavailable: 1 }, 'batch'));
  const pod = await scene.one('batch');
  const failing = watchBudget(scene, 'batch');
  await warn(scene.admin, pod, { leftSeconds: 14 });
  const { message } = await scene.entry(
    pod,
    (entry) => entry.message?.includes('cannot be computed') === true,
  );
  failing.stop();
  expect(message).toMatch(
    /^budget batch cannot be computed: .*scale subresource.*; deleted gracefully at the deadline$/,
  );
  expect(failing.seen.map(({ disruptionsAllowed }) => disruptionsAllowed)).not.toContain(1);
  expect((await scene.entry(pod, ({ phase }) => phase === 'Done')).outcome).toBe('Forced');
});

test.concurrent(
  'a pod that is not Ready is evicted although its budget has nothing to give',
  async ({ expect }) => {
    const scene = await aScene();
    await scene.create(aDeployment({ replicas: 2, annotations }));
    await scene.create(aBudget({ minAvailable: 1 }));
    const [doomed = {}, sibling = {}] = await scene.ready('web', 2);
    await budgetInForce(scene.admin, scene.namespace, 'web');
    const unready = { conditions: [{ type: 'Ready', status: 'False', reason: 'Probe' }] };
    const path = `/api/v1/namespaces/${scene.namespace}/pods/${doomed.metadata?.name}/status`;
    await scene.admin.patch(path, { status: unready }, 'strategic');
    await scene.budgetWith('web', ({ disruptionsAllowed }) => disruptionsAllowed === 0);
    const warnedAtMs = Date.now();
    await warn(scene.admin, doomed, { leftSeconds: 150 });
    const { outcome, evictedAt } = await scene.entry(doomed, ({ phase }) => phase === 'Done');
    expect(outcome).toBe('Replaced');
    expect(Date.parse(evictedAt ?? '') - warnedAtMs).toBeLessThan(soonMs);
    expect((await scene.ready('web', 2)).map(uidOf)).toContain(uidOf(sibling));
  },
);
