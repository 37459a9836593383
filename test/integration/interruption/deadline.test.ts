import type { Job } from 'kubernetes-types/batch/v1.js';
import type { Pod } from 'kubernetes-types/core/v1.js';
import { test } from 'vitest';
import { RestError } from '../../../hack/cluster/client.ts';
import { aBudget, aDeployment, aJob, aStatefulSet } from '../../builders/workloads.ts';
import { sharedCluster, waitFor } from '../harness/cluster.ts';
import { aDenyingPolicy } from '../harness/denying-policy.ts';
import { budgetInForce, pathTo } from '../harness/objects.ts';
import { noticeEvent, warn } from '../harness/platform.ts';
import { conditionOf, kinder, sim, spotAnnotations } from '../harness/pods.ts';
import {
  aScene,
  clockReaches,
  isGone,
  type Scene,
  eventsUpTo,
  timesTold,
  uidOf,
  watchPods,
} from '../harness/scene.ts';

const annotations = spotAnnotations;
const never = { maxUnavailable: 0 };

/** The one Ready pod of a StatefulSet `db` under a budget that never allows its eviction. */
const aHeldPod = async (
  scene: Scene,
  graceSeconds: number,
  more: Record<string, string> = {},
): Promise<Pod> => {
  await scene.create(aStatefulSet({ annotations: { ...annotations, ...more }, graceSeconds }));
  await scene.create(aBudget(never, 'db'));
  const pod = await scene.one('db');
  const { status } = await budgetInForce(scene.admin, scene.namespace, 'db');
  if (status?.disruptionsAllowed !== 0) throw new Error('the budget must not allow anything');
  return pod;
};

test.concurrent(
  'a pod whose budget never allows is deleted with its grace, and gone before ECI takes it',
  async ({ expect }) => {
    const scene = await aScene();
    const pod = await aHeldPod(scene, 4, sim({ 'stop-after': '3s' }));
    const watch = watchPods(scene);
    const { deadlineMs } = await warn(scene.admin, pod, { leftSeconds: 18 });
    const blocked = await scene.entry(pod, ({ phase }) => phase === 'Blocked');
    expect(blocked.message).toBe(
      'budget db allows no disruption now: it has 1 healthy pods and needs 1; deleted gracefully at the deadline',
    );
    await isGone(scene, pod);
    const entry = await scene.entry(pod, ({ phase }) => phase === 'Done');
    watch.stop();

    expect(entry.outcome).toBe('Forced');
    expect(entry.replacement?.uid).toBe(uidOf(await scene.one('db')));
    // 9 s before the deadline, and no earlier: the pod has its 4 s, and 5 s are left for the deletion to be seen.
    const forcedMs = deadlineMs - Date.parse(entry.evictedAt ?? '');
    expect(forcedMs).toBeLessThanOrEqual(10_000);
    const states = watch.seen.filter(({ metadata }) => metadata?.uid === uidOf(pod));
    const grace = states.find(({ metadata }) => metadata?.deletionTimestamp)?.metadata
      ?.deletionGracePeriodSeconds;
    expect(grace).toBe(4);
    // Its container stopped by itself after SIGTERM; neither was it cut off nor taken.
    expect(states.at(-1)?.status?.reason).toBeUndefined();
    expect(states.at(-1)?.status?.containerStatuses?.[0]?.state?.terminated?.exitCode).toBe(0);
    expect((await scene.status()).totals).toMatchObject({ noticed: 1, evicted: 0, forced: 1, missed: 0 });
    expect(timesTold(await eventsUpTo(scene, pod, 'DeadlineForced'), 'DeadlineForced')).toBe(1);
  },
);

