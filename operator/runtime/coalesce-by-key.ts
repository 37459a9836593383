import { concat, defer, EMPTY, ignoreElements, merge, mergeMap, Subject, tap } from 'rxjs';
import type { Observable, OperatorFunction } from 'rxjs';
import { slots } from './slots.ts';

/** How many keys run at once, and which of the waiting ones goes first. */
export interface CoalesceOptions<K> {
  concurrency: number;
  /** A group of keys, such as a namespace, leaves a fifth of the slots to the others, whatever hangs in it. */
  group?: (key: K) => string;
  /** Smaller goes first, equal ones of a group in order of arrival. Asked at each trigger of a key, not while it waits. */
  priority?: (key: K) => number;
}

/**
 * The reconcile queue: runs each key that arrives, never two runs of one key at a time, at most `concurrency` in all.
 *
 * Every trigger is followed by a run that starts after it: a trigger of a key that waits is answered by the run it
 * waits for, any number of them during a run by exactly one further run. Emits what the runs emit, as it comes. An error
 * of the source or of a run errors the result and cancels the other runs, so a run turns its own failures into values.
 * Completes when the source has and nothing runs or waits. Unsubscribing cancels every run. A key at rest is forgotten.
 *
 * @example touched$.pipe(coalesceByKey((uid) => look(uid), { concurrency: 64, priority: deadlineOf }))
 */
export const coalesceByKey =
  <K, R>(
    run: (key: K) => Observable<R>,
    { concurrency, priority = () => 0, group }: CoalesceOptions<K>,
  ): OperatorFunction<K, R> =>
  (source) =>
    defer(() => {
      const started$ = new Subject<K>();
      const queue = slots(concurrency, group);
      // Exactly those running keys that were triggered since their run began.
      const again = new Set<K>();
      let exhausted = false;
      // A run may end, or cause triggers, before its start returns. Then the loop that started it takes the next key:
      // starting that from inside would grow the stack with every synchronous run.
      let starting = false;

      const startWaiting = (): void => {
        if (starting) return;
        starting = true;
        for (let key = queue.take(); key !== undefined; key = queue.take()) started$.next(key);
        starting = false;
        if (exhausted && queue.held === 0) started$.complete();
      };

      const trigger = (key: K): void => {
        if (queue.holds(key)) again.add(key);
        else queue.queue(key, priority(key));
        startWaiting();
      };

      const ended = (key: K): void => {
        queue.release(key);
        if (again.delete(key)) queue.queue(key, priority(key));
        startWaiting();
      };

      const runs$ = started$.pipe(
        mergeMap((key) =>
          concat(
            defer(() => run(key)),
            defer(() => (ended(key), EMPTY)),
          ),
        ),
      );
      const triggers$ = source.pipe(
        tap({ next: trigger, complete: () => ((exhausted = true), startWaiting()) }),
        ignoreElements(),
      );
      return merge(runs$, triggers$);
    });
