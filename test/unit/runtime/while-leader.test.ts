import { describe, it } from 'vitest';
import { whileLeader } from '../../../operator/runtime/while-leader.ts';
import { inVirtualTime } from './marbles.ts';

const flags = { t: true, f: false };

describe('whileLeader', () => {
  it('subscribes when the lease is gained, unsubscribes when it is lost, and afresh when it is gained again', () => {
    inVirtualTime(({ cold, hot, expectObservable, expectSubscriptions }) => {
      const leader$ = hot('f--t----f---t--', flags);
      const source$ = cold('   a--b--c--d');
      expectObservable(source$.pipe(whileLeader(leader$)), '^--------------!').toBe('---a--b-----a--');
      expectSubscriptions(source$.subscriptions).toBe(['---^----!', '------------^--!']);
    });
  });

  it('does not start over when the lease is only confirmed', () => {
    inVirtualTime(({ cold, hot, expectObservable, expectSubscriptions }) => {
      const leader$ = hot('t--t--t---', flags);
      const source$ = cold('a--b--c-');
      expectObservable(source$.pipe(whileLeader(leader$)), '^--------!').toBe('a--b--c---');
      expectSubscriptions(source$.subscriptions).toBe(['^--------!']);
    });
  });

  it('never subscribes without the lease', () => {
    inVirtualTime(({ cold, expectObservable, expectSubscriptions }) => {
      const source$ = cold('a');
      expectObservable(source$.pipe(whileLeader(cold('f-', flags)))).toBe('--');
      expectObservable(source$.pipe(whileLeader(cold('-')))).toBe('--');
      expectSubscriptions(source$.subscriptions).toBe([]);
    });
  });

  it('completes when both sides have, and with an empty leadership at once', () => {
    inVirtualTime(({ cold, expectObservable }) => {
      expectObservable(cold('a---|').pipe(whileLeader(cold('t-|', flags)))).toBe('a---|');
      expectObservable(cold('a|').pipe(whileLeader(cold('t---|', flags)))).toBe('a---|');
      expectObservable(cold('a').pipe(whileLeader(cold('|', flags)))).toBe('|');
    });
  });

  it('passes on an error of either side', () => {
    inVirtualTime(({ cold, expectObservable }) => {
      expectObservable(cold('a-#').pipe(whileLeader(cold('t', flags)))).toBe('a-#');
      expectObservable(cold('a').pipe(whileLeader(cold('t-#', flags)))).toBe('a-#');
    });
  });

  it('lets go of both sides when it is unsubscribed', () => {
    inVirtualTime(({ cold, expectObservable, expectSubscriptions }) => {
      const leader$ = cold('t', flags);
      const source$ = cold('a--a');
      expectObservable(source$.pipe(whileLeader(leader$)), '^-!').toBe('a--');
      expectSubscriptions(leader$.subscriptions).toBe('^-!');
      expectSubscriptions(source$.subscriptions).toBe('^-!');
    });
  });
});
