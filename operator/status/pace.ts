import type { Times } from '../world/times.ts';

// A storm is told once a second; mere counts of pods, which every rollout moves, more seldom.
const urgentMs = 1_000;
// The status tells a change after a quiet time at once, and counts that go on changing ever more seldom.
const limits = { baseMs: 1_000, ceilingMs: 10_000 };
const quietMs = 20_000;

/** How the status of one policy has been written of late. */
interface Written {
  readonly atMs: number;
  readonly counts: Counts;
}

/** How counts have been told of late. */
interface Counts {
  /** Writes that followed each other without a quiet time between. */
  readonly writes: number;
  readonly atMs: number;
  readonly notBeforeMs: number;
}

const never = Number.NEGATIVE_INFINITY;
const untold: Counts = { writes: 0, atMs: never, notBeforeMs: never };

/**
 * When the status of a policy may be written again, by UID of the policy: a second after it was written last. Counts alone
 * may be told at once after a quiet time, then after 1 to 10 seconds.
 */
export class Pace {
  readonly #written = new Map<string, Written>();
  readonly #pauseAfter: Times['pauseAfter'];

  constructor(pauseAfter: Times['pauseAfter']) {
    this.#pauseAfter = pauseAfter;
  }

  /** In milliseconds; before all time where it has not been written yet. */
  notBeforeMs(uid: string): number {
    return (this.#written.get(uid)?.atMs ?? never) + urgentMs;
  }

  /** Likewise where nothing but counts is to be told. */
  countsNotBeforeMs(uid: string): number {
    return this.#written.get(uid)?.counts.notBeforeMs ?? never;
  }

  note(uid: string, nowMs: number, urgent: boolean): void {
    const told = this.#written.get(uid)?.counts ?? untold;
    this.#written.set(uid, { atMs: nowMs, counts: urgent ? told : this.#after(told, nowMs) });
  }

  forget(uid: string): void {
    this.#written.delete(uid);
  }

  #after(told: Counts, nowMs: number): Counts {
    const writes = nowMs < told.atMs + quietMs ? told.writes + 1 : 1;
    return { writes, atMs: nowMs, notBeforeMs: nowMs + this.#pauseAfter(writes, limits) };
  }
}
