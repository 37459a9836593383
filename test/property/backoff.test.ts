import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { gateOf } from '../../operator/interruption/gate.ts';
import type { Effect } from '../../operator/interruption/look.ts';
import { settle } from '../../operator/interruption/settle.ts';
import { growingDelay } from '../../operator/runtime/backoff.ts';
import type { Interruption } from '../../operator/world/interruption.ts';
import { anInterruption } from '../builders/interruption.ts';
import { noonMs } from '../builders/pod.ts';
import { aStanding } from '../builders/standing.ts';

const fraction = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
const limits = fc
  .record({ baseMs: fc.integer({ min: 1, max: 5_000 }), times: fc.integer({ min: 2, max: 3_600 }) })
  .map(({ baseMs, times }) => ({ baseMs, ceilingMs: baseMs * times }));

describe('the back-off of every retry', () => {
  test.prop([limits, fc.array(fraction, { minLength: 1, maxLength: 60 })])(
    'stays between base and ceiling, and its least pause grows to half the ceiling',
    (within, randoms) => {
      randoms.forEach((random, index) => {
        const [least, most] = [0, random].map((drawn) => growingDelay(index + 1, () => drawn, within));
        expect(least).toBeGreaterThanOrEqual(index ? growingDelay(index, () => 0, within) : within.baseMs);
        expect(most).toBeGreaterThanOrEqual(least ?? 0);
        expect(most).toBeLessThanOrEqual(within.ceilingMs);
      });
      expect(growingDelay(60, () => 0, within)).toBeGreaterThanOrEqual(within.ceilingMs / 2);
    },
  );

  test.prop([limits, fc.integer({ min: 1, max: 60 }), fraction, fraction])(
    'parts objects that failed equally often, also at the ceiling',
    (within, failures, one, other) => {
      const pauses = [one, other].map((random) => growingDelay(failures, () => random, within));
      const apartMs = Math.abs((pauses[0] ?? 0) - (pauses[1] ?? 0));
      // Half of what is waited at most is drawn; the ceiling is at least twice the base, so half of it is no less than the base.
      expect(apartMs).toBeGreaterThanOrEqual((Math.abs(one - other) * within.baseMs) / 2 - 1e-6);
    },
  );
});

describe('the pause after a call about a doomed pod that failed', () => {
  const kind = fc.constantFrom<Effect['kind']>('Evict', 'Delete', 'Mark', 'Remove', 'Attach');
  const failure = fc.record({
    byBudget: fc.boolean(),
    afterMs: fc.option(fc.integer({ min: 0, max: 3_600_000 }), { nil: undefined }),
    random: fraction,
  });
  const afterFailures = (
    of: Effect['kind'],
    failures: readonly { byBudget: boolean; afterMs: number | undefined; random: number }[],
  ): Interruption =>
    failures.reduce((before: Interruption, { byBudget, afterMs, random }) => {
      const answer = {
        kind: 'Refused',
        message: 'no',
        byBudget,
        ...(afterMs !== undefined && { afterMs }),
      } as const;
      const pauseAfter = (count: number, within: { baseMs: number; ceilingMs: number }): number =>
        growingDelay(count, () => random, within);
      const versions = { 'shop/web': '1' };
      return settle(before, { effect: { kind: of } as Effect, answer }, versions, {
        nowMs: noonMs,
        pauseAfter,
      });
    }, anInterruption());

  test.prop([kind, fc.array(failure, { minLength: 1, maxLength: 20 })])(
    'is from one to ten seconds and never shorter than the API server asked for, up to half a minute',
    (of, failures) => {
      const { refusal, unmarked } = afterFailures(of, failures);
      const { pauseMs = 0 } = unmarked ?? refusal ?? {};
      const askedMs = Math.min(30_000, failures.at(-1)?.afterMs ?? 0);
      expect(pauseMs).toBeGreaterThanOrEqual(Math.max(1_000, askedMs));
      expect(pauseMs).toBeLessThanOrEqual(10_000 + Math.max(0, failures.at(-1)?.afterMs ?? 0, askedMs));
      expect(pauseMs).toBeLessThanOrEqual(40_000);
    },
  );

  test.prop([kind, fc.integer({ min: 1, max: 20 }), fraction, fraction])(
    'differs between pods that failed equally often',
    (of, count, one, other) => {
      fc.pre(Math.abs(one - other) > 0.001);
      const pauses = [one, other].map((random) => {
        const failures = Array.from({ length: count }, () => ({
          byBudget: false,
          afterMs: undefined,
          random,
        }));
        const { refusal, unmarked } = afterFailures(of, failures);
        return (unmarked ?? refusal)?.pauseMs;
      });
      expect(pauses[0]).not.toBe(pauses[1]);
    },
  );

  test.prop([fc.array(failure, { minLength: 1, maxLength: 20 })])(
    'delays no pod whose budget refused it and has room since then',
    (failures) => {
      const { refusal } = afterFailures('Evict', [
        ...failures,
        { byBudget: true, afterMs: undefined, random: 0.999 },
      ]);
      const freed = aStanding({ version: '2', allowed: 1 });
      expect(gateOf({ refusal, ready: true }, [freed], noonMs)).toEqual({ open: true });
    },
  );
});
