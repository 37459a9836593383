import { asyncScheduler, type Observable, of, throwError } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { oneWatch, type WatchLine, type WatchNews } from '../../../operator/runtime/one-watch.ts';
import { inVirtualTime } from './marbles.ts';

const lines: Record<string, WatchLine<string>> = {
  c: { kind: 'changed', object: 'a', resourceVersion: '6' },
};
const told = (news: WatchNews<string>): string =>
  'object' in news
    ? `${news.kind} ${news.object}`
    : `${news.kind}${'resourceVersion' in news ? ` ${news.resourceVersion}` : ''}`;

/** One watch asked for 200 s whose lines are a script; what came of it, and when the position was asked for. */
const play = (script: string, position?: () => Observable<string>) => {
  const seen: string[] = [];
  const asked: number[] = [];
  let aborted = 0;
  const note = (what: string): unknown => seen.push(`${asyncScheduler.now() / 1_000} ${what}`);
  inVirtualTime(({ cold, flush }) => {
    const calls = {
      watch: ({ signal, onOpen }: { signal: AbortSignal; onOpen: () => void }) => {
        signal.addEventListener('abort', () => aborted++);
        onOpen();
        return cold(script, lines);
      },
      ...(position && { position: () => (asked.push(asyncScheduler.now() / 1_000), position()) }),
    };
    const subscription = oneWatch(calls, { resourceVersion: '5', timeoutSeconds: 200 }).subscribe({
      next: (news) => note(told(news)),
      error: (error: unknown) => note(String(error)),
      complete: () => note('ended'),
    });
    asyncScheduler.schedule(() => subscription.unsubscribe(), 400_000);
    flush();
  });
  return { seen, asked, aborted };
};

describe('one watch', () => {
  it('passes its lines on and ends with the call', () => {
    expect(play('2s c 3s |')).toEqual({
      seen: ['1 steady', '2 changed a', '5.001 ended'],
      asked: [],
      aborted: 1,
    });
  });

  it('is steady only when it has been open for a second', () => {
    expect(play('500ms |').seen).toEqual(['0.5 ended']);
    expect(play('500ms #').seen).toEqual(['0.5 error']);
  });

  it('fails 30 s after the time it was asked for, whatever came before, and aborts the call', () => {
    const { seen, aborted } = play('199s c');
    expect(seen).toEqual([
      '1 steady',
      '199 changed a',
      '230 Error: watching: not ended by the server 30 s after the 200 s asked for',
    ]);
    expect(aborted).toBe(1);
  });
});

describe('the position of a watch without bookmarks', () => {
  it('is asked for before the end, and has been passed when no line came for 30 s', () => {
    const { seen, asked } = play('200s |', () => of('9'));
    expect(asked).toEqual([140]);
    expect(seen).toEqual(['1 steady', '170 passed 9', '200 ended']);
  });

  it('has not been passed for sure when a line comes after the question', () => {
    expect(play('150s c 49999ms |', () => of('9')).seen).toEqual(['1 steady', '150 changed a', '200 ended']);
  });

  it('is none of the watch when the watch ends, or breaks, before the 30 s are over', () => {
    expect(play('160s |', () => of('9')).seen).toEqual(['1 steady', '160 ended']);
    expect(play('160s #', () => of('9')).seen).toEqual(['1 steady', '160 error']);
  });

  it('that the server does not give is no failure', () => {
    const { seen } = play('200s |', () => throwError(() => new Error('forbidden')));
    expect(seen).toEqual(['1 steady', '200 ended']);
  });
});
