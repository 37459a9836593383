import { startWith, switchMap } from 'rxjs';
import type { MonoTypeOperatorFunction, Observable } from 'rxjs';

/**
 * Subscribes to the source at once, and afresh after each value of `again$`.
 *
 * A new subscription comes after the old one has ended, which cancels the work it has under way. An error of either side
 * errors the result. It completes when both have.
 *
 * @example alarms$.pipe(delayByKey(nowMs), anewAfter(jumped$))
 */
export const anewAfter =
  <T>(again$: Observable<unknown>): MonoTypeOperatorFunction<T> =>
  (source) =>
    again$.pipe(
      startWith(undefined),
      switchMap(() => source),
    );
