import type { PauseAfter } from '../runtime/backoff.ts';

/** What time it is, in milliseconds since the epoch, and how long to pause after failures: what a decision is told of time. */
export interface Times {
  readonly nowMs: number;
  readonly pauseAfter: PauseAfter;
}
