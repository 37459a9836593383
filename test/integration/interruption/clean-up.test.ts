import type { ReplicaSet } from 'kubernetes-types/apps/v1.js';
import type { Pod } from 'kubernetes-types/core/v1.js';
import { test } from 'vitest';
import type { SpotPolicyStatus } from '../../../operator/api/index.ts';
import { aBudget, aDeployment, aJob } from '../../builders/workloads.ts';
import { pathTo } from '../harness/objects.ts';
import { release, warn } from '../harness/platform.ts';
import { kinder, spotAnnotations } from '../harness/pods.ts';
import { aScene, eventsUpTo, isGone, type Scene, timesTold, uidOf } from '../harness/scene.ts';

const annotations = { ...spotAnnotations, ...kinder.unreadyOnceReleased };
// As ECI may leave it: dead and Ready.
const staysReady = spotAnnotations;

/** The one pod of a Deployment, taken by ECI, its interruption over. */
const aTakenPod = async (scene: Scene, template = annotations): Promise<Pod> => {
  await scene.create(aDeployment({ annotations: template }));
  const pod = await scene.one('web');
  await release(scene.admin, pod);
  await scene.entry(pod, ({ phase }) => phase === 'Done');
  return pod;
};

test.concurrent(
  'what ECI left behind goes when its time is over, told and counted first',
  async ({ expect }) => {
    const scene = await aScene({ failedPodTTLSeconds: 0 });
    const pod = await aTakenPod(scene);
    await isGone(scene, pod);
    const entry = await scene.entry(pod, ({ phase }) => phase === 'Done');
    expect(entry).toMatchObject({ outcome: 'Missed', replacement: { uid: uidOf(await scene.one('web')) } });
    const { totals } = await scene.statusWith((status) => status.totals?.replaced === 1);
    expect(totals).toMatchObject({ noticed: 1, missed: 1 });
    expect(timesTold(await eventsUpTo(scene, pod, 'FailedPodRemoved'), 'FailedPodRemoved')).toBe(1);
  },
);

test.concurrent('a shorter time holds for pods that wait already', async ({ expect }) => {
  const scene = await aScene();
  const pod = await aTakenPod(scene);
  expect((await scene.find(pod))?.status?.reason).toBe('BidFailed');
  await scene.patch('SpotPolicy', 'spot', { spec: { interruption: { failedPodTTLSeconds: 1 } } });
  await isGone(scene, pod);
});

test.concurrent(
  'one that shows Ready goes at once, and its budget counts the living alone',
  async ({ expect }) => {
    const scene = await aScene();
    await scene.create(aBudget({ minAvailable: 1 }));
    const pod = await aTakenPod(scene, staysReady);
    await isGone(scene, pod);
    await scene.one('web');
    const { disruptionsAllowed } = await scene.budgetWith(
      'web',
      ({ currentHealthy }) => currentHealthy === 1,
    );
    expect(disruptionsAllowed).toBe(0);
  },
);

test.concurrent(
  'one that is kept is named in the status, and is no room in its budget',
  async ({ expect }) => {
    const scene = await aScene({ failedPods: 'Keep' });
    await scene.create(aBudget({ minAvailable: 1 }));
    const dead = await aTakenPod(scene, staysReady);
    const ready = (status: SpotPolicyStatus): string =>
      status.conditions?.find(({ type }) => type === 'Ready')?.message ?? '';
    await scene.statusWith((status) => ready(status).includes(`deleted: ${dead.metadata?.name}`));
    const pod = await scene.one('web');
    // The API server would let the only living pod go.
    await scene.budgetWith('web', ({ disruptionsAllowed }) => disruptionsAllowed === 1);
    await warn(scene.admin, pod, { leftSeconds: 170 });
    const { message } = await scene.entry(pod, ({ phase }) => phase === 'Blocked');
    expect(message).toContain('2 healthy pods, 1 of which ended and still show Ready, and needs 1');

    await scene.delete('Pod', dead.metadata?.name ?? '');
    await scene.entry(pod, (entry) => entry.message?.includes('1 healthy pods and needs 1') ?? false);
    await scene.statusWith((status) => !ready(status).includes('still show Ready'));
    expect((await scene.find(pod))?.metadata?.deletionTimestamp).toBeUndefined();
  },
);

test.concurrent('a pod that was taken out of its ReplicaSet goes too', async () => {
  const scene = await aScene({ failedPodTTLSeconds: 0 });
  await scene.create(aDeployment({ annotations }));
  const pod = await scene.one('web');
  const [replicaSet] = await scene.admin.list<ReplicaSet>(pathTo('ReplicaSet', scene.namespace));
  const [deployment] = replicaSet?.metadata?.ownerReferences ?? [];
  const labels = { 'spotpolicy.dev/reclaiming': 'true' };
  const metadata = { labels, ownerReferences: [{ ...deployment, blockOwnerDeletion: false }] };
  await scene.patch('Pod', pod.metadata?.name ?? '', { metadata });
  await release(scene.admin, pod);
  await isGone(scene, pod);
});

test.concurrent(
  'failed pods of a Job, and pods that failed for another reason, are left alone',
  async ({ expect }) => {
    const scene = await aScene({ failedPodTTLSeconds: 0 });
    await scene.create(aJob({ annotations }));
    await scene.create(aDeployment({ name: 'other', annotations }));
    await scene.create(aDeployment({ annotations }));
    const [batch, other] = [await scene.one('batch'), await scene.one('other')];
    const status = { phase: 'Failed', reason: 'OutOfcpu' };
    await release(scene.admin, batch);
    await scene.admin.patch(`${pathTo('Pod', scene.namespace, other.metadata?.name)}/status`, { status });
    await scene.entry(batch, ({ outcome }) => outcome === 'Missed');
    const web = await scene.one('web');
    await release(scene.admin, web);
    await isGone(scene, web);
    const left = await Promise.all([batch, other].map((pod) => scene.find(pod)));
    expect(left.map((pod) => pod?.status?.reason)).toEqual(['BidFailed', 'OutOfcpu']);
    expect(left.map((pod) => pod?.metadata?.deletionTimestamp)).toEqual([undefined, undefined]);
  },
);
