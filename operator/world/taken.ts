import type { Step } from './collection.ts';
import { isLive, isTerminal, type Pod } from './pod.ts';
import { needOf, resourceOf } from './quantity.ts';

interface Place {
  /** The number of pods that have not ended; those that are being deleted are among them. */
  pods: number;
  /** The amounts of the pods that nobody deletes, by resource, in thousandths of the base unit: sums of fractions would drift. */
  readonly sums: Map<string, bigint>;
  freedAtMs: number;
}

/** Keeps how much the pods of each namespace take of its quotas, while pods come and go. */
export class Taken {
  readonly #places = new Map<string, Place>();

  /**
   * How much of a resource of a quota the live pods of a namespace take, in its base unit (cores, bytes, pieces). Those that
   * are being deleted are found in the index `ending`, since what they take depends on the time.
   */
  of(namespace: string, named: string): number {
    return Number(this.#places.get(namespace)?.sums.get(resourceOf(named)) ?? 0n) / 1_000;
  }

  /** When a pod of the namespace last ceased to take anything, in milliseconds; before all time where none is left. */
  freedAtMs(namespace: string): number {
    return this.#places.get(namespace)?.freedAtMs ?? Number.NEGATIVE_INFINITY;
  }

  note({ before, after }: Step<Pod>, nowMs: number): void {
    if (after && !isTerminal(after)) this.#enter(after);
    if (before && !isTerminal(before)) this.#leave(before, nowMs, after !== undefined && !isTerminal(after));
  }

  #enter(pod: Pod): void {
    const place = this.#places.get(pod.namespace) ?? {
      pods: 0,
      sums: new Map(),
      freedAtMs: Number.NEGATIVE_INFINITY,
    };
    this.#places.set(pod.namespace, place);
    place.pods += 1;
    if (isLive(pod)) add(place, pod, 1n);
  }

  #leave(pod: Pod, nowMs: number, stays: boolean): void {
    const place = this.#places.get(pod.namespace);
    if (!place) return;
    place.pods -= 1;
    if (isLive(pod)) add(place, pod, -1n);
    if (!stays) place.freedAtMs = nowMs;
    if (place.pods === 0) this.#places.delete(pod.namespace);
  }
}

const add = ({ sums }: Place, pod: Pod, sign: bigint): void => {
  for (const resource of ['pods', ...Object.keys(pod.demand)]) {
    const amount = BigInt(Math.round(needOf(resource, pod.demand) * 1_000));
    sums.set(resource, (sums.get(resource) ?? 0n) + sign * amount);
  }
};
