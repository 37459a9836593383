import { fc, test } from '@fast-check/vitest';
import { asyncScheduler, defer, finalize, mergeMap, of, from, timer, map } from 'rxjs';
import { describe, expect } from 'vitest';
import { coalesceByKey } from '../../operator/runtime/coalesce-by-key.ts';
import { inVirtualTime } from '../unit/runtime/marbles.ts';

const keys = fc.constantFrom('a', 'b', 'c', 'd', 'e');
const triggers = fc.array(fc.record({ atMs: fc.nat(60), key: keys }), { maxLength: 60 });
// How long each run takes, in turn; 0 is a run that ends before its start returns.
const durationsMs = fc.array(fc.nat(12), { minLength: 1, maxLength: 7 });
const priorities = fc.record({ a: fc.nat(3), b: fc.nat(3), c: fc.nat(3), d: fc.nat(3), e: fc.nat(3) });

type Entry = { atMs: number; what: 'trigger' | 'start' | 'end'; key: string };

const record = (
  input: { atMs: number; key: string }[],
  concurrency: number,
  durations: readonly number[],
  priority: (key: string) => number = () => 0,
): { log: Entry[]; completed: boolean } => {
  const log: Entry[] = [];
  let runs = 0;
  let completed = false;
  const note = (what: Entry['what'], key: string): void => {
    log.push({ atMs: asyncScheduler.now(), what, key });
  };
  inVirtualTime(({ flush }) => {
    const run = (key: string) =>
      defer(() => {
        note('start', key);
        const durationMs = durations[runs++ % durations.length] ?? 0;
        const done$ = durationMs === 0 ? of(key) : timer(durationMs).pipe(map(() => key));
        return done$.pipe(finalize(() => note('end', key)));
      });
    const key$ = from(input).pipe(
      mergeMap(({ atMs, key }) => timer(atMs).pipe(map(() => (note('trigger', key), key)))),
    );
    key$
      .pipe(coalesceByKey(run, { concurrency, priority }))
      .subscribe({ complete: () => (completed = true) });
    flush();
  });
  return { log, completed };
};

const count = (log: Entry[], what: Entry['what']): number =>
  log.filter((entry) => entry.what === what).length;

describe('coalesceByKey, for any triggers and any runs', () => {
  test.prop([triggers, fc.integer({ min: 1, max: 4 }), durationsMs])(
    'runs no key twice at once, and no more keys than allowed',
    (input, concurrency, durations) => {
      const running = new Set<string>();
      for (const { what, key } of record(input, concurrency, durations).log) {
        if (what === 'start') {
          expect(running.has(key)).toBe(false);
          running.add(key);
        }
        if (what === 'end') running.delete(key);
        expect(running.size).toBeLessThanOrEqual(concurrency);
      }
    },
  );

  test.prop([triggers, fc.integer({ min: 1, max: 4 }), durationsMs])(
    'starts a run after every trigger, no run without one, and then completes',
    (input, concurrency, durations) => {
      const { log, completed } = record(input, concurrency, durations);
      log.forEach(({ what, key }, index) => {
        if (what === 'trigger')
          expect(log.slice(index).some((entry) => entry.what === 'start' && entry.key === key)).toBe(true);
        if (what === 'start') {
          const previous = log.findLastIndex(
            (entry, i) => i < index && entry.what === 'start' && entry.key === key,
          );
          const since = log.slice(previous + 1, index);
          expect(since.some((entry) => entry.what === 'trigger' && entry.key === key)).toBe(true);
        }
      });
      expect(count(log, 'end')).toBe(count(log, 'start'));
      expect(completed).toBe(true);
    },
  );

  test.prop([triggers, durationsMs, priorities])(
    'never starts a key while one of better priority waits',
    (input, durations, table) => {
      const priority = (key: string): number => table[key as keyof typeof table];
      const waiting = new Set<string>();
      const running = new Set<string>();
      const again = new Set<string>();
      for (const { what, key } of record(input, 1, durations, priority).log) {
        if (what === 'trigger') (running.has(key) ? again : waiting).add(key);
        if (what === 'end') {
          running.delete(key);
          if (again.delete(key)) waiting.add(key);
        }
        if (what === 'start') {
          for (const other of waiting) expect(priority(other)).toBeGreaterThanOrEqual(priority(key));
          waiting.delete(key);
          running.add(key);
        }
      }
    },
  );
});
