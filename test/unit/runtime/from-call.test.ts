import { of } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { fromCall } from '../../../operator/runtime/from-call.ts';
import { inVirtualTime } from './marbles.ts';

describe('fromCall', () => {
  it('makes the call at each subscription, and none before', () => {
    let calls = 0;
    const result$ = fromCall(() => of(++calls));
    expect(calls).toBe(0);
    result$.subscribe();
    result$.subscribe();
    expect(calls).toBe(2);
  });

  it('gives what the call gives, errors included, and those that it throws itself', () => {
    inVirtualTime(({ cold, expectObservable }) => {
      expectObservable(fromCall(() => cold('--a|'))).toBe('--a|');
      expectObservable(fromCall(() => cold('--#'))).toBe('--#');
      const thrower = (): never => {
        throw 'error';
      };
      expectObservable(fromCall(thrower)).toBe('#');
    });
  });

  it('aborts the call when it is unsubscribed, and then nobody hears how it ended', async () => {
    const ended: string[] = [];
    const call = (signal: AbortSignal): Promise<never> =>
      new Promise((_, reject) => {
        signal.addEventListener('abort', () => {
          ended.push('aborted');
          reject(signal.reason);
        });
      });
    const subscription = fromCall(call).subscribe({ error: () => ended.push('errored') });
    subscription.unsubscribe();
    await Promise.resolve();
    expect(ended).toEqual(['aborted']);
  });
});
