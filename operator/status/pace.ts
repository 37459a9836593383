import type { Times } from '../world/times.ts';

// What changes after a quiet time is told at once, what goes on changing ever more seldom.
const limits = { baseMs: 1_000, ceilingMs: 10_000 };
const quietMs = 20_000;

/** How the counts of one policy have been told of late. */
interface Told {
  /** Writes that followed each other without a quiet time between. */
  readonly writes: number;
  readonly atMs: number;
  readonly notBeforeMs: number;
}

/** When counts may be told again, by UID of the policy: at once after a quiet time, then after 1 to 10 seconds. */
export class Pace {
  readonly #told = new Map<string, Told>();
  readonly #pauseAfter: Times['pauseAfter'];

  constructor(pauseAfter: Times['pauseAfter']) {
    this.#pauseAfter = pauseAfter;
  }

  /** In milliseconds; before all time where they have not been told of late. */
  notBeforeMs(uid: string): number {
    return this.#told.get(uid)?.notBeforeMs ?? Number.NEGATIVE_INFINITY;
  }

  note(uid: string, nowMs: number): void {
    const told = this.#told.get(uid);
    const writes = told && nowMs < told.atMs + quietMs ? told.writes + 1 : 1;
    this.#told.set(uid, { writes, atMs: nowMs, notBeforeMs: nowMs + this.#pauseAfter(writes, limits) });
  }

  forget(uid: string): void {
    this.#told.delete(uid);
  }
}
