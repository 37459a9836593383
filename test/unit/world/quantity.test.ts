import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { valueOf } from '../../../operator/world/quantity.ts';

describe('a quantity', () => {
  it.each([
    ['2', 2],
    ['500m', 0.5],
    ['1.5', 1.5],
    ['.5', 0.5],
    ['4Gi', 4 * 2 ** 30],
    ['1k', 1_000],
    ['1e3', 1_000],
    ['1E3', 1_000],
    ['2E', 2e18],
    ['100u', 1e-4],
    ['-1', -1],
  ])('%s is %d', (text, value) => {
    expect(valueOf(text)).toBeCloseTo(value, 9);
  });

  it.each(['', 'm', '1x', '1 Gi', 'Gi', '1ei', '0x10', 'NaN', '1e'])('%j is none', (text) => {
    expect(valueOf(text)).toBeUndefined();
  });

  test.prop([fc.integer({ min: 0, max: 1e6 })])('in thousandths is the same as in decimals', (milli) => {
    expect(valueOf(`${milli}m`)).toBeCloseTo(valueOf((milli / 1000).toFixed(3)) ?? Number.NaN, 9);
  });
});
