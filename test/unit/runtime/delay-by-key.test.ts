import { asyncScheduler, defer, EMPTY, map, merge, NEVER, of, Subject, take } from 'rxjs';
import type { OperatorFunction, SchedulerLike } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { serverClock } from '../../../operator/kube/server-clock.ts';
import { anewAfter } from '../../../operator/runtime/anew-after.ts';
import { delayByKey } from '../../../operator/runtime/delay-by-key.ts';
import type { Alarm } from '../../../operator/runtime/delay-by-key.ts';
import { inVirtualTime } from './marbles.ts';

const virtualNowMs = (): number => asyncScheduler.now();

/** Turns each marble into the alarm that the table gives for it. */
const alarms = (
  table: Record<string, [key: string, atMs: number]>,
): OperatorFunction<string, Alarm<string>> =>
  map((marble) => {
    const [key, atMs] = table[marble] ?? [marble, NaN];
    return { key, atMs };
  });

describe('delayByKey', () => {
  it('emits each key at its time, in order of time and not of arrival', () => {
    inVirtualTime(({ hot, expectObservable }) => {
      const alarm$ = hot('ab-----------').pipe(alarms({ a: ['a', 9], b: ['b', 5] }));
      expectObservable(alarm$.pipe(delayByKey(virtualNowMs))).toBe('-----b---a---');
    });
  });

  it('keeps the earliest of several times for one key', () => {
    inVirtualTime(({ hot, expectObservable }) => {
      const alarm$ = hot('lem----------').pipe(alarms({ l: ['k', 9], e: ['k', 6], m: ['k', 8] }));
      expectObservable(alarm$.pipe(delayByKey(virtualNowMs))).toBe('------k------');
    });
  });

  it('forgets a key that came out, so that a later time counts again', () => {
    inVirtualTime(({ hot, expectObservable }) => {
      const alarm$ = hot('e---l--------').pipe(alarms({ e: ['k', 3], l: ['k', 8] }));
      expectObservable(alarm$.pipe(delayByKey(virtualNowMs))).toBe('---k----k----');
    });
  });

  it('emits what is due together at once, in order of the times and then of arrival', () => {
    inVirtualTime(({ hot, expectObservable }) => {
      const alarm$ = hot('---(abc)--').pipe(alarms({ a: ['a', -1], b: ['b', -2], c: ['c', -2] }));
      expectObservable(alarm$.pipe(delayByKey(virtualNowMs))).toBe('---(bca)--');
    });
  });

  it('never emits while an alarm is handed in, though its time is past', () => {
    inVirtualTime(({ flush }) => {
      const alarm$ = new Subject<Alarm<string>>();
      const emittedWhileHandedIn: boolean[] = [];
      let handingIn = false;
      const handIn = (): void => {
        handingIn = true;
        alarm$.next({ key: 'k', atMs: -1 });
        handingIn = false;
      };
      alarm$.pipe(delayByKey(virtualNowMs)).subscribe(() => {
        emittedWhileHandedIn.push(handingIn);
        if (emittedWhileHandedIn.length < 3) handIn();
      });
      handIn();
      flush();
      expect(emittedWhileHandedIn).toEqual([false, false, false]);
    });
  });

  it('never emits early by the clock it was given, however slow that is', () => {
    inVirtualTime(({ expectObservable }) => {
      const slowNowMs = (): number => Math.floor(virtualNowMs() / 2);
      expectObservable(merge(of({ key: 'k', atMs: 4 }), NEVER).pipe(delayByKey(slowNowMs))).toBe('8ms k');
    });
  });

  it.each([600_000, -600_000])('does not feel that the clock of its machine is set by %d ms', (byMs) => {
    inVirtualTime(({ expectObservable }) => {
      const timeOfDayMs = (): number => virtualNowMs() + (virtualNowMs() >= 1_000 ? byMs : 0);
      const { nowMs } = serverClock({ elapsedMs: virtualNowMs, timeOfDayMs });
      expectObservable(merge(of({ key: 'k', atMs: 60_000 }), NEVER).pipe(delayByKey(nowMs))).toBe('60s k');
    });
  });

  it('subscribed anew after a jump, keeps what the source then says by the time that counts now', () => {
    inVirtualTime(({ cold, expectObservable }) => {
      const atMs = 60_000;
      const jumpingNowMs = (): number => virtualNowMs() + (virtualNowMs() >= 1_000 ? 40_000 : 0);
      const looks$ = defer(() => merge(of({ key: 'k', atMs }), NEVER));
      const jumped$ = cold('1s j');
      expectObservable(looks$.pipe(delayByKey(jumpingNowMs), anewAfter(jumped$))).toBe('20s k');
    });
  });

  it('waits for longer than setTimeout can', () => {
    inVirtualTime(({ flush }) => {
      const waitsMs: number[] = [];
      const schedule: SchedulerLike['schedule'] = (work, delayMs = 0, state?) => {
        waitsMs.push(delayMs);
        return asyncScheduler.schedule<never>(work as never, delayMs, state as never);
      };
      const atMs = 30 * 86_400_000;
      const seenMs: number[] = [];
      of({ key: 'k', atMs })
        .pipe(delayByKey(virtualNowMs, { now: virtualNowMs, schedule }))
        .subscribe(() => seenMs.push(virtualNowMs()));
      flush();
      expect(seenMs).toEqual([atMs]);
      expect(Math.max(...waitsMs)).toBeLessThan(2 ** 31);
    });
  });

  it('completes with an empty source, and after the last key otherwise; an infinite time holds nothing up', () => {
    inVirtualTime(({ cold, expectObservable }) => {
      const delayed = delayByKey<string>(virtualNowMs);
      const table = { a: ['a', 3] as [string, number], i: ['i', Infinity] as [string, number] };
      expectObservable(EMPTY.pipe(delayed)).toBe('|');
      expectObservable(NEVER.pipe(delayed)).toBe('-');
      expectObservable(cold('(ai|)').pipe(alarms(table), delayed)).toBe('---(a|)');
    });
  });

  it('passes on an error of the source at once and refuses a time that is no number', () => {
    inVirtualTime(({ cold, expectObservable }) => {
      const delayed = delayByKey<string>(virtualNowMs);
      expectObservable(cold('a-#').pipe(alarms({ a: ['a', 9] }), delayed)).toBe('--#');
      const problem = new TypeError('setting an alarm: atMs of key a is not a number');
      expectObservable(cold('a').pipe(alarms({}), delayed)).toBe('#', undefined, problem);
    });
  });

  it('lets go of the source and of its timer when it is unsubscribed', () => {
    inVirtualTime(({ cold, expectObservable, expectSubscriptions, flush }) => {
      const source$ = cold('a-----');
      expectObservable(source$.pipe(alarms({ a: ['a', 4] }), delayByKey(virtualNowMs)), '^-!').toBe('---');
      expectSubscriptions(source$.subscriptions).toBe('^-!');
      const both$ = of({ key: 'a', atMs: 1 }, { key: 'b', atMs: 99 });
      both$.pipe(delayByKey(virtualNowMs), take(1)).subscribe();
      flush();
      expect(virtualNowMs()).toBeLessThan(99);
    });
  });
});
