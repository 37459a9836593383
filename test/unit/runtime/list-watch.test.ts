import { asyncScheduler, take } from 'rxjs';
import type { Observable, Subscription } from 'rxjs';
import type { RunHelpers } from 'rxjs/testing';
import { describe, expect, it } from 'vitest';
import { listWatch } from '../../../operator/runtime/list-watch.ts';
import type { ListPage, WatchCalls, Watched } from '../../../operator/runtime/list-watch.ts';
import type { WatchLine } from '../../../operator/runtime/one-watch.ts';
import { inVirtualTime } from './marbles.ts';

const pages: Record<string, ListPage<string>> = {
  o: { items: ['a'], resourceVersion: '5' }, // the only page
  p: { items: ['a', 'b'], resourceVersion: '5', continueToken: 'next' },
  q: { items: ['c'], resourceVersion: '5' },
};
const lines: Record<string, WatchLine<string>> = {
  c: { kind: 'changed', object: 'a', resourceVersion: '6' },
  d: { kind: 'deleted', object: 'a', resourceVersion: '7' },
  b: { kind: 'bookmark', resourceVersion: '8' },
  s: { kind: 'bookmark', resourceVersion: '5' }, // where the list was
};
const tenSeconds = { watchSeconds: () => 10 };
// `#` in a script: the server fails; `##`: the position is gone.
const errors = { '#': 'status 500', '##': 'status 410' };

interface Scripts {
  lists?: string[];
  watches?: string[];
}

const told = (watched: Watched<string>): string => {
  if (watched.kind === 'failed') return `failed ${String(watched.error)}, ${watched.then}`;
  return 'object' in watched ? `${watched.kind} ${watched.object}` : watched.kind;
};

