import { setTimeout as pause } from 'node:timers/promises';
import { inspect } from 'node:util';

// A long wait may take a tenth longer. Many waits that ask often would take a core from what they wait for.
const pauseMs = (waitedMs: number): number => Math.min(500, Math.max(50, waitedMs / 10));

/** The values that mean "not yet". */
type NotYet = false | undefined | null;

/**
 * Asks until the probe gives a value, and gives that value. `false`, `undefined`, `null` and a thrown error mean "not
 * yet". After the time-out it throws with the description and what the last look saw, which is what one wants to know;
 * an aborted signal ends it with the signal's reason.
 */
export const waitFor = async <T>(
  description: string,
  probe: () => T | Promise<T>,
  { timeoutMs = 30_000, signal }: { timeoutMs?: number; signal?: AbortSignal } = {},
): Promise<Exclude<T, NotYet>> => {
  const beganMs = performance.now();
  let last: unknown;
  for (;;) {
    signal?.throwIfAborted();
    try {
      const value = await probe();
      if (value !== false && value !== undefined && value !== null) return value as Exclude<T, NotYet>;
      last = value;
    } catch (error) {
      last = error;
    }
    const waitedMs = performance.now() - beganMs;
    if (waitedMs >= timeoutMs)
      throw new Error(
        `waited ${timeoutMs} ms for ${description}; the last look saw: ${inspect(last, { depth: 6 })}`,
        {
          cause: last,
        },
      );
    await pause(pauseMs(waitedMs));
  }
};
