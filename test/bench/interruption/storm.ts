import { setTimeout as pause } from 'node:timers/promises';
import type { Pod } from 'kubernetes-types/core/v1.js';
import { waitFor } from '../../../hack/cluster/wait-for.ts';
import { aBudget } from '../../builders/workloads.ts';
import { budgetInForce, create, pathTo } from '../../integration/harness/objects.ts';
import { forEach } from '../connections.ts';
import { calm } from '../processes.ts';
import { quantile } from '../statistics.ts';
import { watchRemovals } from './removals.ts';
import { calmMs, forgetEvents, type Scene, standStill, writers } from './scene.ts';

/** Who evicts: the operator; whoever knows of each notice at once; or a person who drains the node at the first one. */
export type Way = 'ours' | 'limit' | 'drain';

/** What a storm is like. */
export interface StormKind {
  readonly size: number;
  /** Whether each workload is under a budget of a tenth of its pods. */
  readonly budgets: boolean;
  /** Whether controllers, scheduler and virtual nodes stand still meanwhile; under budgets they must not. */
  readonly still: boolean;
}

/** What a storm came to. Times are in milliseconds from the writing of notices. */
export interface Storm {
  /** Until all notices were written. */
  readonly noticesMs: number;
  /** From the first notice to the last eviction. */
  readonly totalMs: number;
  /** Of the times from each pod's own notice to its eviction. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Requests for an eviction, refused ones too. */
  readonly calls: number;
  /** Pods that were not being removed when ECI would have taken them. */
  readonly lost: number;
}

/** The workloads among which the pods of a storm are divided: more than one, and few enough that each has many. */
export const stormWorkloads: readonly string[] = Array.from({ length: 10 }, (_, index) => `storm-${index}`);

const windowMs = 180_000;
// Measured: a refused eviction costs the API server as much as an accepted one, so asking without a pause is slower.
const againMs = 200;
// A drain that has not ended by then has lost what it has not evicted.
const drainSeconds = 300;

/** Plays one storm over the pods of a scene, one way, and waits until everything has been made good again. */
export const storm = async (scene: Scene, { size, still }: StormKind, way: Way): Promise<Storm> => {
  const replicas = size / stormWorkloads.length;
  const pods = await scene.pods(replicas);
  await scene.govern(way === 'ours');
  const removals = await watchRemovals(scene);
  const node = await scene.leaveNode();
  await calm(calmMs);
  const move = still ? await standStill(scene.cluster) : undefined;
  const callsBefore = await scene.evictions();
  const startMs = performance.now();
  const noticedMs = new Map<string, number>();
  const evicted: Promise<unknown>[] = [];
  if (way === 'drain') evicted.push(drain(scene, node));
  await forEach(
    pods,
    async (pod) => {
      const { fromMs } = await scene.announce(pod);
      noticedMs.set(pod.metadata?.uid ?? '', fromMs);
      if (way === 'limit') evicted.push(evictAtLast(scene, pod));
    },
    writers,
  );
  const noticesMs = performance.now() - startMs;
  await removals.all(pods, way === 'drain' ? drainSeconds * 1000 : windowMs);
  const calls = (await scene.evictions()) - callsBefore;
  removals.stop();
  move?.();
  await Promise.allSettled(evicted);
  await scene.pods(replicas);
  await forgetEvents(scene);
  const delays = [...noticedMs].map(([uid, atMs]) => (removals.atMs.get(uid) ?? Number.NaN) - atMs);
  const known = delays.filter((delayMs) => !Number.isNaN(delayMs));
  return {
    noticesMs,
    totalMs: Math.max(...removals.atMs.values()) - startMs,
    p50Ms: quantile(known, 0.5),
    p99Ms: quantile(known, 0.99),
    calls,
    lost: size - known.filter((delayMs) => delayMs < windowMs).length,
  };
};

const evictAtLast = async (scene: Scene, pod: Pod): Promise<void> => {
  // Refused by its budget (429), or by too many at once on it (409).
  while ([409, 429].includes(await scene.evict(pod))) await pause(againMs);
};

/** Drains a node as its administrator would; resolves when kubectl ends, in whatever way. */
export const drain = async ({ cluster }: Scene, node: string, selector = 'app'): Promise<void> => {
  const flags = [
    '--ignore-daemonsets',
    '--force',
    `--timeout=${drainSeconds}s`,
    `--pod-selector=${selector}`,
  ];
  await cluster.kubectl(['drain', node, ...flags]).catch(() => {});
};

/** Puts every workload under a budget of a tenth of its pods, or takes the budgets away. */
export const setBudgets = async ({ cluster, namespace }: Scene, wanted: boolean): Promise<void> => {
  const { admin } = cluster;
  if (!wanted) return admin.delete(pathTo('PodDisruptionBudget', namespace));
  for (const name of stormWorkloads) {
    await create(admin, namespace, aBudget({ maxUnavailable: '10%' }, name));
    await waitFor(`budget ${name}`, () => budgetInForce(admin, namespace, name));
  }
};
