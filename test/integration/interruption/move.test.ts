import type { Pod } from 'kubernetes-types/core/v1.js';
import type { OwnerReference } from 'kubernetes-types/meta/v1.js';
import { afterAll, beforeAll, type ExpectStatic, test } from 'vitest';
import { installation } from '../../../cdk8s/operator-chart.ts';
import { createKube } from '../../../operator/kube/client.ts';
import type { Kube } from '../../../operator/kube/kube.ts';
import { perform } from '../../../operator/interruption/effects.ts';
import type { Effect } from '../../../operator/interruption/look.ts';
import { markOf } from '../../../operator/interruption/mark.ts';
import type { Answer } from '../../../operator/interruption/settle.ts';
import { anInterruption } from '../../builders/interruption.ts';
import { aDeployment } from '../../builders/workloads.ts';
import { aNamespace, sharedCluster } from '../harness/cluster.ts';
import { create, pathTo, readyPods } from '../harness/objects.ts';
import { sim } from '../harness/pods.ts';
import { uidOf } from '../harness/scene.ts';

let kube: Kube;
beforeAll(async () => {
  // With the operator's own rights, and no more.
  const { namespace, name: serviceAccount } = installation;
  const kubeconfig = await (await sharedCluster()).kubeconfigFor({ namespace, serviceAccount });
  kube = createKube({ kubeconfig, connections: 8, version: 'test' });
});
afterAll(() => kube.close());

/** A Ready pod of a Deployment, and the calls that take it out of its ReplicaSet and put it back. */
const aMovable = async () => {
  const { admin } = await sharedCluster();
  const namespace = await aNamespace();
  const deployment = await create(
    admin,
    namespace,
    aDeployment({ annotations: sim({ 'stop-after': '20s', 'ready-after': '4s' }) }),
  );
  const [pod] = (await readyPods(admin, namespace, 'web', 1)) as [Pod];
  const [owner] = pod.metadata?.ownerReferences ?? [];
  const origin = { name: owner?.name ?? '', uid: owner?.uid ?? '' };
  const to = { name: 'web', uid: uidOf(deployment) };
  const workload = { group: 'apps', kind: 'Deployment', namespace, ...to };
  const interruption = anInterruption({
    uid: uidOf(pod),
    namespace,
    name: pod.metadata?.name ?? '',
    workload,
  });
  const detached = { origin, atMs: Date.now(), ready: 1 };
  const mark = markOf({ ...interruption, detached });
  const call = (effect: Effect, of = interruption): Promise<Answer> =>
    perform(of, effect, { kube, nowMs: Date.now, signal: new AbortController().signal });
  const detach = { kind: 'Detach', deployment: to, detached, mark } satisfies Effect;
  return {
    ...{ admin, interruption, origin, detach, call },
    attach: { kind: 'Attach', origin, because: '', mark: markOf(interruption) } satisfies Effect,
    pod: () => admin.get<Pod>(pathTo('Pod', namespace, interruption.name)),
    /** Puts another owner before all that the pod has. */
    addOwner: async (name: string) => {
      // The garbage collector takes away references to what is not there.
      const note = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name } };
      const uid = uidOf(await admin.post(`/api/v1/namespaces/${namespace}/configmaps`, note));
      const path = pathTo('Pod', namespace, interruption.name);
      const { metadata } = await admin.get<Pod>(path);
      const owner = { apiVersion: 'v1', kind: 'ConfigMap', name, uid };
      await admin.patch(path, {
        metadata: { ownerReferences: [owner, ...(metadata?.ownerReferences ?? [])] },
      });
    },
    end: () => admin.delete(pathTo('Pod', namespace, interruption.name)),
  };
};

const isUntouched = (expect: ExpectStatic, before: Pod, after: Pod): void => {
  expect(after.metadata?.ownerReferences).toEqual(before.metadata?.ownerReferences);
  expect(after.metadata?.labels).toEqual(before.metadata?.labels);
  const key = 'spotpolicy.dev/interruption';
  expect(after.metadata?.annotations?.[key]).toBe(before.metadata?.annotations?.[key]);
};

test.concurrent(
  'a pod is taken out of its ReplicaSet and put back as it was, but for its mark and blockOwnerDeletion',
  async ({ expect }) => {
    const { pod, call, detach, attach } = await aMovable();
    const before = await pod();
    expect(await call(detach)).toEqual({ kind: 'Done' });
    const out = await pod();
    expect(out.metadata?.ownerReferences).toMatchObject([
      { kind: 'Deployment', name: 'web', controller: true },
    ]);
    expect(out.metadata?.labels).toEqual({ ...before.metadata?.labels, 'spotpolicy.dev/reclaiming': 'true' });
    expect(await call(attach)).toEqual({ kind: 'Done' });
    const back = await pod();
    const owners: readonly OwnerReference[] = before.metadata?.ownerReferences ?? [];
    expect(owners.map(({ blockOwnerDeletion }) => blockOwnerDeletion)).toEqual([true]);
    expect(back.metadata?.ownerReferences).toEqual(
      owners.map(({ blockOwnerDeletion: _, ...owner }) => owner),
    );
    expect(back.metadata?.labels).toEqual(before.metadata?.labels);
  },
);

test.concurrent(
  'a pod whose controller is not its first owner is moved, wherever the controller stands meanwhile',
  async ({ expect }) => {
    const { pod, call, detach, attach, addOwner } = await aMovable();
    await addOwner('first');
    expect(await call(detach)).toEqual({ kind: 'Done' });
    const kinds = async () => ((await pod()).metadata?.ownerReferences ?? []).map(({ kind }) => kind);
    expect(await kinds()).toEqual(['ConfigMap', 'Deployment']);
    await addOwner('second');
    expect(await call(attach)).toEqual({ kind: 'Done' });
    expect(await kinds()).toEqual(['ConfigMap', 'ConfigMap', 'ReplicaSet']);
  },
);

test.concurrent(
  'a pod is taken out, or put back, once, and whoever asks again is told so',
  async ({ expect }) => {
    const { pod, call, detach, attach } = await aMovable();
    for (const effect of [detach, attach]) {
      await call(effect);
      const once = await pod();
      expect(await call(effect)).toEqual({ kind: 'Done' });
      isUntouched(expect, once, await pod());
    }
  },
);

test.concurrent('a pod that has got its name meanwhile is not taken out', async ({ expect }) => {
  const { pod, call, detach, interruption } = await aMovable();
  const before = await pod();
  const namesake = { ...interruption, uid: crypto.randomUUID() };
  expect(await call(detach, namesake)).toMatchObject({ kind: 'Refused' });
  isUntouched(expect, before, await pod());
});

test.concurrent('a pod that another ReplicaSet has taken in is not taken out', async ({ expect }) => {
  const { pod, call, detach } = await aMovable();
  const before = await pod();
  const other = { ...detach, detached: { ...detach.detached, origin: { name: 'web-x', uid: 'other' } } };
  expect(await call(other)).toMatchObject({ kind: 'Refused' });
  isUntouched(expect, before, await pod());
});

test.concurrent('a pod that somebody is deleting is not taken out', async ({ expect }) => {
  const { pod, call, detach, end } = await aMovable();
  const before = await pod();
  await end();
  expect(await call(detach)).toMatchObject({ kind: 'Refused' });
  isUntouched(expect, before, await pod());
});
