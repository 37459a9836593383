import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { graceToGive, timetable } from '../../operator/interruption/deadline.ts';

const noticedAtMs = fc.integer({ min: 0, max: 4e12 });
// A window is named in whole minutes, up to a day.
const windowMs = fc.integer({ min: 1, max: 24 * 60 }).map((minutes) => minutes * 60_000);
const graceSeconds = fc.oneof(fc.integer({ min: 0, max: 200 }), fc.integer({ min: 0, max: 2 ** 31 - 1 }));

describe('the moments before a deadline', () => {
  test.prop([noticedAtMs, windowMs, graceSeconds])(
    'come in order, none before the notice, for any window and any grace',
    (noticed, window, grace) => {
      const deadlineMs = noticed + window;
      const { lastEvictionMs, forceMs } = timetable({ noticedAtMs: noticed, deadlineMs }, grace);
      expect(lastEvictionMs).toBeGreaterThanOrEqual(noticed);
      expect(forceMs).toBeGreaterThanOrEqual(lastEvictionMs);
      expect(deadlineMs).toBeGreaterThanOrEqual(forceMs);
    },
  );

  test.prop([noticedAtMs, windowMs, graceSeconds])(
    'leave the grace that was asked for, or half of the window',
    (noticed, window, grace) => {
      const deadlineMs = noticed + window;
      const { forceMs } = timetable({ noticedAtMs: noticed, deadlineMs }, grace);
      expect(deadlineMs - forceMs).toBeGreaterThanOrEqual(Math.min(grace * 1000, window / 2));
    },
  );

  test.prop([noticedAtMs, windowMs, graceSeconds, graceSeconds])(
    'come no later for a longer grace',
    (noticed, window, grace, more) => {
      const notice = { noticedAtMs: noticed, deadlineMs: noticed + window };
      const { forceMs } = timetable(notice, grace);
      expect(timetable(notice, Math.max(grace, more)).forceMs).toBeLessThanOrEqual(forceMs);
    },
  );
});

describe('the grace period to send', () => {
  test.prop([noticedAtMs, windowMs, graceSeconds, fc.integer({ min: -60_000, max: 24 * 3_600_000 })])(
    'is at least a second, no more than asked for, and over before the deadline wherever it can be',
    (noticed, window, grace, afterMs) => {
      const deadlineMs = noticed + window;
      const nowMs = noticed + afterMs;
      const given = graceToGive(deadlineMs, grace, nowMs);
      expect(Number.isInteger(given)).toBe(true);
      expect(given).toBeGreaterThanOrEqual(1);
      expect(given).toBeLessThanOrEqual(Math.max(1, grace));
      // A minute later ECI has not kept to it.
      if (given > 1 && nowMs < deadlineMs + 60_000) expect(nowMs + given * 1000).toBeLessThan(deadlineMs);
    },
  );

  test.prop([noticedAtMs, windowMs, graceSeconds])(
    'is the pod’s own at its last eviction, or half of the window less two seconds',
    (noticed, window, grace) => {
      const deadlineMs = noticed + window;
      const { forceMs } = timetable({ noticedAtMs: noticed, deadlineMs }, grace);
      const given = graceToGive(deadlineMs, grace, forceMs);
      expect(given).toBeGreaterThanOrEqual(Math.min(grace, Math.floor(window / 2000) - 2));
    },
  );
});
