import { asyncScheduler, concat, defer, EMPTY, from, ignoreElements, merge, mergeMap, Subject } from 'rxjs';
import { switchMap, tap, timer } from 'rxjs';
import type { OperatorFunction, SchedulerLike } from 'rxjs';
import { keyedHeap } from './keyed-heap.ts';

/** When a key is to come out; the time is on the clock that `delayByKey` was given. */
export interface Alarm<K> {
  key: K;
  atMs: number;
}

// setTimeout fires at once beyond 2^31 - 1 ms.
const longestWaitMs = 2 ** 31 - 1;

/**
 * Emits each key when its time has come and then forgets it; of several times for a waiting key, the earliest counts.
 *
 * `nowMs` runs as the scheduler does: after a jump of it, subscribe anew (`anewAfter`).
 * Never early by `nowMs`, and never synchronously: a time in the past comes out as soon as the scheduler runs. Keys due
 * together come in order of their times. An infinite time never comes. One timer in all, however many keys wait.
 * An error of the source, or a time that is no number, errors the result at once. When the source completes, the result
 * does after its last key. Unsubscribing stops the timer and forgets every key.
 *
 * @example looks$.pipe(map((look) => ({ key: look.uid, atMs: look.nextLookMs })), delayByKey(nowMs))
 */
export const delayByKey =
  <K>(nowMs: () => number, scheduler: SchedulerLike = asyncScheduler): OperatorFunction<Alarm<K>, K> =>
  (source) =>
    defer(() => {
      const waitMs$ = new Subject<number>();
      const waiting = keyedHeap<K>();
      // The time the running timer was set for, infinite without one: nothing that waits is due before it.
      let timerAtMs = Infinity;
      let exhausted = false;

      const settle = (): void => {
        const first = waiting.peek();
        if (first === undefined) {
          if (exhausted) waitMs$.complete();
        } else if (first.rank < timerAtMs) {
          timerAtMs = first.rank;
          waitMs$.next(Math.min(Math.max(0, first.rank - nowMs()), longestWaitMs));
        }
      };

      const put = ({ key, atMs }: Alarm<K>): void => {
        if (Number.isNaN(atMs))
          throw new TypeError(`setting an alarm: atMs of key ${String(key)} is not a number`);
        if (atMs >= (waiting.rankOf(key) ?? Infinity)) return;
        waiting.put(key, atMs);
        settle();
      };

      // Taken out before the first is emitted: a key put back meanwhile, even for the past, waits for the next timer.
      const takeDue = (): K[] => {
        timerAtMs = Infinity;
        const due: K[] = [];
        const now = nowMs();
        for (let first = waiting.peek(); first !== undefined && first.rank <= now; first = waiting.peek()) {
          waiting.pop();
          due.push(first.key);
        }
        return due;
      };

      const due$ = waitMs$.pipe(
        switchMap((waitMs) => timer(waitMs, scheduler)),
        mergeMap(() =>
          concat(
            from(takeDue()),
            defer(() => (settle(), EMPTY)),
          ),
        ),
      );
      const alarms$ = source.pipe(
        tap({ next: put, complete: () => ((exhausted = true), settle()) }),
        ignoreElements(),
      );
      return merge(due$, alarms$);
    });
