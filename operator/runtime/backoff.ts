/** Between which limits a back-off moves, in milliseconds. */
export interface BackoffLimits {
  baseMs: number;
  ceilingMs: number;
}

// Quick enough that a cut connection is no gap worth noticing, slow enough that an outage sees two requests a minute.
const usualLimits: BackoffLimits = { baseMs: 100, ceilingMs: 30_000 };

/**
 * The wait after so many failures in a row, in milliseconds: the base, doubled with each failure up to the ceiling, of which
 * between half and all is waited. For retries that must not come sooner only because luck was good; `random` gives numbers
 * in [0, 1).
 */
export const growingDelay = (
  failures: number,
  random: () => number,
  { baseMs, ceilingMs }: BackoffLimits,
): number => Math.min(ceilingMs, baseMs * 2 ** Math.min(failures, 30)) * (0.5 + random() / 2);

/**
 * The next wait of a back-off with decorrelated jitter, in milliseconds: anywhere between the base and three times the
 * wait before it, never above the ceiling. Begin with a previous wait of 0. `random` gives numbers in [0, 1).
 *
 * Clients that failed together drift apart at once, and one that fails for long still tries now and then. The factor and
 * the name are from "Exponential Backoff And Jitter" (AWS Architecture Blog, 2015).
 */
export const nextDelay = (
  previousMs: number,
  random: () => number,
  { baseMs, ceilingMs }: BackoffLimits = usualLimits,
): number => Math.min(ceilingMs, baseMs + random() * (3 * Math.max(previousMs, baseMs) - baseMs));
