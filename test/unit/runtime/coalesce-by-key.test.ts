import {
  asyncScheduler,
  concat,
  defer,
  EMPTY,
  from,
  NEVER,
  Observable,
  of,
  range,
  Subject,
  take,
  tap,
} from 'rxjs';
import { describe, expect, it } from 'vitest';
import { coalesceByKey } from '../../../operator/runtime/coalesce-by-key.ts';
import { inVirtualTime } from './marbles.ts';

const oneAtATime = { concurrency: 1 };
// However long it takes: all in one turn of the event loop.
const atOnce = { ...oneAtATime, elapsedMs: () => 0 };

describe('coalesceByKey', () => {
  it('answers any number of triggers during a run by exactly one further run', () => {
    inVirtualTime(({ cold, hot, expectObservable, expectSubscriptions }) => {
      const keys$ = hot('aaa-a----------|');
      const run$ = cold('----r|');
      expectObservable(keys$.pipe(coalesceByKey(() => run$, { concurrency: 9 }))).toBe('----r----r-----|');
      expectSubscriptions(run$.subscriptions).toBe(['^----!', '-----^----!']);
    });
  });

  it('answers triggers of a waiting key by the run it waits for', () => {
    inVirtualTime(({ cold, hot, expectObservable, expectSubscriptions }) => {
      const runs: Record<string, Observable<string>> = { a: cold('----a|'), b: cold('b|') };
      const keys$ = hot('a-b-b----|');
      const result$ = keys$.pipe(coalesceByKey((key) => runs[key] ?? NEVER, oneAtATime));
      expectObservable(result$).toBe('----ab---|');
      expectSubscriptions(keys$.subscriptions).toBe('^--------!');
    });
  });

  it('runs different keys side by side, as many as allowed', () => {
    inVirtualTime(({ cold, hot, expectObservable, expectSubscriptions }) => {
      const run$ = cold('------r|');
      const keys$ = hot('abc------------------|');
      expectObservable(keys$.pipe(coalesceByKey(() => run$, { concurrency: 2 }))).toBe(
        '------rr-----r-------|',
      );
      expectSubscriptions(run$.subscriptions).toBe(['^------!', '-^------!', '-------^------!']);
    });
  });

  it('gives a free slot to the smallest priority, and among equals to the first that came', () => {
    inVirtualTime(({ cold, hot, expectObservable }) => {
      const priority = (key: string): number => (key === 'u' ? 1 : 2);
      const keys$ = hot('xabu----------|');
      const result$ = keys$.pipe(
        coalesceByKey((key) => concat(of(key), cold('---|')), { concurrency: 1, priority }),
      );
      expectObservable(result$).toBe('x--u--a--b----|');
    });
  });

  it('moves a waiting key up when it is triggered with a better priority', () => {
    inVirtualTime(({ cold, hot, expectObservable }) => {
      const priorities: Record<string, number> = { x: 0, a: 5, b: 7 };
      const keys$ = hot('xab--b------------|').pipe(
        tap(() => {
          if (asyncScheduler.now() === 5) priorities['b'] = 1;
        }),
      );
      const run = (key: string): Observable<string> => concat(of(key), cold('------|'));
      const priority = (key: string): number => priorities[key] ?? 0;
      expectObservable(keys$.pipe(coalesceByKey(run, { concurrency: 1, priority }))).toBe(
        'x-----b-----a-----|',
      );
    });
  });

  it('completes with an empty source, waits with one that never ends, and after the last run otherwise', () => {
    inVirtualTime(({ cold, expectObservable }) => {
      const queue = coalesceByKey(() => cold('--r|'), oneAtATime);
      expectObservable(EMPTY.pipe(queue)).toBe('|');
      expectObservable(NEVER.pipe(queue)).toBe('-');
      expectObservable(cold('(ab|)').pipe(queue)).toBe('--r--r|');
    });
  });

  it('passes on an error of the source and cancels the runs', () => {
    inVirtualTime(({ cold, expectObservable, expectSubscriptions }) => {
      const run$ = cold('---r|');
      expectObservable(cold('a-#').pipe(coalesceByKey(() => run$, oneAtATime))).toBe('--#');
      expectSubscriptions(run$.subscriptions).toBe('^-!');
    });
  });

  it('passes on an error of a run, thrown at the start or later, and cancels everything else', () => {
    inVirtualTime(({ cold, expectObservable, expectSubscriptions }) => {
      const keys$ = cold('abc---');
      const slow$ = cold('------r');
      const runs: Record<string, Observable<string>> = { a: slow$, b: cold('--#') };
      expectObservable(keys$.pipe(coalesceByKey((key) => runs[key] ?? NEVER, { concurrency: 9 }))).toBe(
        '---#',
      );
      expectSubscriptions(slow$.subscriptions).toBe('^--!');
      expectSubscriptions(keys$.subscriptions).toBe('^--!');
      const thrower = (): never => {
        throw 'error';
      };
      expectObservable(cold('-a').pipe(coalesceByKey(thrower, oneAtATime))).toBe('-#');
      const priority = thrower;
      expectObservable(cold('-a').pipe(coalesceByKey(() => NEVER, { concurrency: 1, priority }))).toBe('-#');
    });
  });

  it('cancels what runs and forgets what waits when it is unsubscribed', () => {
    inVirtualTime(({ cold, hot, expectObservable, expectSubscriptions }) => {
      const keys$ = hot('ab----');
      const run$ = cold('---r|');
      expectObservable(keys$.pipe(coalesceByKey(() => run$, oneAtATime)), '^-!').toBe('---');
      expectSubscriptions(keys$.subscriptions).toBe('^-!');
      expectSubscriptions(run$.subscriptions).toBe('^-!');
    });
  });

  it('takes no more from a synchronous source than downstream wants', () => {
    let started = 0;
    const run = (key: number): Observable<number> => defer(() => (started++, of(key)));
    const results: number[] = [];
    range(0, Infinity)
      .pipe(coalesceByKey(run, atOnce), take(3))
      .subscribe((key) => results.push(key));
    expect(results).toEqual([0, 1, 2]);
    expect(started).toBe(3);
  });

  it('does not grow the stack with synchronous runs', () => {
    const keys$ = new Subject<number>();
    const hold$ = new Subject<never>();
    let runs = 0;
    const run = (key: number): Observable<never> => defer(() => (runs++, key === -1 ? hold$ : EMPTY));
    keys$.pipe(coalesceByKey(run, atOnce)).subscribe();
    keys$.next(-1);
    for (let key = 0; key < 20_000; key++) keys$.next(key);
    hold$.complete();
    expect(runs).toBe(20_001);
  });

  it('does not grow the stack with triggers that its own results cause', () => {
    const keys$ = new Subject<number>();
    let last = 0;
    keys$.pipe(coalesceByKey((key) => of(key), atOnce)).subscribe((key) => {
      last = key;
      if (key < 20_000) keys$.next(key + 1);
    });
    keys$.next(0);
    expect(last).toBe(20_000);
  });

  it('runs a key again that its own result triggered', () => {
    const keys$ = new Subject<string>();
    const results: number[] = [];
    let runs = 0;
    keys$.pipe(coalesceByKey(() => from([++runs]), atOnce)).subscribe((run) => {
      results.push(run);
      if (run < 3) keys$.next('a');
    });
    keys$.next('a');
    expect(results).toEqual([1, 2, 3]);
  });

  it('starts afresh for each subscriber', () => {
    inVirtualTime(({ cold, expectObservable }) => {
      const result$ = cold('a|').pipe(coalesceByKey(() => cold('--r|'), oneAtATime));
      expectObservable(result$).toBe('--r|');
      expectObservable(result$).toBe('--r|');
    });
  });
});

