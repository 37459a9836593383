import {
  asyncScheduler,
  concat,
  defer,
  EMPTY,
  finalize,
  ignoreElements,
  merge,
  mergeMap,
  Subject,
} from 'rxjs';
import { type Observable, type OperatorFunction, type Subscription, tap } from 'rxjs';
import { type SliceOptions, usualSliceMs } from './in-slices.ts';
import { slots } from './slots.ts';

/** How many keys run at once, which of the waiting ones goes first, and how long starting them may take at a stretch. */
export interface CoalesceOptions<K> extends SliceOptions {
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
 * waits for, any number of them during a run by exactly one further run. Runs that have taken a slice of one turn of the
 * event loop between them leave the waiting keys to later turns. Emits what the runs emit, as it comes. An error
 * of the source or of a run errors the result and cancels the other runs, so a run turns its own failures into values.
 * Completes when the source has and nothing runs or waits. Unsubscribing cancels every run. A key at rest is forgotten.
 *
 * @example touched$.pipe(coalesceByKey((uid) => look(uid), { concurrency: 64, priority: deadlineOf }))
 */
export const coalesceByKey =
  <K, R>(
    run: (key: K) => Observable<R>,
    {
      concurrency,
      priority = () => 0,
      group,
      sliceMs = usualSliceMs,
      scheduler = asyncScheduler,
      elapsedMs = () => scheduler.now(),
    }: CoalesceOptions<K>,
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
      // What runs took of their slice, and the timer that begins the next one. Little work needs none: it adds up first.
      let spentMs = 0;
      let rest: Subscription | undefined;

      const start = (key: K): void => {
        const beganMs = elapsedMs();
        started$.next(key);
        // Somebody may have set the clock.
        spentMs += Math.max(0, elapsedMs() - beganMs);
        if (spentMs * 10 >= sliceMs) rest ??= scheduler.schedule(startSlice);
      };

      const startWaiting = (): void => {
        if (starting) return;
        starting = true;
        const next = (): K | undefined => (spentMs < sliceMs ? queue.take() : undefined);
        for (let key = next(); key !== undefined; key = next()) start(key);
        starting = false;
        if (exhausted && queue.held + queue.waiting === 0) started$.complete();
      };

      const startSlice = (): void => {
        spentMs = 0;
        rest = undefined;
        startWaiting();
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
      return merge(runs$, triggers$).pipe(finalize(() => rest?.unsubscribe()));
    });
