import type { Deployment } from 'kubernetes-types/apps/v1.js';
import type { Pod } from 'kubernetes-types/core/v1.js';
import { expect as expectThat, test } from 'vitest';
import { RestError } from '../../../hack/cluster/client.ts';
import { nodeObject, virtualNodes, virtualNodeTaint } from '../../../hack/cluster/nodes.ts';
import { aBudget, aDeployment } from '../../builders/workloads.ts';
import { waitFor } from '../harness/cluster.ts';
import { atEndOfFile } from '../harness/endings.ts';
import { budgetInForce, isReady, pathTo, podsOf } from '../harness/objects.ts';
import { warn } from '../harness/platform.ts';
import { conditionOf, sim, spotAnnotations } from '../harness/pods.ts';
import { aScene, followOwners, isGone, type Scene, uidOf } from '../harness/scene.ts';

const readyAfter = (delay: string) => ({ ...spotAnnotations, ...sim({ 'ready-after': delay }) });

interface Detached {
  readonly scene: Scene;
  readonly pod: Pod;
}

/** The instance of the only pod of a scene becomes Ready now, whatever it was told. */
const becomesReady = async ({ admin, namespace }: Scene): Promise<void> => {
  const path = await waitFor('the pod to start', async () => {
    const [pod] = await podsOf(admin, namespace, 'web');
    return (
      pod?.metadata?.annotations?.['sim.spotpolicy.dev/ready-at'] &&
      pathTo('Pod', namespace, pod.metadata.name)
    );
  });
  await admin.patch(path, { metadata: { annotations: sim({ 'ready-at': new Date().toISOString() }) } });
};

/** The Ready pod of a Deployment under a budget that allows nothing, taken out of its ReplicaSet. */
const aDetachedPod = async (deployment: Deployment, leftSeconds = 150): Promise<Detached> => {
  const scene = await aScene({ replacement: 'BeforeEviction' });
  await scene.create(deployment);
  await scene.create(aBudget({ maxUnavailable: 0 }));
  await becomesReady(scene);
  const pod = await scene.one('web');
  await budgetInForce(scene.admin, scene.namespace, 'web');
  await warn(scene.admin, pod, { leftSeconds });
  await scene.entry(pod, ({ phase }) => phase === 'Replacing');
  await waitFor('the pod to be out of its ReplicaSet', () => isOut({ scene, pod }));
  return { scene, pod };
};

const isOut = async ({ scene, pod }: Detached): Promise<boolean> => {
  const [owner] = (await scene.find(pod))?.metadata?.ownerReferences ?? [];
  return owner?.kind === 'Deployment' && owner.controller === true;
};

/** Nothing of the detaching is to be seen any more: the Deployment has so many pods and no other. */
const nothingIsLeft = async ({ scene, pod }: Detached, count = 1): Promise<void> => {
  await isGone(scene, pod);
  const pods = await waitFor(`${count} pods and no other`, async () => {
    const found = await podsOf(scene.admin, scene.namespace, 'web');
    return found.length === count && found;
  });
  expectThat(pods.filter(({ metadata }) => metadata?.labels?.['spotpolicy.dev/reclaiming'])).toEqual([]);
};

const ended = ({ scene, pod }: Detached) => scene.entry(pod, ({ phase }) => phase === 'Done');

const scale = ({ admin, namespace }: Scene, replicas: number): Promise<unknown> =>
  admin.patch(`${pathTo('Deployment', namespace, 'web')}/scale`, { spec: { replicas } });

/** Gives the pods of Deployment `web` other annotations: the next revision, or one that was there before. */
const rollOut = ({ patch }: Scene, annotations: Record<string, string | null>): Promise<unknown> =>
  patch('Deployment', 'web', { spec: { template: { metadata: { annotations } } } });

const turned = ({ metadata }: Pod): boolean => metadata?.annotations?.['turn'] === 'second';

test.concurrent.for(['scaled to zero', 'deleted', 'deleted in the foreground'])(
  'a pod that waits for its replacement goes at once when its Deployment is %s',
  async (how, { expect }) => {
    const detached = await aDetachedPod(aDeployment({ annotations: readyAfter('900s') }));
    const { scene } = detached;
    if (how === 'scaled to zero') await scale(scene, 0);
    else if (how === 'deleted') await scene.delete('Deployment', 'web');
    else
      await scene.admin.delete(pathTo('Deployment', scene.namespace, 'web'), {
        propagationPolicy: 'Foreground',
      });
    await nothingIsLeft(detached, 0);
    expect((await ended(detached)).outcome).toBe('NotNeeded');
    expect((await scene.status()).totals).toMatchObject({ forced: 0, missed: 0 });
  },
);

test.concurrent(
  'an autoscaler that wants more pods meanwhile gets them, and the doomed one goes',
  async ({ expect }) => {
    const detached = await aDetachedPod(aDeployment({ annotations: readyAfter('20s') }));
    await scale(detached.scene, 3);
    expect(await isOut(detached)).toBe(true);
    expect((await ended(detached)).outcome).toBe('Replaced');
    await nothingIsLeft(detached, 3);
    await detached.scene.ready('web', 3);
  },
);

