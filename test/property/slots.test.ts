import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { type Slots, slots } from '../../operator/runtime/slots.ts';

// `a-1` is of group `a`.
const keys = fc
  .tuple(fc.constantFrom('a', 'b', 'c'), fc.nat(30))
  .map(([group, index]) => `${group}-${index}`);
const groupOf = (key: string): string => key.slice(0, 1);
const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ queue: keys, rank: fc.nat(9) }) },
  { weight: 2, arbitrary: fc.constant('take' as const) },
  { weight: 1, arbitrary: fc.record({ release: fc.nat() }) },
);

type Step = typeof step extends fc.Arbitrary<infer S> ? S : never;

/** What a `take` was asked for in, and what it gave. */
interface Model {
  /** Ranks, in order of arrival. */
  readonly waiting: Map<string, number>;
  readonly holding: readonly string[];
  readonly held: (group: string) => number;
  readonly took: string | undefined;
}

/** Plays steps; `check` sees each `take` with what waits and holds after it. */
const play = (queue: Slots<string>, steps: readonly Step[], check: (model: Model) => void): void => {
  const waiting = new Map<string, number>();
  const holding: string[] = [];
  for (const next of steps) {
    if (next === 'take') {
      const before = [...holding];
      const held = (group: string) => before.filter((key) => groupOf(key) === group).length;
      const took = queue.take();
      check({ waiting, holding: before, held, took });
      if (took !== undefined) {
        waiting.delete(took);
        holding.push(took);
      }
    } else if ('release' in next) {
      const [key] = holding.splice(next.release % Math.max(1, holding.length), 1);
      if (key !== undefined) queue.release(key);
    } else if (!queue.holds(next.queue)) {
      queue.queue(next.queue, next.rank);
      waiting.set(next.queue, next.rank);
    }
    expect(queue.held).toBe(holding.length);
    for (const key of holding) expect(queue.holds(key)).toBe(true);
  }
};

const steps = fc.array(step, { maxLength: 300 });
const counts = fc.integer({ min: 1, max: 12 });

const isFirst = ({ waiting, took }: Model, allowed: readonly string[]): void => {
  const lowest = Math.min(...allowed.map((key) => waiting.get(key) ?? 0));
  expect(took === undefined).toBe(allowed.length === 0);
  if (took === undefined) return;
  const first = allowed.find((key) => waiting.get(key) === lowest && groupOf(key) === groupOf(took));
  expect(took).toBe(first);
};

describe('slots, however keys come and go, are given', () => {
  test.prop([counts, steps])(
    'to the first key of the lowest rank, of those whose group may have one more',
    (count, all) =>
      play(slots(count, groupOf), all, (model) => {
        const free = count - model.holding.length;
        isFirst(
          model,
          [...model.waiting.keys()].filter((key) => model.held(groupOf(key)) < 4 * free),
        );
      }),
  );

  test.prop([counts, steps])('without groups to the lowest rank while any is free', (count, all) =>
    play(slots(count), all, ({ waiting, holding, took }) => {
      const ranks = holding.length < count ? [...waiting.values()] : [];
      expect(took === undefined).toBe(ranks.length === 0);
      if (took !== undefined) expect(waiting.get(took)).toBe(Math.min(...ranks));
    }),
  );
});

test.prop([fc.integer({ min: 5, max: 200 }), fc.integer({ min: 1, max: 3 })])(
  'a group that hangs leaves slots to a second, and both together to a third',
  (count, hanging) => {
    const queue = slots<string>(count, groupOf);
    const names = ['a', 'b', 'c'].slice(0, hanging);
    const taken = names.map((name) => {
      for (let index = 0; index <= count; index++) queue.queue(`${name}-${index}`, 0);
      let got = 0;
      while (queue.take() !== undefined) got++;
      return got;
    });
    const [first = 0, second] = taken;
    expect(first).toBe(Math.ceil((count * 4) / 5));
    if (second !== undefined) expect(second).toBeGreaterThan(0);
    expect(queue.held).toBeLessThanOrEqual(count);
    if (hanging === 1) expect(queue.held).toBeLessThan(count);
  },
);

it('a key whose group changes while it waits goes once', () => {
  let group = 'a';
  const queue = slots<string>(5, () => group);
  queue.queue('key', 0);
  group = 'b';
  queue.queue('key', 0);
  expect([queue.take(), queue.take()]).toEqual(['key', undefined]);
});
