import { fc, test } from '@fast-check/vitest';
import { asyncScheduler, from, map, mergeMap, tap, timer } from 'rxjs';
import { describe, expect } from 'vitest';
import { delayByKey } from '../../operator/runtime/delay-by-key.ts';
import { inVirtualTime } from '../unit/runtime/marbles.ts';

// Most alarms for the near future, some for the past, some beyond the longest single wait of the operator.
const alarmAtMs = fc.oneof(fc.integer({ min: -20, max: 80 }), fc.integer({ min: 59_000, max: 200_000 }));
const alarms = fc.array(fc.record({ atMs: fc.nat(60), key: fc.constantFrom('a', 'b', 'c'), alarmAtMs }), {
  maxLength: 40,
});

interface Pending {
  setMs: number;
  alarmAtMs: number;
}

describe('delayByKey, for any alarms', () => {
  test.prop([alarms])('emits each key exactly at the earliest time it was given, and loses none', (input) => {
    // The model: what waits, by key. A key comes out at the earliest time asked for, or when it was asked if that is past.
    const pending = new Map<string, Pending>();
    const nowMs = (): number => asyncScheduler.now();
    let completed = false;
    inVirtualTime(({ flush }) => {
      from(input)
        .pipe(
          mergeMap((alarm) => timer(alarm.atMs).pipe(map(() => ({ key: alarm.key, atMs: alarm.alarmAtMs })))),
          tap(({ key, atMs }) => {
            const before = pending.get(key);
            if (before === undefined || atMs < before.alarmAtMs)
              pending.set(key, { setMs: nowMs(), alarmAtMs: atMs });
          }),
          delayByKey(nowMs),
        )
        .subscribe({
          next: (key) => {
            const due = pending.get(key) ?? { setMs: NaN, alarmAtMs: NaN };
            expect(nowMs()).toBe(Math.max(due.setMs, due.alarmAtMs));
            for (const other of pending.values())
              expect(other.alarmAtMs >= due.alarmAtMs || other.alarmAtMs <= nowMs()).toBe(true);
            pending.delete(key);
          },
          complete: () => (completed = true),
        });
      flush();
    });
    expect(pending.size).toBe(0);
    expect(completed).toBe(true);
  });
});