test.concurrent(
  'an autoscaler that wants fewer pods meanwhile has them, and those that serve are enough',
  async ({ expect }) => {
    const scene = await aScene({ replacement: 'BeforeEviction' });
    await scene.create(aDeployment({ replicas: 3, annotations: readyAfter('12s') }));
    await scene.create(aBudget({ maxUnavailable: 0 }));
    const [pod] = (await scene.ready('web', 3)) as [Pod];
    await budgetInForce(scene.admin, scene.namespace, 'web');
    await warn(scene.admin, pod, { leftSeconds: 150 });
    await scene.entry(pod, ({ phase }) => phase === 'Replacing');
    await scale(scene, 2);
    await isGone(scene, pod);
    await scene.entry(pod, ({ phase }) => phase === 'Done');
    const living = await scene.ready('web', 2);
    expect(living.map(uidOf)).not.toContain(uidOf(pod));
  },
);

test.concurrent('a rollout that begins meanwhile ends, and its pod takes the place', async ({ expect }) => {
  // The ReplicaSet's own replacement is never Ready: only the next revision's is.
  const detached = await aDetachedPod(aDeployment({ annotations: readyAfter('900s') }));
  const { scene, pod } = detached;
  await rollOut(scene, { ...readyAfter('2s'), turn: 'second' });
  const { outcome, replacement } = await ended(detached);
  expect(outcome).toBe('Replaced');
  await nothingIsLeft(detached);
  const living = await waitFor('the rollout to end', async () => {
    const [only, ...others] = await podsOf(scene.admin, scene.namespace, 'web');
    return only && others.length === 0 && turned(only) && isReady(only) && only;
  });
  expect(uidOf(living)).toBe(replacement?.uid);
  expect(uidOf(living)).not.toBe(uidOf(pod));
});

test.concurrent(
  'a rollout that begins meanwhile and is rolled back leaves the replacement that was begun before it',
  async ({ expect }) => {
    const detached = await aDetachedPod(aDeployment({ annotations: readyAfter('12s') }));
    const { scene } = detached;
    await rollOut(scene, { ...readyAfter('900s'), turn: 'second' });
    await waitFor('a pod of the next revision', async () =>
      (await podsOf(scene.admin, scene.namespace, 'web')).some(turned),
    );
    await rollOut(scene, { ...readyAfter('12s'), turn: null });
    const { outcome, replacement } = await ended(detached);
    expect(outcome).toBe('Replaced');
    await nothingIsLeft(detached);
    const living = await scene.one('web');
    expect(uidOf(living)).toBe(replacement?.uid);
    expect(turned(living)).toBe(false);
  },
);

test.concurrent(
  'a pod of a paused Deployment is replaced first, by one like it and not by the next revision',
  async ({ expect }) => {
    const scene = await aScene({ replacement: 'BeforeEviction' });
    await scene.create(aDeployment({ annotations: readyAfter('2s') }));
    await scene.create(aBudget({ maxUnavailable: 0 }));
    const pod = await scene.one('web');
    await budgetInForce(scene.admin, scene.namespace, 'web');
    await scene.patch('Deployment', 'web', { spec: { paused: true } });
    await rollOut(scene, { turn: 'second' });
    await warn(scene.admin, pod, { leftSeconds: 150 });
    const { outcome, replacement } = await ended({ scene, pod });
    expect(outcome).toBe('Replaced');
    expect((await scene.status()).totals).toMatchObject({ evicted: 1, forced: 0 });
    await nothingIsLeft({ scene, pod });
    const living = await scene.one('web');
    expect(uidOf(living)).toBe(replacement?.uid);
    expect(turned(living)).toBe(false);
    const { spec } = await scene.admin.get<Deployment>(pathTo('Deployment', scene.namespace, 'web'));
    expect(spec).toMatchObject({ paused: true, replicas: 1 });
  },
);

test.concurrent('a pod that somebody deletes while it waits is Replaced all the same', async ({ expect }) => {
  const detached = await aDetachedPod(aDeployment({ annotations: readyAfter('20s') }));
  const { scene, pod } = detached;
  await scene.delete('Pod', pod.metadata?.name ?? '');
  const { outcome, replacement } = await ended(detached);
  expect(outcome).toBe('Replaced');
  expect(replacement?.uid).toBe(uidOf(await scene.one('web')));
  expect((await scene.status()).totals).toMatchObject({ noticed: 1, evicted: 0, replaced: 1 });
});

