import type { Pod } from 'kubernetes-types/core/v1.js';
import type { Cluster } from '../../../hack/cluster/cluster.ts';
import { reclaim } from '../../../hack/cluster/reclaim.ts';
import { aBudget, aDeployment, aJob, aStatefulSet } from '../../builders/workloads.ts';
import { waitFor } from '../harness/cluster.ts';
import { killTheOperatorOnce, survives } from '../harness/lives.ts';
import { budgetInForce, isReady, pathTo, podsOf } from '../harness/objects.ts';
import { announce, noticeEvent, release, warn } from '../harness/platform.ts';
import { aBarePod, conditionOf, sim, spotAnnotations } from '../harness/pods.ts';
import {
  aScene,
  editPolicy,
  isGone,
  isTouched,
  letGo,
  type Scene,
  eventsUpTo,
  timesTold,
  uidOf,
  watchBudget,
  watchPods,
} from '../harness/scene.ts';

const annotations = spotAnnotations;

interface Doomed {
  readonly scene: Scene;
  readonly pod: Pod;
}

/** The one Ready pod of a Deployment. */
const aWebPod = async (
  cluster: Cluster,
  more: Record<string, string> = {},
  graceSeconds = 10,
): Promise<Doomed> => {
  const scene = await aScene({}, cluster);
  await scene.create(aDeployment({ annotations: { ...annotations, ...more }, graceSeconds }));
  return { scene, pod: await scene.one('web') };
};

/** Warns a pod that a budget which allows nothing holds, and sees it blocked. */
const underABudget = async ({ scene, pod }: Doomed, app: string): Promise<void> => {
  await scene.create(aBudget({ maxUnavailable: 0 }, app));
  await budgetInForce(scene.admin, scene.namespace, app);
  await warn(scene.admin, pod, { leftSeconds: 150 });
  await scene.entry(pod, ({ phase }) => phase === 'Blocked');
};

/** A Job pod, which may use the time it has left. */
const aJobPod = async (cluster: Cluster) => {
  const scene = await aScene({}, cluster);
  await scene.create(aJob({ annotations, graceSeconds: 1 }));
  return { scene, pod: await scene.one('batch'), deadlineMs: Number.NaN };
};

const deleteEvents = (scene: Scene): Promise<void> => scene.admin.delete(pathTo('Event', scene.namespace));

/** How often each of some things was told of a pod, once the last of them was. */
const told = async ({ scene, pod }: Doomed, ...reasons: readonly string[]): Promise<number[]> => {
  const events = await eventsUpTo(scene, pod, reasons.at(-1) ?? '');
  return reasons.map((reason) => timesTold(events, reason));
};

/** Resolves when the second operator has looked at everything that was there, and told of it in status and Events. */
const secondLook = async (scene: Scene): Promise<void> => {
  await scene.create(aBarePod('sentinel'));
  const pod = await scene.one('sentinel');
  await warn(scene.admin, pod, { leftSeconds: 170 });
  await scene.entry(pod, ({ phase }) => phase === 'Noticed');
  await told({ scene, pod }, 'SpotReclaimNoticed');
};

killTheOperatorOnce();

survives('a pod that its budget blocks is evicted once, and told of once', {
  before: async (cluster) => {
    const doomed = await aWebPod(cluster);
    await underABudget(doomed, 'web');
    await told(doomed, 'EvictionBlocked');
    return { ...doomed, blocked: Number.NaN };
  },
  meanwhile: async (state) => {
    [state.blocked = 0] = await told(state, 'EvictionBlocked');
  },
  after: async ({ scene, pod, blocked }, expect) => {
    await secondLook(scene);
    expect(await told({ scene, pod }, 'EvictionBlocked')).toEqual([blocked]);
    await scene.patch('PodDisruptionBudget', 'web', { spec: { maxUnavailable: 1 } });
    const { outcome } = await scene.entry(pod, ({ phase }) => phase === 'Done');
    expect(outcome).toBe('Replaced');
    const { totals } = await scene.statusWith((status) => status.totals?.replaced === 1);
    // The sentinel is the second that was noticed.
    expect(totals).toMatchObject({ noticed: 2, evicted: 1, replaced: 1, forced: 0, missed: 0 });
    const reasons = ['SpotReclaimNoticed', 'PodEvicted', 'ReplacementReady'];
    expect(await told({ scene, pod }, ...reasons)).toEqual([1, 1, 1]);
    expect(isTouched(await scene.one('web'))).toBe(false);
  },
});

