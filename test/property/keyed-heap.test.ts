import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { keyedHeap } from '../../operator/runtime/keyed-heap.ts';

const keys = fc.nat(15).map(String);
const step = fc.oneof(
  { weight: 3, arbitrary: fc.record({ put: keys, rank: fc.nat(9) }) },
  { weight: 1, arbitrary: fc.constant('pop' as const) },
);

describe('keyedHeap', () => {
  test.prop([fc.array(step, { maxLength: 200 })])(
    'behaves as a list sorted by rank, then by arrival',
    (steps) => {
      const heap = keyedHeap<string>();
      // In order of arrival; a stable sort by rank gives the order of the heap.
      let model: { key: string; rank: number }[] = [];
      const inOrder = () => model.toSorted((one, other) => one.rank - other.rank);
      for (const next of steps) {
        if (next === 'pop') {
          const [first] = inOrder();
          expect(heap.pop()).toEqual(first && expect.objectContaining(first));
          model = model.filter((entry) => entry !== first);
        } else {
          const { put: key, rank } = next;
          const waiting = model.find((entry) => entry.key === key);
          if (waiting) waiting.rank = rank;
          else model.push({ key, rank });
          heap.put(key, rank);
        }
        expect(heap.size).toBe(model.length);
        expect(heap.peek()?.key).toBe(inOrder()[0]?.key);
        for (const { key, rank } of model) expect(heap.rankOf(key)).toBe(rank);
      }
    },
  );
});
