import { describe, expect, it } from 'vitest';
import type { SpotPolicyStatus } from '../../../operator/api/status.ts';
import { newlyMissed } from '../../../operator/observe/missed-pods.ts';

const counts = {
  ...{ matched: 9, spot: 0, onDemand: 9, fallback: 0, pending: 0, outdated: 0 },
  ...{ userValueKept: 0, offVirtualNode: 0 },
};
const status = (uninjected: number, programmed: 'True' | 'False' = 'True'): SpotPolicyStatus => ({
  conditions: [
    {
      ...{ type: 'Programmed', status: programmed, reason: 'Any', message: '' },
      lastTransitionTime: '2026-03-01T12:00:00Z',
    },
  ],
  pods: { ...counts, uninjected },
});

describe('pods that admission has missed', () => {
  it('are news when the policy becomes Programmed, and not before', () => {
    expect(newlyMissed(undefined, status(2, 'False'))).toBe(0);
    expect(newlyMissed(status(2, 'False'), status(3))).toBe(3);
    expect(newlyMissed(undefined, status(3))).toBe(3);
    expect(newlyMissed(status(0, 'False'), status(0))).toBe(0);
  });

  it('are news again at each power of two: an outage is told a few times, not once for each pod', () => {
    const growing = Array.from({ length: 1_000 }, (_, index) => index + 1);
    const told = growing.flatMap((count) => newlyMissed(status(count - 1), status(count)) || []);
    expect(told).toEqual([1, 2, 4, 8, 16, 32, 64, 128, 256, 512]);
    expect(newlyMissed(status(8), status(3))).toBe(0);
  });
});