survives('a pod that was evicted and still stops is neither evicted nor counted again', {
  before: (cluster) => aWebPod(cluster, sim({ 'stop-after': '120s' }), 120),
  lastThing: async ({ scene, pod }) => {
    await warn(scene.admin, pod, { leftSeconds: 150 });
    await scene.entry(pod, ({ evictedAt }) => evictedAt !== undefined);
    await told({ scene, pod }, 'PodEvicted');
  },
  after: async ({ scene, pod }, expect) => {
    // By the second operator.
    await editPolicy(scene, { priority: 1 });
    expect((await scene.find(pod))?.metadata?.deletionTimestamp).toBeDefined();
    await letGo(scene, [pod]);
    const { outcome, evictedAt } = await scene.entry(pod, ({ phase }) => phase === 'Done');
    expect(outcome).toBe('Replaced');
    expect(evictedAt).toBeDefined();
    const { totals } = await scene.statusWith((status) => status.totals?.replaced === 1);
    expect(totals).toMatchObject({ noticed: 1, evicted: 1 });
    expect(await told({ scene, pod }, 'SpotReclaimNoticed', 'PodEvicted')).toEqual([1, 1]);
  },
});

survives('a pod that is gone and waits for its replacement is Replaced', {
  before: (cluster) => aWebPod(cluster, sim({ 'ready-after': '12s' })),
  lastThing: async ({ scene, pod }) => {
    await warn(scene.admin, pod, { leftSeconds: 150 });
    await scene.entry(pod, ({ phase }) => phase === 'AwaitingReplacement');
  },
  after: async ({ scene, pod }, expect) => {
    const { outcome, replacement } = await scene.entry(pod, ({ phase }) => phase === 'Done');
    expect(outcome).toBe('Replaced');
    expect(replacement?.uid).toBe(uidOf(await scene.one('web')));
    const { totals } = await scene.statusWith((status) => status.totals?.replaced === 1);
    expect(totals).toMatchObject({ noticed: 1, evicted: 1, replaced: 1 });
  },
});

survives('a notice that came meanwhile is read from the condition alone', {
  before: (cluster) => aWebPod(cluster),
  meanwhile: async ({ scene, pod }) => {
    await reclaim(scene.admin, pod, { minutes: 3, uid: 'pod' });
    await waitFor('the condition', async () => {
      const seen = await scene.find(pod);
      return seen && conditionOf(seen, 'ContainerInstanceExpired');
    });
    await deleteEvents(scene);
  },
  after: async ({ scene, pod }, expect) => {
    const { outcome } = await scene.entry(pod, ({ phase }) => phase === 'Done');
    expect(outcome).toBe('Replaced');
  },
});

survives('the deadline of an Event that is deleted meanwhile still stands', {
  before: aJobPod,
  lastThing: async (job) => {
    job.deadlineMs = (await announce(job.scene.admin, job.pod, { leftSeconds: 165 })).deadlineMs;
    await job.scene.statusWith(({ totals }) => totals?.noticed === 1);
  },
  meanwhile: ({ scene }) => deleteEvents(scene),
  after: async ({ scene, pod, deadlineMs }, expect) => {
    await secondLook(scene);
    const { deadline } = await scene.entry(pod, ({ phase }) => phase === 'Noticed');
    expect(Date.parse(deadline)).toBe(deadlineMs);
    // Another notice keeps the test from having to wait.
    await announce(scene.admin, pod, { leftSeconds: 14 });
    const { totals } = await scene.statusWith((status) => status.totals?.evicted === 1);
    expect(totals).toMatchObject({ noticed: 2, forced: 0 });
  },
});

