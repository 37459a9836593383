import { concat, defer, EMPTY, ignoreElements, merge, mergeMap, Subject, tap } from 'rxjs';
import type { Observable, OperatorFunction } from 'rxjs';
import { keyedHeap } from './keyed-heap.ts';

/** How many keys run at once, and which of the waiting ones goes first. */
export interface CoalesceOptions<K> {
  concurrency: number;
  /** Smaller goes first, equal ones in order of arrival. Asked at each trigger of a key, not while it waits. */
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
    { concurrency, priority = () => 0 }: CoalesceOptions<K>,
  ): OperatorFunction<K, R> =>
  (source) =>
    defer(() => {
      const started$ = new Subject<K>();
      const waiting = keyedHeap<K>();
      const running = new Set<K>();
      // Exactly those keys of `running` that were triggered since their run began.
      const again = new Set<K>();
      let exhausted = false;
      // A run may end, or cause triggers, before its start returns. Then the loop that started it takes the next key:
      // starting that from inside would grow the stack with every synchronous run.
      let starting = false;

      const startWaiting = (): void => {
        if (starting) return;
        starting = true;
        while (running.size < concurrency) {
          const next = waiting.pop();
          if (next === undefined) break;
          running.add(next.key);
          started$.next(next.key);
        }
        starting = false;
        if (exhausted && running.size === 0) started$.complete();
      };

      const trigger = (key: K): void => {
        if (running.has(key)) again.add(key);
        else waiting.put(key, priority(key));
        startWaiting();
      };

      const ended = (key: K): void => {
        running.delete(key);
        if (again.delete(key)) waiting.put(key, priority(key));
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
