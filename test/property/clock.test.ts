import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { toleratedMs } from '../../operator/kube/clock-offset.ts';
import { serverClock } from '../../operator/kube/server-clock.ts';

/** Something that happens some milliseconds after what happened before it. */
type Happening = { readonly afterMs: number } & (
  | { readonly kind: 'answer'; readonly tookMs: number; readonly headerAt: number }
  | { readonly kind: 'set'; readonly offsetMs: number }
  /** One answer with an old date, from a cache or from an API server with a clock of its own. */
  | { readonly kind: 'stray'; readonly offMs: number }
  /** The machine sleeps: its time of day goes on, its elapsed time does not. */
  | { readonly kind: 'sleep'; readonly ms: number }
);

const afterMs = fc.oneof(fc.nat(3_000), fc.nat(60_000));
const offsetMs = fc.oneof(
  fc.integer({ min: -8_000, max: 8_000 }),
  fc.integer({ min: -3_600_000, max: 3_600_000 }),
);
const answer = fc.record({
  kind: fc.constant('answer' as const),
  afterMs,
  tookMs: fc.oneof(fc.nat(200), fc.nat(5_000)),
  headerAt: fc.double({ min: 0, max: 1, noNaN: true }),
});
const set = fc.record({ kind: fc.constant('set' as const), afterMs, offsetMs });
const stray = fc.record({ kind: fc.constant('stray' as const), afterMs, offMs: offsetMs });
const longSleep = fc.record({
  kind: fc.constant('sleep' as const),
  afterMs,
  ms: fc.integer({ min: toleratedMs + 1, max: 3_600_000 }),
});

const trueStartMs = Date.parse('2026-03-01T12:00:00.250Z');
// What an answer of 5 s leaves open, half of it on either side, and what is tolerated.
const mostOffMs = toleratedMs + 3_000;

/** An operator's clock beside the true time, which is the API server's. */
const lifeOf = (happenings: readonly Happening[], firstOffsetMs: number) => {
  let elapsedMs = 1_000.25;
  let trueMs = trueStartMs;
  let machineOffMs = firstOffsetMs;
  const clock = serverClock({ elapsedMs: () => elapsedMs, timeOfDayMs: () => trueMs + machineOffMs });
  const jumps: number[] = [];
  clock.jumped$.subscribe((byMs) => jumps.push(byMs));
  const pass = (ms: number): void => {
    elapsedMs += ms;
    trueMs += ms;
  };
  const answerIn = (tookMs: number, headerAt: number, offMs: number): void => {
    const take = clock.asks();
    pass(tookMs * headerAt);
    const date = new Date(trueMs + offMs).toUTCString();
    pass(tookMs * (1 - headerAt));
    take({ statusCode: 200, headers: { date } });
  };
  const seen: { nowMs: number; trueMs: number; jumps: number; afterSleep: boolean }[] = [];
  let afterSleep = false;
  const look = (): unknown => seen.push({ nowMs: clock.nowMs(), trueMs, jumps: jumps.length, afterSleep });
  for (const what of happenings) {
    pass(what.afterMs);
    look();
    if (what.kind === 'set') machineOffMs = what.offsetMs;
    if (what.kind === 'stray') answerIn(10, 0.5, what.offMs);
    if (what.kind === 'answer') answerIn(what.tookMs, what.headerAt, 0);
    if (what.kind === 'sleep') trueMs += what.ms;
    if (what.kind === 'sleep') afterSleep = true;
    if (what.kind === 'answer') afterSleep = false;
    look();
  }
  return { seen, jumps };
};

const pairs = <T>(all: readonly T[]): [T, T][] =>
  all.slice(1).flatMap((after, index): [T, T][] => {
    const before = all[index];
    return before === undefined ? [] : [[before, after]];
  });

const first: Happening = { kind: 'answer', afterMs: 0, tookMs: 20, headerAt: 0.5 };

describe("the operator's clock, from the first answer on", () => {
  test.prop([offsetMs, fc.array(fc.oneof({ weight: 3, arbitrary: answer }, set), { maxLength: 60 })])(
    'is never off by more than is tolerated, and moves at most once, however this machine is set',
    (firstOffsetMs, happenings) => {
      const { seen, jumps } = lifeOf([first, ...happenings], firstOffsetMs);
      for (const { nowMs, trueMs } of seen.slice(1)) expect(Math.abs(nowMs - trueMs)).toBeLessThan(mostOffMs);
      expect(jumps.length).toBeLessThanOrEqual(1);
      // Before that move and after it, the clock only goes forward.
      for (const [before, after] of pairs(seen.slice(1)))
        if (before.jumps === after.jumps) expect(after.nowMs).toBeGreaterThanOrEqual(before.nowMs);
    },
  );

  test.prop([offsetMs, fc.array(fc.tuple(answer, stray), { maxLength: 40 })])(
    'is not moved by single answers that are wrong',
    (firstOffsetMs, pairs) => {
      const { seen, jumps } = lifeOf([first, ...pairs.flat()], firstOffsetMs);
      for (const { nowMs, trueMs } of seen.slice(1)) expect(Math.abs(nowMs - trueMs)).toBeLessThan(mostOffMs);
      expect(jumps.length).toBeLessThanOrEqual(1);
    },
  );

  test.prop([
    offsetMs,
    // A shorter sleep, or one that is hidden because somebody sets the clock meanwhile, takes five answers to be noticed.
    fc.array(fc.oneof({ weight: 3, arbitrary: answer }, { weight: 1, arbitrary: longSleep }), {
      maxLength: 40,
    }),
  ])(
    'is right again after the first answer that follows a sleep of the machine',
    (firstOffsetMs, happenings) => {
      const { seen } = lifeOf([first, ...happenings], firstOffsetMs);
      // An offset that the slowest answer leaves possible is no reason to move: it may have been dated when it was
      // sent. Dates have whole seconds, and the clock whole milliseconds.
      const slowestMs = Math.max(
        ...[first, ...happenings].map((what) => (what.kind === 'answer' ? what.tookMs : 0)),
      );
      for (const { nowMs, trueMs, afterSleep } of seen.slice(1))
        if (!afterSleep)
          expect(Math.abs(nowMs - trueMs)).toBeLessThanOrEqual(toleratedMs + slowestMs + 1_000 + 2);
    },
  );
});
