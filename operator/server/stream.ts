import { catchError, defer, EMPTY, type Observable, repeat, startWith, switchMap, tap, timer } from 'rxjs';
import type { Certificates } from './certificate-store.ts';

/** What keeps the certificates valid. */
export interface CertificateDeps {
  /** The certificates as they are to be used now, renewed where due. */
  readonly ensure: () => Promise<Certificates>;
  /** The Secret was touched, by another replica perhaps, or the clock has jumped. */
  readonly changed$: Observable<unknown>;
  readonly nowMs: () => number;
  /** The pause after so many failures in a row, 1 after the first, in milliseconds. */
  readonly pauseAfter: (failures: number) => number;
  /** Hears of failures; they are tried again. */
  readonly onFailure: (error: unknown) => void;
}

// A timer takes no more than 24 days, and a look costs one read.
const longestWaitMs = 3_600_000;

/**
 * The certificates to serve with, now and after each renewal or change by another replica. A failure is tried again
 * with a growing pause. Never completes, never errors.
 */
export const certificateStream = (deps: CertificateDeps): Observable<Certificates> =>
  deps.changed$.pipe(
    startWith(undefined),
    switchMap(() => keepRenewing(deps)),
  );

const keepRenewing = ({ ensure, nowMs, pauseAfter, onFailure }: CertificateDeps): Observable<Certificates> =>
  defer(() => {
    let waitMs = 0;
    let failures = 0;
    return defer(ensure).pipe(
      tap(({ nextLookMs }) => {
        waitMs = Math.min(longestWaitMs, Math.max(1_000, nextLookMs - nowMs()));
        failures = 0;
      }),
      catchError((error: unknown) => {
        onFailure(error);
        failures += 1;
        waitMs = pauseAfter(failures);
        return EMPTY;
      }),
      repeat({ delay: () => timer(waitMs) }),
    );
  });
