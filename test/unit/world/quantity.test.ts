import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { demandOf, valueOf } from '../../../operator/world/quantity.ts';

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

describe('what a pod asks of quotas', () => {
  const container = (cpu: string, memory?: string) => ({
    name: 'main',
    resources: { requests: { cpu, ...(memory && { memory }) } },
  });

  it('is what its containers ask together, or the first ones alone where that is more', () => {
    const containers = [container('500m', '1Gi'), container('1')];
    expect(demandOf({ containers })).toEqual({ 'requests.cpu': 1.5, 'requests.memory': 2 ** 30 });
    expect(demandOf({ containers, initContainers: [container('4')] })['requests.cpu']).toBe(4);
  });

  it('is nothing where it names no amounts', () => {
    expect(demandOf({ containers: [{ name: 'main' }] })).toEqual({});
    expect(demandOf(undefined)).toEqual({});
  });
});