/** Runs a list-watch for some virtual time; each call plays the next script, the last one again and again. */
const play = (forMs: number, { lists = ['(o|)'], watches = ['-'] }: Scripts) => {
  const items: string[] = [];
  const calls: string[] = [];
  let aborted = 0;
  let subscription: Subscription;
  let open = 0;
  const answer = <A>(helpers: RunHelpers, scripts: string[], values: Record<string, A>): Observable<A> => {
    const script = (scripts.length > 1 ? scripts.shift() : scripts[0]) ?? '';
    const error = script.endsWith('##') ? errors['##'] : errors['#'];
    return helpers.cold(script.replace('!', '').replace('##', '#'), values, error);
  };
  inVirtualTime((helpers) => {
    const note = (call: string, signal: AbortSignal): void => {
      calls.push(`${asyncScheduler.now()} ${call}`);
      if (calls.length > 500) subscription.unsubscribe(); // a hot loop would never end in virtual time
      open++;
      expect(open - aborted).toBe(1);
      signal.addEventListener('abort', () => aborted++);
    };
    const wire: WatchCalls<string> = {
      list: ({ continueToken, limit, signal }) => {
        note(continueToken ? `list ${limit} ${continueToken}` : `list ${limit}`, signal);
        return answer(helpers, lists, pages);
      },
      watch: ({ resourceVersion, timeoutSeconds, signal, onOpen }) => {
        note(`watch ${resourceVersion}`, signal);
        expect(timeoutSeconds).toBe(10);
        // `!` begins the script of a watch that the server never accepts.
        if (!/^[!#]/.test(watches[0] ?? '')) onOpen();
        return answer(helpers, watches, lines);
      },
    };
    subscription = listWatch(wire, {
      expired: (error) => error === errors['##'],
      pauseAfter: (failures) => Math.min(10 * 2 ** (failures - 1), 40),
      ...tenSeconds,
      pageLimit: 2,
    }).subscribe({
      next: (watched) => items.push(`${asyncScheduler.now()} ${told(watched)}`),
      error: (error) => items.push(`errored ${String(error)}`),
      complete: () => items.push('completed'),
    });
    asyncScheduler.schedule(() => subscription.unsubscribe(), forMs);
    helpers.flush();
  });
  return { items, calls, openCalls: open - aborted };
};

describe('listWatch', () => {
  it('brackets the pages of a list and watches from where it ends', () => {
    const { items, calls } = play(50, { lists: ['--(p|)', '---(q|)'], watches: ['---c--d'] });
    expect(calls).toEqual(['0 list 2', '2 list 2 next', '5 watch 5']);
    expect(items).toEqual([
      '0 listing',
      '2 listed a',
      '2 listed b',
      '5 listed c',
      '5 synced',
      '8 changed a',
      '11 deleted a',
    ]);
  });

  it('takes up at once a watch that the server ends, from the last line or bookmark', () => {
    const { items, calls } = play(40, { watches: ['--c-b-|', '-'] });
    expect(calls).toEqual(['0 list 2', '0 watch 5', '6 watch 8']);
    expect(items).toEqual(['0 listing', '0 listed a', '0 synced', '2 changed a']);
  });

  it('backs off when watches end one after the other without a line', () => {
    const { items, calls } = play(200, { watches: ['|'] });
    expect(calls.slice(1)).toEqual([
      '0 watch 5',
      '0 watch 5',
      '10 watch 5',
      '30 watch 5',
      '70 watch 5',
      '110 watch 5',
      '150 watch 5',
      '190 watch 5',
    ]);
    expect(items).toHaveLength(3);
  });

  it('does not take a bookmark of the same place for progress', () => {
    const { calls } = play(100, { watches: ['(s|)'] });
    expect(calls.slice(1)).toEqual(['0 watch 5', '0 watch 5', '10 watch 5', '30 watch 5', '70 watch 5']);
  });

  it('never backs off from watches that last a second', () => {
    const { calls } = play(4_500, { watches: ['1s |'] });
    expect(calls.slice(1)).toEqual([
      '0 watch 5',
      '1000 watch 5',
      '2000 watch 5',
      '3000 watch 5',
      '4000 watch 5',
    ]);
  });

  it('reports a failed watch, backs off further each time and resumes from the last line', () => {
    const { items, calls } = play(60, { watches: ['#', '#', '#', '--c--', '-'] });
    expect(calls.slice(1)).toEqual(['0 watch 5', '10 watch 5', '30 watch 5']);
    expect(items.slice(3)).toEqual([
      '0 failed status 500, resume',
      '10 failed status 500, resume',
      '30 failed status 500, resume',
    ]);
    const later = play(70 + 60, { watches: ['#', '#', '#', '--c-#', '-'] });
    expect(later.calls.slice(4)).toEqual(['70 watch 5', '84 watch 6']);
    expect(later.items.slice(6)).toEqual(['72 recovered', '72 changed a', '74 failed status 500, resume']);
  });

  it('lists again at once when the position of a watch is gone', () => {
    const { items, calls } = play(20, { watches: ['-c--##', '-'] });
    expect(calls).toEqual(['0 list 2', '0 watch 5', '4 list 2', '4 watch 5']);
    expect(items.slice(3)).toEqual([
      '1 changed a',
      '4 failed status 410, relist',
      '4 listing',
      '4 listed a',
      '4 synced',
    ]);
  });

  it('backs off when the position is gone again right after every listing', () => {
    const { calls } = play(100, { watches: ['##'] });
    expect(calls.filter((call) => call.endsWith('list 2'))).toEqual([
      '0 list 2',
      '0 list 2',
      '10 list 2',
      '30 list 2',
      '70 list 2',
    ]);
  });

  it('goes on with the page that failed, without a new bracket', () => {
    const { items, calls } = play(30, { lists: ['(p|)', '#', '(q|)'] });
    expect(calls).toEqual(['0 list 2', '0 list 2 next', '10 list 2 next', '10 watch 5']);
    expect(items.slice(3)).toEqual(['0 failed status 500, resume', '10 listed c', '10 synced']);
  });

  it('starts the list again when its continue token has expired', () => {
    const { items, calls } = play(30, { lists: ['(p|)', '##', '(o|)'] });
    expect(calls).toEqual(['0 list 2', '0 list 2 next', '0 list 2', '0 watch 5']);
    expect(items.slice(3)).toEqual(['0 failed status 410, relist', '0 listing', '0 listed a', '0 synced']);
  });

  it('keeps trying a list that fails from the start, and opens a bracket each time', () => {
    const { items } = play(25, { lists: ['#'] });
    expect(items).toEqual([
      '0 listing',
      '0 failed status 500, relist',
      '10 listing',
      '10 failed status 500, relist',
    ]);
  });

  it('takes a list without a page for a failure', () => {
    const { items } = play(5, { lists: ['|'] });
    expect(items).toEqual(['0 listing', '0 failed EmptyError: no elements in sequence, relist']);
  });

  it('says once that a watch gives lines again, be it a bookmark', () => {
    const { items } = play(60, { watches: ['#', '--b-c', '-'] });
    expect(items.slice(3)).toEqual(['0 failed status 500, resume', '12 recovered', '14 changed a']);
  });

  it('hears an hour of silence as nothing: no failure, no pause and no second list', () => {
    const { items, calls } = play(3_600_000 - 1, { watches: ['10s |'] });
    expect(items).toEqual(['0 listing', '0 listed a', '0 synced']);
    expect(calls.filter((call) => call.includes('list'))).toHaveLength(1);
    expect(calls.slice(1)).toEqual(Array.from({ length: 360 }, (_, index) => `${index * 10_000} watch 5`));
  });

  it('gives up a watch that the server has not ended in time, and goes on from its last line', () => {
    const { items, calls } = play(60_000, { watches: ['4s b', '-'] });
    expect(calls.slice(1)).toEqual(['0 watch 5', '40010 watch 8']);
    expect(items.slice(3)).toEqual([
      '40000 failed Error: watching: not ended by the server 30 s after the 10 s asked for, resume',
      '41010 recovered',
    ]);
  });

  it('says that a silent watch works again when it has been open for a second', () => {
    const { items } = play(9_000, { watches: ['#', '-'] });
    expect(items.slice(3)).toEqual(['0 failed status 500, resume', '1010 recovered']);
  });

  it('does not take a watch for open that the server is slow to refuse', () => {
    const { calls, items } = play(15_000, { watches: ['!5s #'] });
    expect(calls.slice(1)).toEqual(['0 watch 5', '5010 watch 5', '10030 watch 5']);
    expect(items.filter((item) => item.includes('recovered'))).toEqual([]);
  });

  it('aborts the call under way when it is unsubscribed, whatever that is', () => {
    expect(play(5, { lists: ['-'] })).toEqual({ items: ['0 listing'], calls: ['0 list 2'], openCalls: 0 });
    expect(play(5, { watches: ['-'] }).openCalls).toBe(0);
    const duringBackoff = play(5, { watches: ['#'] });
    expect(duringBackoff).toMatchObject({ openCalls: 0, calls: ['0 list 2', '0 watch 5'] });
  });

  it('starts nothing more once downstream has enough', () => {
    inVirtualTime(({ flush, cold }) => {
      const calls: string[] = [];
      const wire: WatchCalls<string> = {
        list: () => (calls.push('list'), cold('(p|)', pages)),
        watch: () => (calls.push('watch'), cold('-', lines)),
      };
      const options = { expired: () => false, pauseAfter: () => 1, ...tenSeconds };
      listWatch(wire, options).pipe(take(2)).subscribe();
      flush();
      expect(calls).toEqual(['list']);
    });
  });

  it('takes an error thrown by a call itself like one that it ends with', () => {
    inVirtualTime(({ flush }) => {
      const items: string[] = [];
      const thrower = (): never => {
        throw 'no such host';
      };
      const options = { expired: () => false, pauseAfter: () => 7, ...tenSeconds };
      listWatch<string>({ list: thrower, watch: thrower }, options)
        .pipe(take(4))
        .subscribe((watched) => items.push(`${asyncScheduler.now()} ${told(watched)}`));
      flush();
      expect(items).toEqual([
        '0 listing',
        '0 failed no such host, relist',
        '7 listing',
        '7 failed no such host, relist',
      ]);
    });
  });
});