test.concurrent('with onDeadline Leave such a pod is missed, and the policy says so', async ({ expect }) => {
  const scene = await aScene({ onDeadline: 'Leave' });
  const leftBehind = { ...annotations, ...kinder.unreadyOnceReleased };
  await scene.create(aDeployment({ annotations: leftBehind, graceSeconds: 1 }));
  await scene.create(aBudget(never));
  const pod = await scene.one('web');
  await budgetInForce(scene.admin, scene.namespace, 'web');
  await warn(scene.admin, pod, { leftSeconds: 8 });
  const blocked = await scene.entry(pod, ({ phase }) => phase === 'Blocked');
  expect(blocked.message).toMatch(
    /^budget web allows no disruption now: .*; left to the reclaim at the deadline$/,
  );
  const { outcome, evictedAt } = await scene.entry(pod, ({ phase }) => phase === 'Done');
  expect(outcome).toBe('Missed');
  expect(evictedAt).toBeUndefined();
  expect((await scene.find(pod))?.status?.reason).toBe('BidFailed');
  expect((await scene.status()).totals).toMatchObject({ noticed: 1, evicted: 0, forced: 0, missed: 1 });
  const told = await eventsUpTo(scene, pod, 'ReclaimMissed');
  const missed = told.find(({ reason }) => reason === 'ReclaimMissed');
  expect(missed?.message).toMatch(
    /^ECI took the instance before the pod was evicted: budget web allows no disruption/,
  );
});

test.concurrent(
  'a grace period longer than the window does not break the budget before half of it is over',
  async ({ expect }) => {
    const scene = await aScene();
    const pod = await aHeldPod(scene, 600);
    const watch = watchPods(scene);
    // Of the grace 20 s are planned for: the deletion is due 25 s before the deadline.
    const { deadlineMs } = await warn(scene.admin, pod, { leftSeconds: 40 });
    await scene.entry(pod, ({ phase }) => phase === 'Blocked');
    await clockReaches(deadlineMs - 31_000);
    expect((await scene.find(pod))?.metadata?.deletionTimestamp).toBeUndefined();
    const { outcome } = await scene.entry(pod, ({ phase }) => phase === 'Done');
    watch.stop();
    expect(outcome).toBe('Forced');
    const deleted = watch.seen.find(
      ({ metadata }) => metadata?.uid === uidOf(pod) && metadata.deletionTimestamp,
    );
    const grace = deleted?.metadata?.deletionGracePeriodSeconds ?? 0;
    expect(grace).toBeGreaterThan(10);
    expect(grace).toBeLessThan(25);
  },
);

/** The one pod of a Job that ignores disruptions, under a budget that never allows its eviction. */
const aHeldJob = async () => {
  const scene = await aScene({ jobPods: 'Immediately' });
  const killed = { ...annotations, ...kinder.killedBySigterm };
  await scene.create(
    aJob({ annotations: killed, graceSeconds: 1, backoffLimit: 0, ignoresDisruption: true }),
  );
  // Budgets over Job pods must count in whole pods.
  await scene.create(aBudget({ minAvailable: 1 }, 'batch'));
  const pod = await scene.one('batch');
  await budgetInForce(scene.admin, scene.namespace, 'batch');
  return { scene, pod };
};

test.concurrent(
  'a Job that ignores disruptions is not charged for a pod deleted past its budget',
  async ({ expect }) => {
    const { scene, pod } = await aHeldJob();
    const watch = watchPods(scene);
    await warn(scene.admin, pod, { leftSeconds: 12 });
    await scene.entry(pod, ({ phase }) => phase === 'Blocked');
    const { outcome } = await scene.entry(pod, ({ phase }) => phase === 'Done');
    watch.stop();
    expect(outcome).toBe('Forced');
    const last = watch.seen.findLast(({ metadata }) => metadata?.uid === uidOf(pod));
    expect(last && conditionOf(last, 'DisruptionTarget')).toMatchObject({
      ...{ status: 'True', reason: 'DeletionBySpotPolicy' },
    });
    const { status } = await scene.admin.get<Job>(pathTo('Job', scene.namespace, 'batch'));
    expect(status?.failed ?? 0).toBe(0);
    expect(status?.active).toBe(1);
  },
);

