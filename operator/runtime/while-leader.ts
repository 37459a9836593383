import { distinctUntilChanged, EMPTY, switchMap } from 'rxjs';
import type { MonoTypeOperatorFunction, Observable } from 'rxjs';

/**
 * Lets values through only while this replica holds the lease.
 *
 * Losing the lease unsubscribes from the source at once, which cancels the work it has under way. Gaining it subscribes
 * afresh, so the source must begin with every key it knows: what went dirty under another leader was not seen here.
 * An error of either side errors the result. It completes when `leader$` has, and the source with it.
 */
export const whileLeader =
  <T>(leader$: Observable<boolean>): MonoTypeOperatorFunction<T> =>
  (source) =>
    leader$.pipe(
      distinctUntilChanged(),
      switchMap((leads) => (leads ? source : EMPTY)),
    );
