import type { Pod } from 'kubernetes-types/core/v1.js';
import { pathTo } from '../../integration/harness/objects.ts';
import { calm } from '../processes.ts';
import { quantile } from '../statistics.ts';
import { watchRemovals } from './removals.ts';
import { calmMs, forgetEvents, type Scene, standStill } from './scene.ts';

/** Times of one kind in one round, in milliseconds. */
export interface Delays {
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** What these times come to. */
export const delaysOf = (ms: readonly number[]): Delays => ({
  p50Ms: quantile(ms, 0.5),
  p99Ms: quantile(ms, 0.99),
});

const patienceMs = 30_000;

/** Announces the reclaim of one pod after the other, each when the one before is evicted: the times until then. */
export const latency = async (scene: Scene, way: 'ours' | 'limit', replicas: number): Promise<Delays> => {
  const pods = await scene.pods(replicas);
  await scene.govern(way === 'ours');
  const removals = await watchRemovals(scene);
  await scene.leaveNode();
  await calm(calmMs);
  const move = await standStill(scene.cluster);
  const bare = way === 'limit' ? await watchThenEvict(scene, pods) : undefined;
  const delaysMs: number[] = [];
  for (const pod of pods) {
    const { fromMs } = await scene.announce(pod);
    await removals.all([pod], patienceMs);
    delaysMs.push((removals.atMs.get(pod.metadata?.uid ?? '') ?? Number.NaN) - fromMs);
  }
  bare?.stop();
  removals.stop();
  move();
  await forgetEvents(scene);
  return delaysOf(delaysMs);
};

/** The least that anybody does: a watch of Events, and an eviction of each pod that one names. */
const watchThenEvict = async (scene: Scene, pods: readonly Pod[]): Promise<{ stop(): void }> => {
  const ending = new AbortController();
  const path = `${pathTo('Event', scene.namespace)}?watch=true&fieldSelector=reason%3DSpotToBeReleased`;
  const byName = new Map(pods.map((pod) => [pod.metadata?.name, pod]));
  const follow = async (): Promise<void> => {
    for await (const line of scene.connections.watch(path, ending.signal)) {
      const { object } = JSON.parse(line) as { object: { involvedObject: { name: string } } };
      const pod = byName.get(object.involvedObject.name);
      if (pod) void scene.evict(pod);
    }
  };
  follow().catch((error: unknown) => {
    if (!ending.signal.aborted) throw error;
  });
  return { stop: () => ending.abort() };
};
