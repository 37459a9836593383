import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { gateOf, roomIn, type Standing } from '../../operator/interruption/gate.ts';
import type { Refusal } from '../../operator/world/interruption.ts';
import { aRefusal } from '../builders/interruption.ts';
import { at } from '../builders/pod.ts';
import { aStanding } from '../builders/standing.ts';

const standing: fc.Arbitrary<Standing> = fc
  .record({
    name: fc.constantFrom('web', 'api'),
    version: fc.constantFrom('1', '2'),
    allowed: fc.nat(20),
    underWay: fc.nat(20),
    // Of another pod, which may have asked later.
    refusedAtMs: fc.constantFrom(Number.NEGATIVE_INFINITY, at(-1), at(4)),
    current: fc.boolean(),
    failure: fc.option(fc.constant('no scale'), { nil: '' }),
  })
  .map(({ underWay, refusedAtMs, ...figures }) => aStanding(figures, { underWay, refusedAtMs }));
const standings = fc.uniqueArray(standing, { maxLength: 2, selector: ({ budget }) => budget.name });
const single = fc.uniqueArray(standing, { maxLength: 1, selector: ({ budget }) => budget.name });

// As calls leave it: a budget's refusal may be followed up at once, any other failure after its pause.
const refusal: fc.Arbitrary<Refusal> = fc
  .record({
    attempts: fc.integer({ min: 1, max: 9 }),
    byBudget: fc.boolean(),
    version: fc.constantFrom('1', '2'),
    pauseMs: fc.integer({ min: 1_000, max: 10_000 }),
  })
  .map(({ attempts, byBudget, version, pauseMs }) =>
    aRefusal({
      ...{ attempts, byBudget, budgetVersions: { 'shop/web': version }, pauseMs },
      notBeforeMs: at(0) + (byBudget ? 0 : pauseMs),
    }),
  );
const soonMs = fc.integer({ min: 0, max: 9_999 });

describe('the gate before an eviction', () => {
  test.prop([single, soonMs, fc.option(refusal, { nil: undefined })])(
    'is closed to a Ready pod while as many calls are under way as its budget allows',
    (found, ms, refused) => {
      fc.pre(found.some((each) => roomIn(each) === 0) && refused?.byBudget !== false);
      expect(gateOf({ refusal: refused, ready: true }, found, at(0) + ms).open).toBe(false);
    },
  );

  test.prop([single, refusal, fc.boolean()])(
    'opens within ten seconds of the last refusal by its budget, unless another pod asks just then',
    (found, refused, ready) => {
      fc.pre(refused.byBudget);
      const idle = found.map((each) => ({ ...each, underWay: 0 }));
      const lastMs = Math.max(refused.atMs, ...found.map(({ refusedAtMs }) => refusedAtMs));
      expect(gateOf({ refusal: refused, ready }, idle, lastMs + 10_000)).toEqual({ open: true });
    },
  );

  test.prop([standings, soonMs, fc.option(refusal, { nil: undefined }), fc.boolean()])(
    'is closed until a moment that it names, and open then, unless two budgets close it for good',
    (found, ms, refused, ready) => {
      const nowMs = at(0) + ms;
      fc.pre(found.every(({ refusedAtMs }) => refusedAtMs <= nowMs));
      const gate = gateOf({ refusal: refused, ready }, found, nowMs);
      if (gate.open) return;
      expect(gate.message).not.toBe('');
      expect(gate.againAtMs).toBeGreaterThan(nowMs);
      const later = Number.isFinite(gate.againAtMs) ? gate.againAtMs : nowMs + 60_000;
      const idle = found.map((each) => ({ ...each, underWay: 0 }));
      if (found.length > 1) expect(gateOf({ refusal: gate.refusal, ready }, found, later).open).toBe(false);
      else {
        const then = gateOf({ refusal: gate.refusal, ready }, idle, gate.againAtMs);
        // After the pause of another failure the budget speaks.
        const budgetSpeaks = !gate.refusal.byBudget && ready && idle.some((each) => roomIn(each) === 0);
        expect(then.open).toBe(!budgetSpeaks);
      }
    },
  );
});
