import { describe, expect, it } from 'vitest';
import { turned } from '../../bench/measure.ts';
import { judge, quantile, ratios, summaryOf } from '../../bench/statistics.ts';

describe('a quantile', () => {
  it('lies between the values next to it', () => {
    expect(quantile([4, 1, 3, 2], 0.5)).toBe(2.5);
    expect(quantile([10, 20], 0.99)).toBeCloseTo(19.9);
  });

  it('of one value is that value, and of none is no number', () => {
    expect(quantile([7], 0.99)).toBe(7);
    expect(quantile([], 0.5)).toBeNaN();
  });
});

describe('a verdict', () => {
  const spread = (low: number, median: number, high: number) => ({ low, median, high });

  it('is met up to the goal, whatever the spread', () => {
    expect(judge(spread(1.0, 1.15, 3), 1.15)).toBe('met');
  });

  it('is unclear where the goal is missed by no more than half the distance of the quartiles', () => {
    expect(judge(spread(1.0, 1.25, 1.3), 1.15)).toBe('unclear');
    expect(judge(spread(1.2, 1.25, 1.3), 1.15)).toBe('missed');
  });

  it('is missed by what was measured once and by what was not measured at all', () => {
    expect(judge(summaryOf([1.16]), 1.15)).toBe('missed');
    expect(judge(summaryOf([]), 1.15)).toBe('missed');
  });
});

it('a ratio is taken within a round, so that a slow round counts for both', () => {
  expect(summaryOf(ratios([11, 110, 22], [10, 100, 20])).median).toBeCloseTo(1.1);
  expect(ratios([1], [])).toEqual([Number.NaN]);
});

it('rounds begin with another way each time', () => {
  expect([0, 1, 2, 3].map((by) => turned(['a', 'b', 'c'], by).join(''))).toEqual([
    'abc',
    'bca',
    'cab',
    'abc',
  ]);
});
