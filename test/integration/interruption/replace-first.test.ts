import type { Deployment } from 'kubernetes-types/apps/v1.js';
import type { EndpointSlice } from 'kubernetes-types/discovery/v1.js';
import type { PodDisruptionBudget } from 'kubernetes-types/policy/v1.js';
import { test } from 'vitest';
import { aBudget, aDeployment } from '../../builders/workloads.ts';
import { waitFor } from '../harness/cluster.ts';
import { budgetInForce, pathTo, podsOf } from '../harness/objects.ts';
import { warn } from '../harness/platform.ts';
import { sim, spotAnnotations } from '../harness/pods.ts';
import {
  aScene,
  eventsUpTo,
  fewestServing,
  isGone,
  type Scene,
  timesTold,
  uidOf,
  watchAll,
  watchPods,
} from '../harness/scene.ts';

const slow = { ...spotAnnotations, ...sim({ 'ready-after': '8s' }) };

const aService = {
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'web' },
  spec: { selector: { app: 'web' }, ports: [{ port: 80 }] },
};

const generationsOf = async ({ admin, namespace }: Scene) => {
  const budget = await admin.get<PodDisruptionBudget>(pathTo('PodDisruptionBudget', namespace, 'web'));
  const deployment = await admin.get<Deployment>(pathTo('Deployment', namespace, 'web'));
  return [budget.metadata?.generation, deployment.metadata?.generation];
};

const readyEndpoints = ({ endpoints }: EndpointSlice): number =>
  (endpoints ?? []).filter(({ conditions }) => conditions?.ready).length;

test.concurrent.for([{ maxUnavailable: 0 }, { minAvailable: 1 }, { minAvailable: '100%' }])(
  'the only pod of a Deployment under %o goes when another one is Ready, and nothing else is touched',
  async (allowance, { expect }) => {
    const scene = await aScene({ replacement: 'BeforeEviction' });
    await scene.create(aService);
    await scene.create(aDeployment({ annotations: slow }));
    await scene.create(aBudget(allowance));
    const pod = await scene.one('web');
    await budgetInForce(scene.admin, scene.namespace, 'web');
    const before = await generationsOf(scene);
    const slices = watchAll<EndpointSlice>(scene, 'EndpointSlice');
    const first = await waitFor('an endpoint', () => {
      const at = slices.seen.findIndex((slice) => readyEndpoints(slice) > 0);
      return at >= 0 && { at };
    });
    await warn(scene.admin, pod, { leftSeconds: 150 });
    await scene.entry(pod, ({ phase }) => phase === 'Replacing');
    const { outcome, replacement } = await scene.entry(pod, ({ phase }) => phase === 'Done');
    await isGone(scene, pod);
    slices.stop();

    expect(outcome).toBe('Replaced');
    const [living, ...others] = await podsOf(scene.admin, scene.namespace, 'web');
    expect(others).toEqual([]);
    expect(replacement?.uid).toBe(living && uidOf(living));
    expect(living?.metadata?.labels).not.toHaveProperty('spotpolicy.dev/reclaiming');
    expect(living?.metadata?.annotations).not.toHaveProperty('spotpolicy.dev/interruption');
    const samples = slices.seen.slice(first.at).map(readyEndpoints);
    expect([samples.length > 1, Math.min(...samples)]).toEqual([true, 1]);
    expect(await generationsOf(scene)).toEqual(before);
    const events = await scene.admin.list<{ reason: string }>(pathTo('Event', scene.namespace));
    expect(events.map(({ reason }) => reason)).not.toContain('UnmanagedPods');
    expect((await scene.status()).totals).toMatchObject({ noticed: 1, evicted: 1, replaced: 1, forced: 0 });
    const told = await eventsUpTo(scene, pod, 'PodEvicted');
    const reasons = ['ReplacementStarted', 'EvictionBlocked', 'PodEvicted'];
    expect(reasons.map((reason) => timesTold(told, reason))).toEqual([1, 0, 1]);
  },
);

test.concurrent.for([{ maxUnavailable: 1 }, undefined])(
  'of ten pods that are warned at once under %o ten serve at every moment',
  async (allowance, { expect }) => {
    const scene = await aScene({ replacement: 'BeforeEviction' });
    await scene.create(aDeployment({ replicas: 10, annotations: slow }));
    if (allowance) await scene.create(aBudget(allowance));
    const pods = await scene.ready('web', 10);
    if (allowance) await budgetInForce(scene.admin, scene.namespace, 'web');
    const watched = watchPods(scene);
    const listed = await waitFor('all ten', () => watched.seen.length >= 10 && watched.seen.length);
    await Promise.all(pods.map((pod) => warn(scene.admin, pod, { leftSeconds: 150 })));
    const ended = await Promise.all(pods.map((pod) => scene.entry(pod, ({ phase }) => phase === 'Done')));
    watched.stop();
    expect(ended.map(({ outcome }) => outcome)).toEqual(pods.map(() => 'Replaced'));
    expect(new Set(ended.map(({ replacement }) => replacement?.uid)).size).toBe(10);
    expect(fewestServing(watched.seen, listed - 1)).toBe(10);
    expect((await scene.status()).totals).toMatchObject({ noticed: 10, evicted: 10, replaced: 10 });
  },
);
