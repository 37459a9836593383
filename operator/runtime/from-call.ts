import { defer, finalize, from } from 'rxjs';
import type { Observable, ObservableInput } from 'rxjs';

/** A call that ends early when its signal aborts. */
export type CallWithSignal<T> = (signal: AbortSignal) => Promise<T>;

/**
 * The call as an observable of what it gives: made at subscription, aborted at unsubscription. A rejection, and what the
 * call itself throws, errors the result, except after unsubscribing, when nobody is left to hear of it.
 */
export const fromCall = <T>(call: (signal: AbortSignal) => ObservableInput<T>): Observable<T> =>
  defer(() => {
    const controller = new AbortController();
    return from(call(controller.signal)).pipe(finalize(() => controller.abort()));
  });
