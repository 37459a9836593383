import { describe, expect, it } from 'vitest';
import { forceMs, graceToGive, timetable } from '../../../operator/interruption/deadline.ts';
import { at } from '../../builders/pod.ts';

const moments = (graceSeconds: number, windowSeconds = 180) => {
  const notice = { noticedAtMs: at(0), deadlineMs: at(windowSeconds) };
  const { lastEvictionMs, forceMs, deadlineMs } = timetable(notice, graceSeconds);
  return [lastEvictionMs, forceMs, deadlineMs].map((ms) => (ms - at(0)) / 1000);
};

describe('between a notice and its deadline', () => {
  it('the last eviction is ten seconds, the forced deletion five before the grace would no longer fit', () => {
    expect(moments(30)).toEqual([140, 145, 180]);
    expect(moments(0)).toEqual([170, 175, 180]);
  });

  it('a grace period longer than half the window is planned for as half of it', () => {
    expect(moments(90)).toEqual([80, 85, 180]);
    expect(moments(91)).toEqual([80, 85, 180]);
    expect(moments(3600)).toEqual([80, 85, 180]);
    expect(moments(3600, 60)).toEqual([20, 25, 60]);
  });
});

describe('the moment of force', () => {
  const window = (from: number, to: number) => ({ noticedAtMs: at(from), deadlineMs: at(to) });

  it('is the condition’s, however early the deadline that an Event names', () => {
    expect(forceMs(window(0, 180), window(0, 180), 30)).toBe(at(145));
    expect(forceMs(window(-57, 3), window(0, 180), 30)).toBe(at(145));
  });

  it('is not before the last eviction, where an Event names a longer window than is assumed', () => {
    expect(forceMs(window(0, 300), window(0, 180), 30)).toBe(at(265));
  });
});

describe('the grace period to send', () => {
  it('is the pod’s own while it fits, with two seconds to spare', () => {
    expect(graceToGive(at(180), 30, at(0))).toBe(30);
    expect(graceToGive(at(180), 30, at(148))).toBe(30);
    expect(graceToGive(at(180), 30, at(149))).toBe(29);
  });

  it('is cut to whole seconds', () => {
    expect(graceToGive(at(180), 30, at(149.001))).toBe(28);
  });

  it('is never less than a second, also for a pod that asks for none or when it is too late', () => {
    expect(graceToGive(at(180), 0, at(0))).toBe(1);
    expect(graceToGive(at(180), 30, at(179))).toBe(1);
    expect(graceToGive(at(180), 30, at(239))).toBe(1);
  });

  it('is the pod’s own again where ECI did not keep to the deadline', () => {
    expect(graceToGive(at(180), 30, at(240))).toBe(30);
  });
});
