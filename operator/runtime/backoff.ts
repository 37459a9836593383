/** Between which limits a back-off moves, in milliseconds; the ceiling is at least twice the base. */
export interface BackoffLimits {
  readonly baseMs: number;
  readonly ceilingMs: number;
}

/** The pause after so many failures in a row, 1 after the first, in milliseconds. */
export type PauseAfter = (failures: number, limits: BackoffLimits) => number;

// Quick enough that a cut connection is no gap worth noticing, slow enough that an outage sees a few requests a minute.
const usualLimits: BackoffLimits = { baseMs: 100, ceilingMs: 30_000 };

/**
 * The back-off of every retry: the pause after `failures` failures in a row, 1 after the first, in milliseconds. `random` gives
 * numbers in [0, 1).
 *
 * The pause is between the base and twice the base after the first failure, and doubles with each further one until it is
 * between half the ceiling and all of it. So it never comes sooner by luck than half of what the failures ask for, and objects
 * that failed together are tried again apart, also at the ceiling ("equal jitter": "Exponential Backoff And Jitter", AWS
 * Architecture Blog, 2015).
 */
export const growingDelay = (
  failures: number,
  random: () => number,
  { baseMs, ceilingMs }: BackoffLimits = usualLimits,
): number => {
  const mostMs = Math.min(ceilingMs, baseMs * 2 ** Math.min(failures, 30));
  return Math.max(baseMs, mostMs * (0.5 + random() / 2));
};

/** The same for decisions, which draw no numbers themselves. */
export const pausing =
  (random: () => number): PauseAfter =>
  (failures, limits) =>
    growingDelay(failures, random, limits);
