import { eciAnnotations } from '../api/keys.ts';
import type { Watched } from '../runtime/list-watch.ts';
import type { Step } from './collection.ts';
import { isReclaimed, type Pod } from './pod.ts';

/** How this world came to know a condition of a pod; times in milliseconds since the epoch. */
export interface Sighting {
  /** When the condition appeared, as exactly as it is known. */
  readonly atMs: number;
  /** When this world first saw the pod with it. */
  readonly seenMs: number;
  /** This world saw the pod without the condition before. */
  readonly witnessed: boolean;
}

/** The sightings of one pod. */
export interface Sightings {
  /** `ContainerInstanceExpired` is True. */
  readonly expired: Sighting | undefined;
  /** `ContainerInstanceCreated` has the reason SpotToBeReleased. */
  readonly reclaimed: Sighting | undefined;
  /** `Ready` is True; undefined also where its own time is right, as it nearly always is. */
  readonly ready: Sighting | undefined;
}

interface Entry extends Sightings {
  /** When a list or a watch last delivered the pod. */
  readonly deliveredMs: number;
}

/** From `fromMs` to `untilMs` the watch may have missed changes. */
interface Gap {
  readonly fromMs: number;
  readonly untilMs: number;
}

// The API writes times in whole seconds, rounded down.
const roundingMs = 1_000;
// A platform that announces a reclaim may change the pod once more before it writes the condition.
const racingMs = 10_000;
// What a watch missed comes with its first lines.
const catchingUpMs = 1_000;

/**
 * When the conditions of spot pods appeared. A condition's transition time alone does not tell: it may be older than the
 * condition. ECI changes the reason of a condition that stays True, and a provider may stamp every condition with the
 * creation time of its pod.
 *
 * One entry of constant size per pod with a spot strategy, removed with the pod.
 */
export class SightingBook {
  readonly #byUid = new Map<string, Entry>();
  #heardMs: number | undefined;
  #gap: Gap | undefined;

  get size(): number {
    return this.#byUid.size;
  }

  /** The sightings of a pod; undefined for one that has no spot strategy, or that this world never saw. */
  of(uid: string): Sightings | undefined {
    return this.#byUid.get(uid);
  }

  /** Takes in that the source of pods delivered something, or failed; before the steps that follow from it. */
  hear(said: Watched<Pod>['kind'], nowMs: number): void {
    if (said === 'failed') {
      const fromMs = this.#isInGap(nowMs) ? this.#gap?.fromMs : this.#heardMs;
      this.#gap = { fromMs: fromMs ?? nowMs, untilMs: Number.POSITIVE_INFINITY };
      return;
    }
    this.#heardMs = nowMs;
    if (this.#gap && said !== 'listing' && said !== 'listed')
      this.#gap = { ...this.#gap, untilMs: Math.min(this.#gap.untilMs, nowMs + catchingUpMs) };
  }

  /** Takes in a step of a pod. */
  note({ before, after }: Step<Pod>, nowMs: number): void {
    if (!after) {
      this.#byUid.delete(before?.uid ?? '');
      return;
    }
    if (!(eciAnnotations.spotStrategy in after.annotations)) return;
    const known = this.#byUid.get(after.uid);
    this.#byUid.set(after.uid, {
      deliveredMs: nowMs,
      expired: after.expired && (known?.expired ?? this.#sight(known, after.expired.sinceMs, nowMs)),
      // Its transition time is that of the status, which has been True since the creation of the instance.
      reclaimed: isReclaimed(after) ? (known?.reclaimed ?? this.#sight(known, undefined, nowMs)) : undefined,
      ready: after.ready ? (before?.ready ? known?.ready : this.#misdated(known, after, nowMs)) : undefined,
    });
  }

  #misdated(known: Entry | undefined, { readySinceMs }: Pod, nowMs: number): Sighting | undefined {
    const sighting = this.#sight(known, readySinceMs, nowMs);
    return sighting.atMs === readySinceMs ? undefined : sighting;
  }

  #sight(known: Entry | undefined, toldMs: number | undefined, nowMs: number): Sighting {
    const sinceMs = toldMs === undefined ? undefined : Math.min(toldMs, nowMs);
    if (!known) return { atMs: sinceMs ?? nowMs, seenMs: nowMs, witnessed: false };
    // Not in the future, where the clock has jumped back since the pod was delivered.
    const atMs = Math.min(nowMs, this.#appearedMs(known.deliveredMs, sinceMs, nowMs));
    return { atMs, seenMs: nowMs, witnessed: true };
  }

  // A transition time from before the pod was last delivered without the condition is wrong: by a little where the pod
  // changed in between, by anything where it was never set.
  #appearedMs(deliveredMs: number, sinceMs: number | undefined, nowMs: number): number {
    if (sinceMs !== undefined && sinceMs + roundingMs > deliveredMs) return sinceMs;
    if (sinceMs !== undefined && sinceMs + racingMs > deliveredMs) return deliveredMs;
    return this.#isInGap(nowMs) ? Math.max(deliveredMs, this.#gap?.fromMs ?? 0) : nowMs;
  }

  #isInGap(nowMs: number): boolean {
    return this.#gap !== undefined && nowMs <= this.#gap.untilMs;
  }
}