test.concurrent(
  'a pod whose replacement is not Ready in time is deleted with its grace period before the deadline',
  async ({ expect }) => {
    const scene = await aScene({ replacement: 'BeforeEviction' });
    await scene.create(aDeployment({ annotations: readyAfter('900s'), graceSeconds: 10 }));
    await scene.create(aBudget({ maxUnavailable: 0 }));
    await becomesReady(scene);
    const pod = await scene.one('web');
    await budgetInForce(scene.admin, scene.namespace, 'web');
    const { deadlineMs } = await warn(scene.admin, pod, { leftSeconds: 45 });
    await scene.entry(pod, ({ phase }) => phase === 'Replacing');
    const { message } = await scene.entry(pod, ({ phase }) => phase === 'Blocked');
    expect(message).toContain('budget web allows no disruption now: it has 1 healthy pods and needs 1');
    await isGone(scene, pod);
    const { evictedAt } = await scene.entry(pod, ({ outcome }) => outcome === 'Forced');
    expect(Date.parse(evictedAt ?? '')).toBeLessThan(deadlineMs);
    const { totals } = await scene.statusWith((status) => status.totals?.forced === 1);
    expect(totals).toMatchObject({ evicted: 0, missed: 0 });
  },
);

test.concurrent(
  'a pod whose replacement no node takes serves as long as it can, and is then put back and evicted as it is',
  async ({ expect }) => {
    const scene = await aScene({ replacement: 'BeforeEviction' });
    const name = `${scene.namespace}-node`;
    const [like] = virtualNodes as [(typeof virtualNodes)[number]];
    // Nobody else's pods may come here, such as those that a DaemonSet of another test counts.
    const taints = [virtualNodeTaint, { key: name, effect: 'NoSchedule' }];
    await scene.admin.post('/api/v1/nodes', { ...nodeObject({ ...like, name }), spec: { taints } });
    atEndOfFile(() => scene.admin.delete(`/api/v1/nodes/${name}`).catch(() => {}));
    const deployment = aDeployment({ annotations: spotAnnotations });
    const podSpec = deployment.spec?.template.spec;
    if (!podSpec) throw new Error('the builder gives a pod spec');
    podSpec.nodeSelector = { 'kubernetes.io/hostname': name };
    podSpec.tolerations = [...(podSpec.tolerations ?? []), { key: name, operator: 'Exists' }];
    await scene.create(deployment);
    const pod = await scene.one('web');
    await scene.admin.patch(`/api/v1/nodes/${name}`, { spec: { unschedulable: true } });
    const owners = await followOwners(scene, pod);
    // Of its time, 20 s before the last 15 are kept for going without a replacement.
    const { deadlineMs } = await warn(scene.admin, pod, { leftSeconds: 60 });
    await scene.entry(pod, ({ message = '' }) => /web-\S+ waits, no node takes it/.test(message));
    await isGone(scene, pod);
    expect(owners()).toEqual(['ReplicaSet', 'Deployment', 'ReplicaSet']);
    const { message, evictedAt = '' } = await scene.entry(pod, (entry) => entry.evictedAt !== undefined);
    expect(message).toMatch(/not replaced first: web-\S+ had no place in time: no node takes it/);
    expect(Date.parse(evictedAt)).toBeGreaterThanOrEqual(deadlineMs - 36_000);
    await scene.admin.patch(`/api/v1/nodes/${name}`, { spec: { unschedulable: false } });
    expect((await scene.entry(pod, ({ phase }) => phase === 'Done')).outcome).toBe('Replaced');
    expect(conditionOf(await scene.one('web'), 'PodScheduled')?.status).toBe('True');
  },
);

/** Admission refuses every further pod of the namespace. */
const forbidMorePods = async ({ admin, namespace, create, find }: Scene, pod: Pod): Promise<void> => {
  const limits = [{ type: 'Pod', max: { memory: '1' } }];
  await create({ apiVersion: 'v1', kind: 'LimitRange', metadata: { name: 'none' }, spec: { limits } });
  const { spec } = (await find(pod)) ?? {};
  const probe = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'probe' },
    spec: { ...spec, nodeName: '' },
  };
  await waitFor('admission to refuse pods', () =>
    admin.post(`${pathTo('Pod', namespace)}?dryRun=All`, probe).then(
      () => false,
      (error: unknown) => error instanceof RestError && error.status === 403,
    ),
  );
};

test.concurrent(
  'a pod whose ReplicaSet turns out to be unable to create another is put back and evicted as it is',
  async ({ expect }) => {
    const scene = await aScene({ replacement: 'BeforeEviction' });
    await scene.create(aDeployment({ annotations: spotAnnotations }));
    const pod = await scene.one('web');
    await forbidMorePods(scene, pod);
    const owners = await followOwners(scene, pod);
    await warn(scene.admin, pod, { leftSeconds: 150 });
    await isGone(scene, pod);
    expect(owners()).toEqual(['ReplicaSet', 'Deployment', 'ReplicaSet']);
    const { message } = await scene.entry(pod, ({ evictedAt }) => evictedAt !== undefined);
    expect(message).toMatch(/not replaced first: ReplicaSet web-\w+ cannot create pods/);
    await scene.delete('LimitRange', 'none');
  },
);
