import { describe, it } from 'vitest';
import { afterSynced } from '../../../operator/runtime/after-synced.ts';
import { inVirtualTime } from './marbles.ts';

const flags = { t: true, f: false };

describe('afterSynced', () => {
  it('puts off the subscription until the first true and then listens no more', () => {
    inVirtualTime(({ cold, hot, expectObservable, expectSubscriptions }) => {
      const synced$ = hot('f-f--t--f--t', flags);
      const source$ = cold('    a--b--|');
      expectObservable(source$.pipe(afterSynced(synced$))).toBe('-----a--b--|');
      expectSubscriptions(synced$.subscriptions).toBe('^----!');
      expectSubscriptions(source$.subscriptions).toBe('-----^-----!');
    });
  });

  it('never subscribes to the source without a true', () => {
    inVirtualTime(({ cold, expectObservable, expectSubscriptions }) => {
      const source$ = cold('a');
      expectObservable(source$.pipe(afterSynced(cold('f-|', flags)))).toBe('--|');
      expectObservable(source$.pipe(afterSynced(cold('|', flags)))).toBe('|');
      expectObservable(source$.pipe(afterSynced(cold('-')))).toBe('-');
      expectSubscriptions(source$.subscriptions).toBe([]);
    });
  });

  it('passes on an error of either side', () => {
    inVirtualTime(({ cold, expectObservable }) => {
      expectObservable(cold('a').pipe(afterSynced(cold('f-#', flags)))).toBe('--#');
      expectObservable(cold('a-#').pipe(afterSynced(cold('-t', flags)))).toBe('-a-#');
    });
  });

  it('lets go when it is unsubscribed, before and after', () => {
    inVirtualTime(({ cold, expectObservable, expectSubscriptions }) => {
      const early$ = cold('f--t', flags);
      expectObservable(cold('a').pipe(afterSynced(early$)), '^-!').toBe('---');
      expectSubscriptions(early$.subscriptions).toBe('^-!');
      const source$ = cold('a--a');
      expectObservable(source$.pipe(afterSynced(cold('t', flags))), '^-!').toBe('a--');
      expectSubscriptions(source$.subscriptions).toBe('^-!');
    });
  });
});
