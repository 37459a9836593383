import { vi } from 'vitest';
import { noonMs } from './pod.ts';

/** Lets the clock of a test run on by so many milliseconds; timers that fall due fire, and what they cause settles. */
export type Advance = (ms: number) => Promise<void>;

/** A test whose clock stands at noon and moves only when told: no wait is real, and `Date.now` is part of it. */
export const onAClock = (body: (advance: Advance) => Promise<void>) => async (): Promise<void> => {
  vi.useFakeTimers({ now: noonMs });
  try {
    await body(async (ms) => {
      await vi.advanceTimersByTimeAsync(ms);
    });
  } finally {
    vi.useRealTimers();
  }
};
