import { filter, switchMap, take } from 'rxjs';
import type { MonoTypeOperatorFunction, Observable } from 'rxjs';

/**
 * Puts off the subscription to the source until `synced$` has said true once; later values of it are not listened to.
 *
 * Unsubscribing earlier never subscribes to the source. An error of either side errors the result. If `synced$`
 * completes without a true, the result completes empty.
 */
export const afterSynced =
  <T>(synced$: Observable<boolean>): MonoTypeOperatorFunction<T> =>
  (source) =>
    synced$.pipe(
      filter((synced) => synced),
      take(1),
      switchMap(() => source),
    );
