import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { deviationOf, nextShare, shareOfIndex, type Tally } from '../../operator/policy/distribution.ts';

const distribution = fc.record({
  onDemandBase: fc.integer({ min: 0, max: 12 }),
  spotPercentage: fc.integer({ min: 0, max: 100 }),
});
const tally = fc.record({ spot: fc.nat({ max: 40 }), onDemand: fc.nat({ max: 40 }) });

const plus = ({ spot, onDemand }: Tally, capacity: 'spot' | 'on-demand'): Tally =>
  capacity === 'spot' ? { spot: spot + 1, onDemand } : { spot, onDemand: onDemand + 1 };

describe('a distribution', () => {
  test.prop([distribution, fc.integer({ min: 1, max: 120 })])(
    'holds after every pod while pods are only created: the base, then the share rounded down',
    (asked, pods) => {
      let now: Tally = { spot: 0, onDemand: 0 };
      for (let count = 1; count <= pods; count += 1) {
        now = plus(now, nextShare(now, asked).capacity);
        const above = Math.max(0, count - asked.onDemandBase);
        expect(now.spot).toBe(Math.floor((above * asked.spotPercentage) / 100));
        expect(deviationOf(now, asked)).toBe(0);
      }
    },
  );

  test.prop([distribution, tally])('is never further away after a creation than before', (asked, now) => {
    const after = plus(now, nextShare(now, asked).capacity);
    expect(deviationOf(after, asked)).toBeLessThanOrEqual(deviationOf(now, asked));
  });

  test.prop([distribution, tally])(
    'is reached by creations alone, however far away it was',
    (asked, start) => {
      fc.pre(asked.spotPercentage > 0 && asked.spotPercentage < 100);
      let now: Tally = start;
      for (let count = 0; count < 10_000 && deviationOf(now, asked) > 0; count += 1) {
        now = plus(now, nextShare(now, asked).capacity);
      }
      expect(deviationOf(now, asked)).toBe(0);
    },
  );

  test.prop([distribution, fc.integer({ min: 0, max: 150 })])(
    'by index gives any number of first pods what creation gives them',
    (asked, pods) => {
      const spot = Array.from({ length: pods }, (_, index) => shareOfIndex(index, asked)).filter(
        ({ capacity }) => capacity === 'spot',
      ).length;
      expect(deviationOf({ spot, onDemand: pods - spot }, asked)).toBe(0);
    },
  );

  test.prop([distribution, tally])('says why: the base until it is full', (asked, now) => {
    const { capacity, reason } = nextShare(now, asked);
    expect(reason).toBe(now.onDemand < asked.onDemandBase ? 'OnDemandBase' : 'SpotPercentage');
    if (reason === 'OnDemandBase') expect(capacity).toBe('on-demand');
  });
});
