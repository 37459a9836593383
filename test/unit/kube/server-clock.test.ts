import { describe, expect, it } from 'vitest';
import { serverClock } from '../../../operator/kube/server-clock.ts';

const noonMs = Date.parse('2026-03-01T12:00:00.500Z');

/** A machine, and an API server whose clock is right; `offMs` is how far the machine's clock is ahead. */
const aMachine = (offMs: number) => {
  let elapsedMs = 5_000.5;
  const now = () => noonMs + elapsedMs - 5_000.5;
  const machine = { offMs };
  const clock = serverClock({
    elapsedMs: () => elapsedMs,
    timeOfDayMs: () => Math.floor(now() + machine.offMs),
  });
  const jumps: number[] = [];
  const offsets: number[] = [];
  clock.jumped$.subscribe((byMs) => jumps.push(byMs));
  clock.offsetMs$.subscribe((offsetMs) => offsets.push(offsetMs));
  return {
    machine,
    clock,
    jumps,
    offsets,
    /** How far the clock that decides is ahead of the right time. */
    aheadMs: () => clock.nowMs() - now(),
    pass: (ms: number) => (elapsedMs += ms),
    hears: (times: number, serverOffMs = 0) => {
      for (let count = 0; count < times; count++) {
        const take = clock.asks();
        elapsedMs += 100;
        take({ statusCode: 200, headers: { date: new Date(now() + serverOffMs).toUTCString() } });
        elapsedMs += 1_900;
      }
    },
  };
};

describe('the clock of the operator', () => {
  it.each([90_000, -90_000])(
    'is right after the first answer, on a machine that is off by %d ms',
    (offMs) => {
      const { aheadMs, hears, jumps, offsets } = aMachine(offMs);
      hears(1);
      expect(Math.abs(aheadMs())).toBeLessThan(1_000);
      hears(20);
      expect(jumps).toHaveLength(1);
      expect(offsets.map((offsetMs) => Math.round(offsetMs / 1_000))).toEqual([offMs / 1_000]);
    },
  );

  it('is that of the machine up to 5 s, and stays what it was when that drifts a little further', () => {
    const { aheadMs, hears, jumps, machine } = aMachine(4_400);
    hears(20);
    expect(Math.round(aheadMs() / 100)).toBe(44);
    machine.offMs = 5_300;
    hears(20);
    machine.offMs = 4_700;
    hears(20);
    expect(jumps).toEqual([]);
  });

  it.each([600_000, -600_000])(
    'goes on evenly when the machine is set by %d ms, and tells the offset',
    (byMs) => {
      const { aheadMs, hears, jumps, machine, offsets } = aMachine(0);
      hears(3);
      machine.offMs = byMs;
      expect(Math.abs(aheadMs())).toBeLessThan(1_000);
      hears(3);
      expect(Math.abs(aheadMs())).toBeLessThan(1_000);
      expect(jumps).toEqual([]);
      expect(offsets.map((offsetMs) => Math.round(offsetMs / 10_000))).toEqual([0, byMs / 10_000]);
    },
  );

  it('follows an API server that says something else five times in a row, and not before', () => {
    const { aheadMs, hears, jumps } = aMachine(0);
    hears(5);
    hears(4, -20_000);
    expect(jumps).toEqual([]);
    hears(1, -20_000);
    expect(Math.round(aheadMs() / 1_000)).toBe(-20);
  });

  it('stays where it is between API servers whose clocks differ', () => {
    const { hears, jumps } = aMachine(0);
    hears(2);
    for (let round = 0; round < 100; round++) {
      hears(2, -20_000);
      hears(1);
      hears(1, 20_000);
    }
    expect(jumps).toEqual([]);
  });

  it('learns nothing from answers without a date or that took too long', () => {
    const { clock, offsets, pass } = aMachine(0);
    clock.asks()({ statusCode: 200, headers: {} });
    clock.asks()({ statusCode: 200, headers: { date: 'yesterday' } });
    const take = clock.asks();
    pass(10_000);
    take({ statusCode: 200, headers: { date: new Date(noonMs - 3_600_000).toUTCString() } });
    expect(offsets).toEqual([]);
  });

  it('tells whole milliseconds, which stamps are written in', () => {
    const { clock, hears } = aMachine(90_000);
    hears(1);
    expect(clock.nowMs()).toBe(Math.floor(clock.nowMs()));
  });
});
