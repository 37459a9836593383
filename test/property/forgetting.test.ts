import { fc, test } from '@fast-check/vitest';
import { afterAll, beforeAll, describe, expect, vi } from 'vitest';
import { noonMs } from '../builders/pod.ts';
import { type Sizes, trackCollections } from '../builders/tracked-collections.ts';
import { changingCluster, type Happening } from './changing-cluster.ts';

const index = fc.nat(5);
const happening: fc.Arbitrary<Happening> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ kind: fc.constantFrom('come', 'come', 'change', 'go'), what: fc.nat(99), index }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constantFrom('doom', 'doom', 'terminate', 'replace', 'ready', 'finish'),
      index,
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom('event', 'strayEvent', 'degrade'), index }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constantFrom('relist', 'restart', 'admit', 'fail', 'work'), index }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('wait'), index: fc.nat(300) }) },
);
const advance = (ms: number): Promise<unknown> => vi.advanceTimersByTimeAsync(ms);

describe('after any history at whose end all objects are deleted', () => {
  const tracked = trackCollections();
  let before: Sizes;
  const play = async (history: readonly Happening[], order: Iterable<number>): Promise<Sizes> => {
    vi.useFakeTimers({
      now: noonMs,
      toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'Date'],
    });
    try {
      tracked.begin();
      const cluster = changingCluster();
      for (const each of history) await cluster.happen(each, advance);
      await cluster.end(order, advance);
      const sizes = await tracked.sizes();
      cluster.stop();
      return sizes;
    } finally {
      vi.useRealTimers();
    }
  };
  beforeAll(async () => {
    before = await play([], []);
  });
  afterAll(() => tracked.stop());

  test.prop(
    [
      fc.array(happening, { minLength: 30, maxLength: 80, size: 'max' }),
      fc.infiniteStream(fc.nat(1_000_000)),
    ],
    // A history takes a third of a second, so a failure names its seed and is not made smaller.
    { numRuns: 18, endOnFailure: true },
  )(
    'all Maps and Sets of the process have the sizes that they began with',
    async (history, order) => {
      expect(await play(history, order)).toEqual(before);
    },
    300_000,
  );
});
