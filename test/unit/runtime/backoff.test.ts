import { describe, expect, it } from 'vitest';
import { nextDelay } from '../../../operator/runtime/backoff.ts';

const limits = { baseMs: 100, ceilingMs: 1_000 };

describe('nextDelay', () => {
  it('lies between the base and three times the wait before', () => {
    expect(nextDelay(200, () => 0, limits)).toBe(100);
    expect(nextDelay(200, () => 0.5, limits)).toBe(350);
  });

  it('spreads the very first wait too', () => {
    expect(nextDelay(0, () => 0, limits)).toBe(100);
    expect(nextDelay(0, () => 0.5, limits)).toBe(200);
  });

  it('stops at the ceiling', () => {
    expect(nextDelay(900, () => 0.9, limits)).toBe(1_000);
  });
});
