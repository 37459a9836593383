import type { Deployment } from 'kubernetes-types/apps/v1.js';
import type { Pod } from 'kubernetes-types/core/v1.js';
import type { EndpointSlice } from 'kubernetes-types/discovery/v1.js';
import type { PodDisruptionBudget } from 'kubernetes-types/policy/v1.js';
import { test } from 'vitest';
import { aBudget, aDeployment } from '../../builders/workloads.ts';
import { waitFor } from '../harness/cluster.ts';
import { budgetInForce, pathTo, podsOf } from '../harness/objects.ts';
import { warn } from '../harness/platform.ts';
import { sim, spotAnnotations } from '../harness/pods.ts';
import { aQuotaInForce } from '../harness/quota.ts';
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

/** The most pods out of a ReplicaSet that lived at any version which the API server had of them, and how many there ever were. */
const detachedIn = (seen: readonly Pod[]): { most: number; ever: number } => {
  const out = new Set<string>();
  const ever = new Set<string>();
  const counts = seen.map((pod) => {
    const isOut = pod.metadata?.ownerReferences?.some(({ kind }) => kind === 'Deployment');
    if (isOut) ever.add(uidOf(pod));
    if (isOut && pod.metadata?.deletionTimestamp === undefined) out.add(uidOf(pod));
    else out.delete(uidOf(pod));
    return out.size;
  });
  return { most: Math.max(0, ...counts), ever: ever.size };
};

test.concurrent(
  'of four pods that are warned at once, one is replaced first where a quota has room for one more',
  async ({ expect }) => {
    const scene = await aScene({ replacement: 'BeforeEviction' });
    await aQuotaInForce(scene, 'small', { pods: '5' });
    await scene.create(aDeployment({ replicas: 4, annotations: spotAnnotations }));
    const pods = await scene.ready('web', 4);
    const watched = watchPods(scene);
    await waitFor('all four', () => watched.seen.length >= 4);
    await Promise.all(pods.map((pod) => warn(scene.admin, pod, { leftSeconds: 150 })));
    const evicted = await Promise.all(
      pods.map((pod) => scene.entry(pod, ({ evictedAt }) => evictedAt !== undefined)),
    );
    watched.stop();
    expect(detachedIn(watched.seen)).toEqual({ most: 1, ever: 1 });
    const plain = evicted.filter(({ message }) => message?.includes('not replaced first'));
    for (const { message } of plain) expect(message).toContain('quota small has no room for its pods');
    expect(plain).toHaveLength(3);
  },
);

test.concurrent(
  'pods that are warned at once are replaced one after the other where the policy keeps to a maxSurge of 1',
  async ({ expect }) => {
    const scene = await aScene({ replacement: 'BeforeEviction', surge: 'AsWorkload' });
    await aQuotaInForce(scene, 'small', { pods: '4' });
    await scene.create(aDeployment({ replicas: 3, annotations: spotAnnotations, graceSeconds: 1 }));
    const pods = await scene.ready('web', 3);
    const watched = watchPods(scene);
    const listed = await waitFor('all three', () => watched.seen.length >= 3 && watched.seen.length);
    await Promise.all(pods.map((pod) => warn(scene.admin, pod, { leftSeconds: 150 })));
    const ended = await Promise.all(
      pods.map((pod) => scene.entry(pod, ({ phase }) => phase === 'Done', 120_000)),
    );
    watched.stop();
    expect(ended.map(({ outcome }) => outcome)).toEqual(['Replaced', 'Replaced', 'Replaced']);
    expect(detachedIn(watched.seen)).toEqual({ most: 1, ever: 3 });
    expect(fewestServing(watched.seen, listed - 1)).toBe(3);
  },
);