survives('a Job pod whose policy is deleted meanwhile is evicted late, as that policy had it', {
  before: aJobPod,
  lastThing: async (job) => {
    await warn(job.scene.admin, job.pod, { leftSeconds: 165 });
    await job.scene.statusWith(({ totals }) => totals?.noticed === 1);
  },
  meanwhile: ({ scene }) => scene.delete('SpotPolicy', 'spot'),
  after: async ({ scene, pod }, expect) => {
    expect((await scene.find(pod))?.metadata?.deletionTimestamp).toBeUndefined();
    const watch = watchPods(scene);
    const { deadlineMs } = await announce(scene.admin, pod, { leftSeconds: 14 });
    await isGone(scene, pod);
    watch.stop();
    const states = watch.seen.filter((state) => uidOf(state) === uidOf(pod));
    const last = states.findLast(({ metadata }) => metadata?.deletionTimestamp);
    expect(last && conditionOf(last, 'DisruptionTarget')?.reason).toBe('EvictionByEvictionAPI');
    // Evicted no sooner than 11 s before the deadline, in whole seconds, with 1 s of grace.
    const endsMs = Date.parse(last?.metadata?.deletionTimestamp ?? '');
    expect(deadlineMs - endsMs).toBeLessThanOrEqual(11_000);
  },
});

survives('a pod that took the name of a doomed one meanwhile is not touched, nor its budget spent', {
  before: async (cluster) => {
    const scene = await aScene({}, cluster);
    await scene.create(aStatefulSet({ annotations, replicas: 2 }));
    const [pod = {}] = await scene.ready('db', 2);
    await underABudget({ scene, pod }, 'db');
    await announce(scene.admin, pod, { leftSeconds: 150 });
    return { scene, pod, budget: watchBudget(scene, 'db') };
  },
  meanwhile: async ({ scene, pod }) => {
    await scene.delete('Pod', pod.metadata?.name ?? '');
    await isGone(scene, pod);
    await scene.ready('db', 2);
    await scene.patch('PodDisruptionBudget', 'db', { spec: { maxUnavailable: 1 } });
    await scene.budgetWith(
      'db',
      ({ currentHealthy, disruptionsAllowed }) => currentHealthy === 2 && disruptionsAllowed === 1,
    );
  },
  after: async ({ scene, pod, budget }, expect) => {
    const { replacement } = await scene.entry(pod, ({ phase }) => phase === 'Done');
    const living = await scene.ready('db', 2);
    expect(living.map(uidOf)).toContain(replacement?.uid);
    expect(living.filter(isTouched)).toEqual([]);
    budget.stop();
    // From when the new pod was Ready nothing of the budget was asked for.
    const free = budget.seen.findIndex(
      ({ currentHealthy, disruptionsAllowed }) => currentHealthy === 2 && disruptionsAllowed === 1,
    );
    for (const { disruptionsAllowed, disruptedPods } of budget.seen.slice(free))
      expect({ disruptionsAllowed, disruptedPods }).toEqual({
        disruptionsAllowed: 1,
        disruptedPods: undefined,
      });
    expect(free).toBeGreaterThan(0);
  },
});

