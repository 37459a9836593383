import { setTimeout as pause } from 'node:timers/promises';
import type { PodDisruptionBudget } from 'kubernetes-types/policy/v1.js';
import type { Replica } from '../../../hack/cluster/operator.ts';
import { waitFor } from '../../../hack/cluster/wait-for.ts';
import { aBudget } from '../../builders/workloads.ts';
import { counterOf } from '../../integration/harness/counters.ts';
import { budgetInForce, create, pathTo } from '../../integration/harness/objects.ts';
import { type Delays, delaysOf } from './latency.ts';
import { watchRemovals } from './removals.ts';
import { forgetEvents, type Scene } from './scene.ts';
import { drain } from './storm.ts';

/** Workloads of one pod under a budget of its own. */
export const blockedWorkloads: readonly string[] = Array.from(
  { length: 20 },
  (_, index) => `blocked-${index}`,
);

// Two of them beside each other fall into every phase of whoever looks from time to time.
const apartMs = 300;
const patienceMs = 30_000;

/** Gives each workload of a scene a budget that allows nothing. */
export const addBlockingBudgets = async ({ cluster, namespace }: Scene): Promise<void> => {
  for (const name of blockedWorkloads)
    await create(cluster.admin, namespace, aBudget({ maxUnavailable: 0 }, name));
};

/** Frees one budget after the other, with a doomed pod behind each: the times until its eviction. */
export const unblock = async (scene: Scene, way: 'ours' | 'drain', replica: Replica): Promise<Delays> => {
  const { cluster, namespace } = scene;
  const allow = (name: string, maxUnavailable: number): Promise<unknown> =>
    cluster.admin.patch(pathTo('PodDisruptionBudget', namespace, name), { spec: { maxUnavailable } });
  for (const name of blockedWorkloads) await allow(name, 0);
  const pods = await scene.pods(1);
  for (const name of blockedWorkloads) await budgetInForce(cluster.admin, namespace, name);
  await scene.govern(way === 'ours');
  const removals = await watchRemovals(scene);
  const freed = watchFreed(scene);
  const node = await scene.leaveNode();
  const [noticesBefore, callsBefore] = [await noticesOf(replica), await scene.evictions()];
  for (const pod of pods) await scene.announce(pod);
  const drained = way === 'drain' ? drain(scene, node) : undefined;
  // Whoever waits for a budget has met it.
  await waitFor('every pod to be blocked', async () =>
    drained === undefined
      ? (await noticesOf(replica)) - noticesBefore >= pods.length
      : (await scene.evictions()) - callsBefore >= pods.length,
  );
  const delaysMs: number[] = [];
  const one = async (name: string): Promise<void> => {
    const pod = pods.find(({ metadata }) => metadata?.labels?.['app'] === name);
    await allow(name, 1);
    await removals.all(pod ? [pod] : [], patienceMs);
    const evictedMs = removals.atMs.get(pod?.metadata?.uid ?? '') ?? Number.NaN;
    delaysMs.push(evictedMs - (freed.atMs.get(name) ?? Number.NaN));
  };
  const freeing: Promise<void>[] = [];
  for (const name of blockedWorkloads) {
    freeing.push(one(name));
    await pause(apartMs);
  }
  await Promise.all([...freeing, drained]);
  freed.stop();
  removals.stop();
  await forgetEvents(scene);
  return delaysOf(delaysMs);
};

const noticesOf = (replica: Replica): Promise<number> =>
  counterOf(replica, 'spot_interruption_notices_total');

/** When each budget's status first allowed a disruption, as a watch saw it. */
const watchFreed = ({ connections, namespace }: Scene) => {
  const ending = new AbortController();
  const atMs = new Map<string, number>();
  const follow = async (): Promise<void> => {
    const path = `${pathTo('PodDisruptionBudget', namespace)}?watch=true`;
    for await (const line of connections.watch(path, ending.signal)) {
      const { metadata, status } = (JSON.parse(line) as { object: PodDisruptionBudget }).object;
      const name = metadata?.name ?? '';
      if ((status?.disruptionsAllowed ?? 0) > 0 && !atMs.has(name)) atMs.set(name, performance.now());
    }
  };
  follow().catch((error: unknown) => {
    if (!ending.signal.aborted) throw error;
  });
  return { atMs, stop: () => ending.abort() };
};
