import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { Connections } from '../../operator/server/connections.ts';

const limits = { most: 8, mostOfAddress: 5, unprovenMs: 10 };
const address = fc.constantFrom('10.0.0.1', '10.0.0.2', '10.0.0.3');
const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('open' as const), address }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('begin' as const), which: fc.nat() }) },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant('end' as const), which: fc.nat(), success: fc.boolean() }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('close' as const), which: fc.nat() }) },
);

interface Known {
  readonly address: string;
  proven: boolean;
  underWay: number;
}

describe('the connections of a server', () => {
  test.prop([fc.array(step, { maxLength: 200, size: 'max' })], { numRuns: 100 })(
    'are bounded, and the one that makes room is never in use by a client that has proven itself',
    (steps) => {
      const table = new Connections<number>(limits);
      const known = new Map<number, Known>();
      const pick = (which: number): [number, Known] | undefined =>
        [...known][which % Math.max(1, known.size)];
      steps.forEach((move, nowMs) => {
        if (move.kind === 'open') {
          const leaver = table.open(nowMs, move.address, nowMs);
          const gone = leaver === undefined ? undefined : known.get(leaver);
          if (gone) {
            expect(gone.proven && gone.underWay > 0).toBe(false);
            // One that has proven itself goes only where every other in question has, too.
            const crowded =
              [...known.values()].filter((one) => one.address === move.address).length >=
              limits.mostOfAddress;
            const asked = [...known.values()].filter((one) => !crowded || one.address === move.address);
            if (gone.proven) expect(asked.every(({ proven }) => proven)).toBe(true);
            // An address gives way before one that has fewer connections.
            const placesOf = (of: string) => [...known.values()].filter((one) => one.address === of).length;
            for (const other of asked)
              if (other.proven === gone.proven && other.underWay === gone.underWay)
                expect(placesOf(gone.address)).toBeGreaterThanOrEqual(placesOf(other.address));
            known.delete(leaver ?? -1);
          }
          if (leaver !== nowMs) known.set(nowMs, { address: move.address, proven: false, underWay: 0 });
        } else {
          const [key, one] = pick(move.which) ?? [];
          if (key === undefined || !one) return;
          if (move.kind === 'begin') {
            expect(table.begin(key, nowMs)).toBe(one.underWay < 2);
            one.underWay = Math.min(2, one.underWay + 1);
          } else if (move.kind === 'end' && one.underWay > 0) {
            table.end(key, move.success, nowMs);
            one.underWay -= 1;
            one.proven ||= move.success;
          } else if (move.kind === 'close') {
            table.close(key);
            known.delete(key);
          }
        }
        expect(new Set(table.keys())).toEqual(new Set(known.keys()));
        expect(table.size).toBeLessThanOrEqual(limits.most);
        for (const each of ['10.0.0.1', '10.0.0.2', '10.0.0.3'])
          expect([...known.values()].filter((one) => one.address === each).length).toBeLessThanOrEqual(5);
      });
      for (const key of [...known.keys()]) table.close(key);
      expect(table.size).toBe(0);
    },
  );
});
