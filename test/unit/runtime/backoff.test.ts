import { expect, it } from 'vitest';
import { growingDelay } from '../../../operator/runtime/backoff.ts';

const limits = { baseMs: 1_000, ceilingMs: 10_000 };
const pauses = (random: number): number[] =>
  [1, 2, 3, 4, 5, 50].map((failures) => growingDelay(failures, () => random, limits));

it('pauses double from the base up to the ceiling, and between half and all of each is waited', () => {
  expect(pauses(0)).toEqual([1_000, 2_000, 4_000, 5_000, 5_000, 5_000]);
  expect(pauses(0.5)).toEqual([1_500, 3_000, 6_000, 7_500, 7_500, 7_500]);
});