survives('a pod created in the second of a notice about its namesake is not touched', {
  before: async (cluster) => {
    const scene = await aScene({}, cluster);
    await scene.create(aStatefulSet({ annotations, replicas: 2 }));
    const [pod = {}, sentinel = {}] = await scene.ready('db', 2);
    return { scene, pod, sentinel };
  },
  meanwhile: async ({ scene, pod }) => {
    await scene.delete('Pod', pod.metadata?.name ?? '');
    await isGone(scene, pod);
    const namesake = (await scene.ready('db', 2)).find(
      ({ metadata }) => metadata?.name === pod.metadata?.name,
    );
    const { event } = noticeEvent(pod, { leftSeconds: 150 });
    const sameSecond = namesake?.metadata?.creationTimestamp;
    await scene.create({ ...event, firstTimestamp: sameSecond, lastTimestamp: sameSecond });
  },
  after: async ({ scene, sentinel }, expect) => {
    await warn(scene.admin, sentinel, { leftSeconds: 150 });
    await scene.entry(sentinel, ({ phase }) => phase === 'Done');
    expect((await scene.ready('db', 2)).filter(isTouched)).toEqual([]);
    expect((await scene.status()).interruptions?.map(({ uid }) => uid)).toEqual([uidOf(sentinel)]);
  },
});

survives('a pod that was missed and stays behind is counted once', {
  before: async (cluster) => {
    const scene = await aScene({ onDeadline: 'Leave' }, cluster);
    await scene.create(aDeployment({ annotations }));
    await scene.create(aBudget({ maxUnavailable: 0 }));
    const pod = await scene.one('web');
    await budgetInForce(scene.admin, scene.namespace, 'web');
    await warn(scene.admin, pod, { leftSeconds: 3 });
    await scene.statusWith(({ totals }) => totals?.missed === 1);
    return { scene, pod };
  },
  after: async ({ scene, pod }, expect) => {
    await scene.delete('PodDisruptionBudget', 'web');
    const successor = (await podsOf(scene.admin, scene.namespace, 'web')).find(isReady) ?? {};
    await warn(scene.admin, successor, { leftSeconds: 150 });
    await scene.entry(successor, ({ phase }) => phase === 'Done');
    const { totals } = await scene.statusWith((status) => status.totals?.replaced === 2);
    expect(totals).toMatchObject({ noticed: 2, evicted: 1, missed: 1 });
    expect(await told({ scene, pod }, 'ReclaimMissed')).toEqual([1]);
  },
});

survives('a pod that was missed and whose replacement is awaited is followed to its end', {
  before: async (cluster) => {
    const scene = await aScene({ jobPods: 'Never' }, cluster);
    await scene.create(aJob({ annotations: { ...annotations, ...sim({ 'ready-after': '3s' }) } }));
    return { scene, pod: await scene.one('batch') };
  },
  lastThing: async ({ scene, pod }) => {
    await warn(scene.admin, pod, { leftSeconds: 2 });
    const { outcome } = await scene.entry(pod, ({ phase }) => phase === 'AwaitingReplacement');
    if (outcome !== 'LeftToReclaim') throw new Error(`before the kill its outcome was ${outcome}`);
  },
  after: async ({ scene, pod }, expect) => {
    const { outcome, replacement } = await scene.entry(pod, ({ phase }) => phase === 'Done');
    expect(outcome).toBe('LeftToReclaim');
    expect(replacement?.readyAt).toBeDefined();
    const { totals } = await scene.statusWith((status) => status.totals?.replaced === 1);
    expect(totals).toMatchObject({ noticed: 1, evicted: 0, leftToReclaim: 1 });
  },
});

survives('a pod that was missed meanwhile is counted and its replacement credited', {
  before: async (cluster) => {
    const doomed = await aWebPod(cluster);
    await underABudget(doomed, 'web');
    return doomed;
  },
  meanwhile: async ({ scene, pod }) => {
    const released = {
      phase: 'Failed',
      reason: 'BidFailed',
      conditions: [{ type: 'Ready', status: 'False' }],
    };
    const path = `${pathTo('Pod', scene.namespace, pod.metadata?.name)}/status`;
    await scene.admin.patch(path, { status: released }, 'strategic');
  },
  after: async ({ scene, pod }, expect) => {
    const { outcome, replacement } = await scene.entry(pod, ({ phase }) => phase === 'Done');
    expect(outcome).toBe('Missed');
    expect(replacement?.readyAt).toBeDefined();
    const { totals } = await scene.statusWith((status) => status.totals?.missed === 1);
    expect(totals).toMatchObject({ noticed: 1, evicted: 0, missed: 1, replaced: 1 });
  },
});