test.concurrent(
  'a Job pod that may not be said to be disrupted is deleted before its deadline all the same',
  async ({ expect }) => {
    const { scene, pod } = await aHeldJob();
    const message = 'nobody says so';
    await aDenyingPolicy(scene, {
      ...{ operation: 'UPDATE', resource: 'pods/status', message },
      unless: "object.status.conditions.all(each, each.?reason.orValue('') != 'DeletionBySpotPolicy')",
    });
    const conditions = [{ type: 'DisruptionTarget', status: 'True', reason: 'DeletionBySpotPolicy' }];
    const path = `${pathTo('Pod', scene.namespace, pod.metadata?.name)}/status?dryRun=All`;
    await waitFor('the policy to act', () =>
      scene.admin.patch(path, { status: { conditions } }, 'strategic').then(
        () => false,
        (error: unknown) => error instanceof RestError && error.message.includes(message),
      ),
    );
    const { deadlineMs } = await warn(scene.admin, pod, { leftSeconds: 12 });
    await isGone(scene, pod);
    // Its Job is charged as the reclaim would charge it, and has no retry.
    const { outcome, evictedAt } = await scene.entry(pod, ({ phase }) => phase === 'Done');
    expect(outcome).toBe('WorkloadFailed');
    expect(Date.parse(evictedAt ?? '')).toBeLessThan(deadlineMs);
    expect((await scene.status()).totals).toMatchObject({ forced: 1, workloadFailed: 1 });
  },
);

test.concurrent(
  'an Event written by someone who may only write Events never leads past a budget',
  async ({ expect }) => {
    const scene = await aScene();
    const pod = await aHeldPod(scene, 1);
    const other = await aScene();
    const warned = await aHeldPod(other, 1);
    const { kubectl } = await sharedCluster();
    const author = `system:serviceaccount:${scene.namespace}:author`;
    const asAdmin = (...args: string[]) => kubectl(['--namespace', scene.namespace, ...args]);
    await asAdmin('create', 'role', 'author', '--verb=create', '--resource=events');
    await asAdmin(
      'create',
      'rolebinding',
      'author',
      '--role=author',
      `--serviceaccount=${scene.namespace}:author`,
    );

    const { event, times } = noticeEvent(pod, { leftSeconds: 12 });
    await waitFor('the right to be in force', () =>
      kubectl(['--as', author, 'create', '-f', '-'], JSON.stringify(event)),
    );
    await warn(other.admin, warned, { leftSeconds: 12 });
    const { message } = await scene.entry(pod, ({ phase }) => phase === 'Blocked');
    expect(message).toMatch(/no ContainerInstanceExpired condition, so its budget is respected to the end$/);

    // The same notice as a condition, which only the node writes, does lead past the budget.
    await isGone(other, warned);
    await clockReaches(times.deadlineMs + 2_000);
    const seen = await scene.find(pod);
    expect(seen?.metadata?.deletionTimestamp).toBeUndefined();
    expect(seen && conditionOf(seen, 'DisruptionTarget')).toBeUndefined();
    expect((await scene.status()).totals).toMatchObject({ evicted: 0, forced: 0 });
  },
);

test.concurrent(
  'a pod left to its virtual node is deleted at the deadline when that could not evict it',
  async ({ expect }) => {
    const scene = await aScene();
    const pod = await aHeldPod(scene, 2, { 'k8s.aliyun.com/eci-spot-release-strategy': 'api-evict' });
    const { deadlineMs } = await warn(scene.admin, pod, { leftSeconds: 15 });
    const { outcome, evictedAt } = await scene.entry(pod, ({ phase }) => phase === 'Done');
    expect(outcome).toBe('Forced');
    expect(deadlineMs - Date.parse(evictedAt ?? '')).toBeLessThanOrEqual(8_000);
  },
);
