import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { nextDelay } from '../../operator/runtime/backoff.ts';

const fraction = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

describe('nextDelay', () => {
  test.prop([fc.array(fraction, { maxLength: 50 }), fc.nat(1_000), fc.nat(60_000)])(
    'stays between base and ceiling and never more than triples',
    (randoms, baseMs, spreadMs) => {
      const limits = { baseMs, ceilingMs: baseMs + spreadMs };
      let previousMs = 0;
      for (const random of randoms) {
        const delayMs = nextDelay(previousMs, () => random, limits);
        expect(delayMs).toBeGreaterThanOrEqual(limits.baseMs);
        expect(delayMs).toBeLessThanOrEqual(limits.ceilingMs);
        expect(delayMs).toBeLessThanOrEqual(3 * Math.max(previousMs, baseMs));
        previousMs = delayMs;
      }
    },
  );
});
