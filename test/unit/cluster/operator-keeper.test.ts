import { expect, test } from 'vitest';
import { pauseBeforeStart } from '../../../hack/cluster/operator-keeper.ts';

test('an operator that ends at once is started again after 1 s, then ever later, up to 30 s', () => {
  const pauses = [0];
  for (let start = 0; start < 7; start += 1) pauses.push(pauseBeforeStart(pauses.at(-1) ?? 0, 100));
  expect(pauses.slice(1)).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
});

test('one that ran for a minute is started again after 1 s', () => {
  expect(pauseBeforeStart(30_000, 60_000)).toBe(1_000);
});