survives('a storm is finished: every doomed pod goes once, and no pod that came later is touched', {
  before: async (cluster) => {
    const scene = await aScene({}, cluster);
    // Slow enough to be under way still when the last test of the file is ready for the kill.
    const slow = { ...annotations, ...sim({ 'ready-after': '4s' }) };
    await scene.create(aDeployment({ annotations: slow, replicas: 6 }));
    await scene.create(aBudget({ maxUnavailable: 1 }));
    const pods = await scene.ready('web', 6);
    await budgetInForce(scene.admin, scene.namespace, 'web');
    return { scene, pods, watch: watchPods(scene), budget: watchBudget(scene, 'web') };
  },
  lastThing: async ({ scene, pods }) => {
    await Promise.all(pods.map((pod) => warn(scene.admin, pod, { leftSeconds: 150 })));
    await scene.statusWith(({ totals }) => (totals?.replaced ?? 0) >= 1);
  },
  after: async ({ scene, pods, watch, budget }, expect) => {
    await Promise.all(pods.map((pod) => isGone(scene, pod)));
    await scene.statusWith(({ interruption }) => interruption?.active === 0);
    const living = await scene.ready('web', 6);
    watch.stop();
    budget.stop();
    expect(living.filter(isTouched)).toEqual([]);
    const doomed = new Set(pods.map(uidOf));
    const others = watch.seen.filter((state) => !doomed.has(uidOf(state)));
    expect(others.filter(isTouched)).toEqual([]);
    expect(Math.min(...budget.seen.map(({ currentHealthy }) => currentHealthy))).toBe(5);
    for (const pod of pods) {
      const events = await scene.events(uidOf(pod));
      expect(timesTold(events, 'SpotReclaimNoticed')).toBeLessThanOrEqual(1);
      expect(timesTold(events, 'PodEvicted')).toBeLessThanOrEqual(1);
    }
    // What ended in the last second before the kill may be missing, and nothing is there twice.
    const { totals } = await scene.status();
    expect(totals?.noticed).toBeGreaterThanOrEqual(5);
    expect(totals?.noticed).toBeLessThanOrEqual(6);
    expect(totals?.evicted).toBeGreaterThanOrEqual(5);
    expect(totals?.evicted).toBeLessThanOrEqual(6);
    expect(totals?.replaced).toBeLessThanOrEqual(6);
  },
});

survives('pods that ECI took before a restart and during it are removed after it, each counted once', {
  before: async (cluster) => {
    const scene = await aScene({ failedPods: 'Keep' }, cluster);
    await scene.create(aDeployment({ annotations }));
    const first = await scene.one('web');
    await release(scene.admin, first);
    await scene.entry(first, ({ phase }) => phase === 'Done');
    return { scene, pods: [first, await scene.one('web')] };
  },
  meanwhile: async ({ scene, pods: [, second = {}] }) => {
    await release(scene.admin, second);
    const interruption = { failedPods: 'Delete', failedPodTTLSeconds: 0 };
    await scene.patch('SpotPolicy', 'spot', { spec: { interruption } });
  },
  after: async ({ scene, pods }, expect) => {
    await Promise.all(pods.map((pod) => isGone(scene, pod)));
    for (const pod of pods)
      expect(await scene.entry(pod, ({ phase }) => phase === 'Done')).toMatchObject({ outcome: 'Missed' });
    const { totals } = await scene.statusWith((status) => status.totals?.replaced === 2);
    expect(totals).toMatchObject({ noticed: 2, missed: 2, evicted: 0, forced: 0 });
  },
});
