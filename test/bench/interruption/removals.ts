import { setTimeout as pause } from 'node:timers/promises';
import type { Pod } from 'kubernetes-types/core/v1.js';
import { pathTo } from '../../integration/harness/objects.ts';
import type { Scene } from './scene.ts';

/** When pods began to be removed, as one watch saw it for every way alike; an eviction is accepted at that moment. */
export interface Removals {
  /** By UID, in milliseconds by this process's clock. */
  readonly atMs: ReadonlyMap<string, number>;
  /** Resolves when all of them are being removed, or after so long. */
  all(pods: readonly Pod[], withinMs: number): Promise<void>;
  stop(): void;
}

// As near to the moment as the shortest of what is measured asks for.
const lookMs = 2;

/** The UID of the pod that a line of a watch shows being removed; undefined where it shows none. */
export const uidRemoved = (line: string): string | undefined =>
  // Such a line is kilobytes and most say nothing new: it is searched, not parsed. An object's own metadata comes first.
  line.includes('"deletionTimestamp":') ? /"uid":"([^"]+)"/.exec(line)?.[1] : undefined;

/** Watches the pods of a scene from now on. */
export const watchRemovals = async ({ cluster, namespace, connections }: Scene): Promise<Removals> => {
  const path = pathTo('Pod', namespace);
  const { metadata } = await cluster.admin.get<{ metadata: { resourceVersion: string } }>(`${path}?limit=1`);
  let { resourceVersion } = metadata;
  const atMs = new Map<string, number>();
  const ending = new AbortController();
  let failure: unknown;
  const hear = (line: string): void => {
    resourceVersion = /"resourceVersion":"(\d+)"/.exec(line)?.[1] ?? resourceVersion;
    const uid = uidRemoved(line);
    if (uid !== undefined && !atMs.has(uid)) atMs.set(uid, performance.now());
  };
  const follow = async (): Promise<void> => {
    while (!ending.signal.aborted) {
      const query = `watch=true&resourceVersion=${resourceVersion}`;
      for await (const line of connections.watch(`${path}?${query}`, ending.signal)) {
        if (line.startsWith('{"type":"ERROR"')) throw new Error(`watching ${path}: ${line}`);
        hear(line);
      }
    }
  };
  follow().catch((error: unknown) => {
    if (!ending.signal.aborted) failure = error;
  });
  return {
    atMs,
    all: async (pods, withinMs) => {
      const uids = pods.map(({ metadata }) => metadata?.uid ?? '');
      const untilMs = performance.now() + withinMs;
      while (performance.now() < untilMs && !uids.every((uid) => atMs.has(uid))) {
        if (failure !== undefined) throw failure;
        await pause(lookMs);
      }
    },
    stop: () => ending.abort(),
  };
};
