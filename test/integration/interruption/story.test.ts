import { test } from 'vitest';
import { aBudget, aDeployment, aStatefulSet } from '../../builders/workloads.ts';
import { sharedCluster, waitFor } from '../harness/cluster.ts';
import { budgetInForce } from '../harness/objects.ts';
import { warn } from '../harness/platform.ts';
import { kinder, spotAnnotations } from '../harness/pods.ts';
import { aScene } from '../harness/scene.ts';

const annotations = spotAnnotations;

test.concurrent(
  'kubectl describe shows on the pod and on its policy what became of a reclaim',
  async ({ expect }) => {
    const { kubectl } = await sharedCluster();
    const scene = await aScene();
    const described = (kind: string, name: string, ...parts: readonly string[]) =>
      waitFor(`${parts.join(', ')} on ${kind} ${name}`, async () => {
        const { stdout } = await kubectl(['--namespace', scene.namespace, 'describe', kind, name]);
        const missing = parts.filter((part) => !stdout.includes(part));
        return missing.length === 0 ? stdout : Promise.reject(new Error(`no ${missing.join()} in ${stdout}`));
      });
    await scene.create(aStatefulSet({ annotations, graceSeconds: 1 }));
    await scene.create(aDeployment({ annotations, graceSeconds: 1 }));
    await scene.create(aBudget({ maxUnavailable: 0 }, 'db'));
    const [held, free] = [await scene.one('db'), await scene.one('web')];
    await budgetInForce(scene.admin, scene.namespace, 'db');
    await warn(scene.admin, held, { leftSeconds: 16 });
    const onPod = await described('pod', 'db-0', 'SpotReclaimNoticed', 'EvictionBlocked');
    expect(onPod).toMatch(/Warning +SpotReclaimNoticed .*spotpolicy .*ECI takes the instance back at 20/);
    expect(onPod).toMatch(
      /EvictionBlocked .*budget db allows no disruption now: it has 1 healthy pods and needs 1/,
    );

    await warn(scene.admin, free, { leftSeconds: 100 });
    const onPolicy = await described('spotpolicy', 'spot', 'pod db-0: replaced by db-0', 'PodEvicted');
    const evicted = new RegExp(
      `Normal +PodEvicted .*spotpolicy +pod ${free.metadata?.name}: evicted before ECI`,
    );
    expect(onPolicy).toMatch(evicted);
    expect(onPolicy).toMatch(
      /Warning +DeadlineForced .*pod db-0: deleted gracefully in spite of its budget: deadline/,
    );
    expect(onPolicy).toMatch(/Normal +ReplacementReady .*pod db-0: replaced by db-0 on spot capacity/);
  },
);

test.concurrent(
  'kubectl describe shows a missed reclaim on the pod that stays behind',
  async ({ expect }) => {
    const { kubectl } = await sharedCluster();
    const scene = await aScene({ onDeadline: 'Leave' });
    const leftBehind = { ...annotations, ...kinder.unreadyOnceReleased };
    await scene.create(aDeployment({ annotations: leftBehind }));
    await scene.create(aBudget({ maxUnavailable: 0 }));
    const pod = await scene.one('web');
    await budgetInForce(scene.admin, scene.namespace, 'web');
    await warn(scene.admin, pod, { leftSeconds: 3 });
    await scene.entry(pod, ({ outcome }) => outcome === 'Missed');
    const onPod = await waitFor('ReclaimMissed', async () => {
      const { stdout } = await kubectl([
        '--namespace',
        scene.namespace,
        'describe',
        'pod',
        pod.metadata?.name ?? '',
      ]);
      return stdout.includes('ReclaimMissed') && stdout;
    });
    expect(onPod).toMatch(/Warning +ReclaimMissed .*ECI took the instance before the pod was evicted/);
  },
);
