/** Between which limits a back-off moves, in milliseconds. */
export interface BackoffLimits {
  baseMs: number;
  ceilingMs: number;
}

// Quick enough that a cut connection is no gap worth noticing, slow enough that an outage sees two requests a minute.
const usualLimits: BackoffLimits = { baseMs: 100, ceilingMs: 30_000 };

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
