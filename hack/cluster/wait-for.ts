import { setTimeout as pause } from 'node:timers/promises';
import { inspect } from 'node:util';

const intervalMs = 100;

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
  const deadlineMs = performance.now() + timeoutMs;
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
    if (performance.now() >= deadlineMs)
      throw new Error(
        `waited ${timeoutMs} ms for ${description}; the last look saw: ${inspect(last, { depth: 6 })}`,
        {
          cause: last,
        },
      );
    await pause(intervalMs);
  }
};
