import type { Deployment } from 'kubernetes-types/apps/v1.js';
import type { PodSpec } from 'kubernetes-types/core/v1.js';
import { test } from 'vitest';
import { aDeployment } from '../../builders/workloads.ts';
import { waitFor } from '../harness/cluster.ts';
import { atEndOfFile } from '../harness/endings.ts';
import { pathTo } from '../harness/objects.ts';
import { warn } from '../harness/platform.ts';
import { sim, spotAnnotations } from '../harness/pods.ts';
import { aQuotaInForce } from '../harness/quota.ts';
import { aScene, followOwners, type Scene } from '../harness/scene.ts';

interface Obstacle {
  readonly because: string | RegExp;
  readonly spec?: Partial<NonNullable<Deployment['spec']>>;
  readonly pod?: Partial<PodSpec>;
  /** What is there before it. */
  readonly before?: (scene: Scene) => Promise<unknown>;
  /** What happens once the pod is Ready. */
  readonly then?: (scene: Scene) => Promise<unknown>;
}

/** A claim on a volume of its own, which only one node may use. */
const aClaim = async ({ admin, namespace, create }: Scene): Promise<void> => {
  const capacity = { storage: '1Gi' };
  const spec = { accessModes: ['ReadWriteOnce'], storageClassName: '' };
  const path = '/api/v1/persistentvolumes';
  const hostPath = { path: '/data' };
  await admin.post(path, {
    ...{ apiVersion: 'v1', kind: 'PersistentVolume', metadata: { name: namespace } },
    spec: { ...spec, capacity, hostPath, persistentVolumeReclaimPolicy: 'Delete' },
  });
  atEndOfFile(() => admin.delete(`${path}/${namespace}`).catch(() => {}));
  await create({
    ...{ apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: { name: 'data' } },
    spec: { ...spec, volumeName: namespace, resources: { requests: capacity } },
  });
};

const apartBy = (topologyKey: string): Partial<PodSpec> => ({
  affinity: {
    podAntiAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: [
        { topologyKey, labelSelector: { matchLabels: { app: 'web' } } },
      ],
    },
  },
});

const obstacles: Readonly<Record<string, Obstacle>> = {
  'strategy Recreate': {
    spec: { strategy: { type: 'Recreate' } },
    because: 'Deployment web allows no pod more than it wants',
  },
  'maxSurge 0': {
    spec: { strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 0, maxUnavailable: 1 } } },
    because: 'Deployment web allows no pod more than it wants',
  },
  'a required anti-affinity to pods like itself in its region': {
    pod: apartBy('topology.kubernetes.io/region'),
    because:
      'its anti-affinity keeps a second one like it away, and no virtual node has a free topology.kubernetes.io/region',
  },
  'a quota that is exhausted': {
    before: (scene) => aQuotaInForce(scene, 'small', { pods: '1' }),
    because: 'quota small has no room for its pods',
  },
  'a volume that one node may use': {
    before: aClaim,
    pod: { volumes: [{ name: 'data', persistentVolumeClaim: { claimName: 'data' } }] },
    because: 'only one node may use its PersistentVolumeClaim data',
  },
  'a rollout under way': {
    then: (scene) =>
      scene.patch('Deployment', 'web', {
        spec: {
          template: { metadata: { annotations: { turn: 'second', ...sim({ 'ready-after': '900s' }) } } },
        },
      }),
    because: /^.*not replaced first: ReplicaSet web-\w+ is not the current one of Deployment web/,
  },
};

test.concurrent.for(Object.entries(obstacles))(
  'a pod with %s is evicted as it is, and the status says why',
  async ([, { because, spec, pod: podSpec, before, then }], { expect }) => {
    const scene = await aScene({ replacement: 'BeforeEviction' });
    await before?.(scene);
    const { spec: wanted, ...deployment } = aDeployment({ annotations: spotAnnotations });
    if (!wanted) throw new Error('the builder gives a spec');
    const template = { ...wanted.template, spec: { ...wanted.template.spec, ...podSpec } };
    await scene.create({ ...deployment, spec: { ...wanted, ...spec, template } });
    const pod = await scene.one('web');
    if (then) {
      await then(scene);
      await waitFor('the second revision', async () => {
        const { metadata } = await scene.admin.get<Deployment>(pathTo('Deployment', scene.namespace, 'web'));
        return metadata?.annotations?.['deployment.kubernetes.io/revision'] === '2';
      });
    }
    const owners = await followOwners(scene, pod);
    await warn(scene.admin, pod, { leftSeconds: 150 });
    const { message } = await scene.entry(pod, ({ evictedAt }) => evictedAt !== undefined);
    expect(message).toMatch(
      because instanceof RegExp ? because : new RegExp(`not replaced first: ${because}`),
    );
    expect(owners()).toEqual(['ReplicaSet']);
  },
);

const crowded: Readonly<Record<string, Partial<PodSpec>>> = {
  'keeps pods like itself off its node': apartBy('kubernetes.io/hostname'),
  'uses a port of its node': {
    containers: [{ name: 'main', image: 'example/main:1', ports: [{ containerPort: 80, hostPort: 80 }] }],
  },
};

test.concurrent.for(Object.entries(crowded))(
  'a pod that %s is replaced first on another one, beside quotas that are not about it',
  async ([, podSpec], { expect }) => {
    const scene = await aScene({ replacement: 'BeforeEviction' });
    await scene.create({
      ...{ apiVersion: 'v1', kind: 'ResourceQuota', metadata: { name: 'batch' } },
      spec: { hard: { pods: '0' }, scopes: ['Terminating'] },
    });
    const { spec: wanted, ...deployment } = aDeployment({ annotations: spotAnnotations });
    if (!wanted) throw new Error('the builder gives a spec');
    const template = { ...wanted.template, spec: { ...wanted.template.spec, ...podSpec } };
    await scene.create({ ...deployment, spec: { ...wanted, template } });
    const pod = await scene.one('web');
    await warn(scene.admin, pod, { leftSeconds: 150 });
    const { message, replacement } = await scene.entry(pod, ({ evictedAt }) => evictedAt !== undefined);
    expect(message).not.toContain('not replaced first');
    expect(replacement?.readyAt).toBeDefined();
  },
);