describe('runs that are over at once', () => {
  it('leave waiting keys to later turns of the event loop when a slice is spent, and then complete', () => {
    inVirtualTime(({ flush }) => {
      let spentMs = 0;
      const seen: string[] = [];
      const run = (key: number): Observable<number> => ((spentMs += 4), of(key));
      const options = { concurrency: 2, sliceMs: 10, elapsedMs: () => spentMs };
      from([1, 2, 3, 4, 5, 6, 7])
        .pipe(coalesceByKey(run, options))
        .subscribe({ next: (key) => seen.push(String(key)), complete: () => seen.push('end') });
      expect(seen).toEqual(['1', '2', '3']);
      flush();
      expect(seen).toEqual(['1', '2', '3', '4', '5', '6', '7', 'end']);
    });
  });

  it('are not started any more after unsubscribing', () => {
    inVirtualTime(({ flush }) => {
      let spentMs = 0;
      const seen: number[] = [];
      const run = (key: number): Observable<number> => ((spentMs += 4), of(key));
      const options = { concurrency: 2, sliceMs: 10, elapsedMs: () => spentMs };
      from([1, 2, 3, 4])
        .pipe(coalesceByKey(run, options))
        .subscribe((key) => seen.push(key))
        .unsubscribe();
      flush();
      expect(seen).toEqual([1, 2, 3]);
    });
  });
});
