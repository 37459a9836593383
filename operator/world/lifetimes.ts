import { specifiedDelete } from '../api/keys.ts';
import type { Watched } from '../runtime/list-watch.ts';
import type { Step } from './collection.ts';
import { isSameController } from './object.ts';
import { isOfKind } from './objects.ts';
import { isLive, type Pod } from './pod.ts';

// Enough for every pod and workload of a large storm; 36 characters each.
const mostDeparted = 10_000;
// The API server keeps an Event for an hour by default, and no interruption lasts so long.
const departedMs = 3_600_000;

/**
 * When pods were first seen, and first seen ending, in steps of the world, which are the order of the watch; and which
 * pods and workloads went.
 */
export class Lifetimes {
  #step = 0;
  // A listing is under way.
  #listing = false;
  // Of gone pods both are kept only while an interruption follows them.
  readonly #seenAt = new Map<string, number>();
  readonly #endedAt = new Map<string, number>();
  // When the last pods and workloads went, oldest first; Events about pods may still arrive.
  readonly #departed = new Map<string, number>();
  #nowMs = 0;

  /** When the world last went on. */
  get nowMs(): number {
    return this.#nowMs;
  }

  /** The world goes on at `nowMs`. */
  advance(nowMs: number): void {
    this.#nowMs = nowMs;
    for (const [uid, atMs] of this.#departed) {
      if (nowMs - atMs < departedMs) break;
      this.#departed.delete(uid);
    }
  }

  /**
   * The world goes on by one step as the watch of pods does. A listing is one step to its end, also when it breaks off and
   * begins anew: what it brings happened in no known order.
   */
  hear(watched: Watched<Pod>['kind']): void {
    if (!this.#listing) this.#step += 1;
    if (watched === 'listing') this.#listing = true;
    if (watched === 'synced') this.#listing = false;
  }

  /** Keeps what a step says of a pod; of one that is gone only where it is `followed`. */
  note({ before, after }: Step<Pod>, followed: (uid: string) => boolean): void {
    const uid = after?.uid ?? before?.uid ?? '';
    if (after && !before) this.#seenAt.set(uid, this.#step);
    const moved = before && after && !isSameController(before, after);
    const told = before && after && !(specifiedDelete in before.labels) && specifiedDelete in after.labels;
    if ((!after || !isLive(after) || moved || told) && !this.#endedAt.has(uid))
      this.#endedAt.set(uid, this.#step);
    if (moved && isOfKind(after.controller, 'ReplicaSet')) this.#endedAt.delete(uid);
    if (after) return;
    this.depart(uid);
    if (!followed(uid)) this.forget(uid);
  }

  /** A pod, or what creates pods, is gone. */
  depart(uid: string): void {
    this.#departed.set(uid, this.#nowMs);
    const [oldest] = this.#departed.keys();
    if (this.#departed.size > mostDeparted && oldest !== undefined) this.#departed.delete(oldest);
  }

  /** Nobody follows a gone pod any more. */
  forget(uid: string): void {
    this.#seenAt.delete(uid);
    this.#endedAt.delete(uid);
  }

  /** The step of the world at which a pod was first seen; 0 for one never seen. */
  seenAt(uid: string): number {
    return this.#seenAt.get(uid) ?? 0;
  }

  /**
   * The step at which a pod was first seen making room: taken out of its ReplicaSet, labelled for its CloneSet,
   * terminating, terminal or gone.
   */
  endedAt(uid: string): number | undefined {
    return this.#endedAt.get(uid);
  }

  /** A pod or workload of this UID is known to be gone. */
  isDeparted(uid: string): boolean {
    return this.#departed.has(uid);
  }
}
