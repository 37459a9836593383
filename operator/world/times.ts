import type { PauseAfter } from '../runtime/backoff.ts';

/** The time in milliseconds since the epoch, and how long to pause after failures: all that a decision is told of time. */
export interface Times {
  readonly nowMs: number;
  readonly pauseAfter: PauseAfter;
}
