import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { afterLoss, afterOwnWrite, calmMs, noContest, repairAtMs } from '../../operator/runtime/contest.ts';

const fraction = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
const randoms = fc.array(fraction, { minLength: 200, maxLength: 200 });
const hourMs = 3_600_000;

describe('two writers that each undo what the other wrote', () => {
  // How long each takes to see that the other wrote: from a watch at once to a GitOps tool that looks every three minutes.
  const reactionMs = fc.integer({ min: 1, max: 180_000 });

  test.prop([randoms, reactionMs])(
    'cost the API server few writes, however fast the other one is',
    (draws, rivalMs) => {
      let contest = afterOwnWrite(noContest, 0);
      let nowMs = 0;
      let writes = 1;
      for (const random of draws) {
        nowMs = Math.max(nowMs + rivalMs, repairAtMs(contest));
        if (nowMs >= hourMs) break;
        contest = afterLoss(contest, nowMs, () => random);
        writes += 1;
      }
      expect(writes).toBeLessThanOrEqual(36);
      // It never gives up: the longest pause is less than what ends a contest.
      expect(repairAtMs(contest) - contest.wroteAtMs).toBeLessThanOrEqual(calmMs / 2);
    },
  );

  test.prop([randoms, fc.integer({ min: calmMs, max: 10 * hourMs })])(
    'begin anew after a write that stood for long',
    (draws, quietMs) => {
      let contest = noContest;
      let nowMs = 0;
      for (const random of draws) {
        contest = afterLoss(contest, nowMs, () => random);
        // Clocks show whole milliseconds.
        nowMs = Math.ceil(repairAtMs(contest)) + 1;
      }
      const next = afterLoss(contest, contest.wroteAtMs + quietMs, () => 0);
      expect(next).toMatchObject({ losses: 1, pauseMs: 0 });
    },
  );
});
