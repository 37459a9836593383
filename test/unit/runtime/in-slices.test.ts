import { asyncScheduler, type SchedulerAction, take, tap } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { inSlices } from '../../../operator/runtime/in-slices.ts';
import { inVirtualTime } from './marbles.ts';

/** A clock that shows what its items took: each so many milliseconds, whatever the time. */
const aWorkClock = () => {
  let spentMs = 0;
  return { elapsedMs: () => spentMs, work: (ms: number) => (spentMs += ms) };
};

/** The items by the turn of the event loop in which each came, with 4 ms of work for each unless `took` says otherwise. */
const turnsOf = (items: Iterable<number>, sliceMs: number, took = (_: number) => 4): string[] => {
  const seen: string[] = [];
  let turn = 0;
  inVirtualTime(({ flush }) => {
    const { elapsedMs, work } = aWorkClock();
    const schedule = (
      task: (this: SchedulerAction<unknown>, given?: unknown) => void,
      delayMs?: number,
      state?: unknown,
    ) =>
      asyncScheduler.schedule<unknown>(
        function (given) {
          turn++;
          task.call(this, given);
        },
        delayMs,
        state,
      );
    const scheduler = { now: () => asyncScheduler.now(), schedule };
    inSlices(items, { sliceMs, elapsedMs, scheduler })
      .pipe(tap((item) => work(took(item))))
      .subscribe({
        next: (item) => seen.push(`${turn} ${item}`),
        error: (error: unknown) => seen.push(`${turn} ${String(error)}`),
        complete: () => seen.push(`${turn} end`),
      });
    flush();
  });
  return seen;
};

describe('work in slices', () => {
  it('is done at once where it fits into one', () => {
    expect(turnsOf([1, 2, 3], 100)).toEqual(['0 1', '0 2', '0 3', '0 end']);
    expect(turnsOf([], 100)).toEqual(['0 end']);
  });

  it('ends a slice with the first item that goes over it, and goes on in a later turn', () => {
    expect(turnsOf([1, 2, 3, 4, 5, 6, 7], 10)).toEqual([
      ...['0 1', '0 2', '0 3'],
      ...['1 4', '1 5', '1 6'],
      ...['2 7', '2 end'],
    ]);
  });

  it('makes progress by one item a turn at least', () => {
    expect(turnsOf(new Set([1, 2]), 0)).toEqual(['0 1', '1 2', '2 end']);
  });

  it('ends a slice when the clock is set back', () => {
    const took = (item: number): number => (item === 2 ? -1_000 : 4);
    expect(turnsOf(new Set([1, 2, 3, 4]), 10, took)).toEqual(['0 1', '0 2', '1 3', '1 4', '1 end']);
  });

  it('reads what it goes over as it goes', () => {
    const map = new Map([
      ['a', 1],
      ['b', 2],
      ['c', 3],
      ['d', 4],
    ]);
    const seen: number[] = [];
    inVirtualTime(({ flush }) => {
      const { elapsedMs, work } = aWorkClock();
      inSlices(map.values(), { sliceMs: 4, elapsedMs }).subscribe((item) => (seen.push(item), work(4)));
      map.delete('c');
      map.set('e', 5);
      flush();
    });
    expect(seen).toEqual([1, 2, 4, 5]);
  });

  it('passes on an error of the iterable, in a later slice too', () => {
    function* failing(): Generator<number> {
      yield* [1, 2, 3];
      throw new Error('broken');
    }
    expect(turnsOf(failing(), 8)).toEqual(['0 1', '0 2', '1 3', '1 Error: broken']);
  });

  it('ends the iterator when it is unsubscribed, between slices and within one', () => {
    for (const [enough, sliceMs] of [
      [2, 100],
      [2, 4],
    ] as const) {
      let ended = 0;
      function* watched(): Generator<number> {
        try {
          yield* [1, 2, 3, 4];
        } finally {
          ended++;
        }
      }
      inVirtualTime(({ flush }) => {
        const { elapsedMs, work } = aWorkClock();
        inSlices(watched(), { sliceMs, elapsedMs })
          .pipe(
            tap(() => work(4)),
            take(enough),
          )
          .subscribe();
        flush();
      });
      expect(ended).toBe(1);
    }
    let ended = 0;
    function* lengthy(): Generator<number> {
      try {
        for (let count = 0; count < 1_000; count++) yield count;
      } finally {
        ended++;
      }
    }
    inVirtualTime(({ flush }) => {
      const { elapsedMs, work } = aWorkClock();
      inSlices(lengthy(), { sliceMs: 4, elapsedMs })
        .subscribe(() => work(4))
        .unsubscribe();
      flush();
    });
    expect(ended).toBe(1);
  });
});
