import { describe, it } from 'vitest';
import { anewAfter } from '../../../operator/runtime/anew-after.ts';
import { inVirtualTime } from './marbles.ts';

describe('anewAfter', () => {
  it('subscribes at once, and afresh after each value of the other side, one subscription at a time', () => {
    inVirtualTime(({ cold, expectObservable, expectSubscriptions }) => {
      const source$ = cold('a--b--c--');
      expectObservable(source$.pipe(anewAfter(cold('----x-y'))), '^---------!').toBe('a--ba-a--b');
      expectSubscriptions(source$.subscriptions).toBe(['^---!', '----^-!', '------^---!']);
    });
  });

  it('completes when both sides have, and passes on an error of either', () => {
    inVirtualTime(({ cold, expectObservable }) => {
      expectObservable(cold('a|').pipe(anewAfter(cold('---|')))).toBe('a--|');
      expectObservable(cold('a---|').pipe(anewAfter(cold('|')))).toBe('a---|');
      expectObservable(cold('a-#').pipe(anewAfter(cold('-')))).toBe('a-#');
      expectObservable(cold('a-').pipe(anewAfter(cold('--#')))).toBe('a-#');
    });
  });

  it('lets go of both sides when it is unsubscribed', () => {
    inVirtualTime(({ cold, expectObservable, expectSubscriptions }) => {
      const [source$, again$] = [cold('a--a'), cold('-')];
      expectObservable(source$.pipe(anewAfter(again$)), '^-!').toBe('a--');
      expectSubscriptions(source$.subscriptions).toBe('^-!');
      expectSubscriptions(again$.subscriptions).toBe('^-!');
    });
  });
});
