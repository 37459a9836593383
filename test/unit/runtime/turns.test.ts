import { describe, expect, it } from 'vitest';
import { turns } from '../../../operator/runtime/turns.ts';

describe('turns', () => {
  it('come at once where nobody waits, and otherwise so far apart, in the order of asking', () => {
    const calm = turns<string>(50);
    expect(['a', 'b', 'c'].map((key) => calm.of(key, 1_000))).toEqual([1_000, 1_050, 1_100]);
    expect(calm.of('d', 5_000)).toBe(5_000);
  });

  it('are kept by whoever asks again, until they are given back', () => {
    const calm = turns<string>(50);
    calm.of('a', 0);
    expect(calm.of('b', 0)).toBe(50);
    expect(calm.of('b', 40)).toBe(50);
    calm.giveBack('b');
    expect(calm.of('b', 60)).toBe(100);
  });
});
