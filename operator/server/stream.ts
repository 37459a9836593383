import {
  catchError,
  concat,
  defer,
  EMPTY,
  ignoreElements,
  map,
  merge,
  type Observable,
  repeat,
  startWith,
  switchMap,
  tap,
  timer,
} from 'rxjs';
import { growingDelay } from '../runtime/backoff.ts';
import { afterLoss, isContested, noContest, repairAtMs } from '../runtime/contest.ts';
import type { Certificates } from './certificate-store.ts';

/** What keeps the certificates valid. */
export interface CertificateDeps {
  /** The certificates as they are to be used now, renewed where due. */
  readonly ensure: () => Promise<Certificates>;
  /** The Secret was touched, by another replica perhaps. */
  readonly changed$: Observable<unknown>;
  /** The clock has jumped. */
  readonly jumped$: Observable<unknown>;
  readonly nowMs: () => number;
  /** Numbers in [0, 1), for the pauses between tries. */
  readonly random: () => number;
  /** Hears of failures; they are tried again. */
  readonly onFailure: (error: unknown) => void;
  /** Hears of each write that another writer had made necessary, once these are too many for a person. */
  readonly onLoss: (loss: { readonly losses: number; readonly againInMs: number }) => void;
}

// A timer takes no more than 24 days, and a look costs one read.
const longestWaitMs = 3_600_000;

/**
 * The certificates to serve with, now and after each renewal or change by another replica. A failure is tried again
 * with a growing pause, also while the Secret changes. Never completes, never errors.
 *
 * A write that a change of the Secret made necessary is a loss to another writer: another replica would have issued what
 * this one accepts. After two in a row the next changes are looked at later and later, and the certificates in use stay in use.
 */
export const certificateStream = (deps: CertificateDeps): Observable<Certificates> =>
  defer(() => {
    const { ensure, changed$, jumped$, nowMs, random, onFailure, onLoss } = deps;
    let contest = noContest;
    let failures = 0;
    let notBeforeMs = Number.NEGATIVE_INFINITY;
    // Until then nothing is due by time, so what is written sooner undoes what another writer did.
    let dueMs = Number.NEGATIVE_INFINITY;

    // Heard also where a further change has made the look obsolete: it was written all the same.
    const look = async (answersChange: boolean): Promise<Certificates> => {
      const isDue = nowMs() >= dueMs;
      const certificates = await ensure();
      dueMs = certificates.nextLookMs;
      if (certificates.written && answersChange && !isDue) {
        contest = afterLoss(contest, nowMs(), random);
        const { losses, pauseMs: againInMs } = contest;
        if (isContested(contest)) onLoss({ losses, againInMs });
      }
      return certificates;
    };

    const keepRenewing = (wasChanged: boolean): Observable<Certificates> =>
      defer(() => {
        let answersChange = wasChanged;
        let waitMs = 0;
        return defer(() => look(answersChange)).pipe(
          tap(({ nextLookMs }) => {
            waitMs = Math.min(longestWaitMs, Math.max(1_000, nextLookMs - nowMs()));
            failures = 0;
            answersChange = false;
          }),
          catchError((error: unknown) => {
            onFailure(error);
            failures += 1;
            waitMs = growingDelay(failures, random);
            notBeforeMs = nowMs() + waitMs;
            return EMPTY;
          }),
          repeat({ delay: () => timer(waitMs) }),
        );
      });

    const anew$ = jumped$.pipe(startWith(undefined));
    return merge(anew$.pipe(map(() => false)), changed$.pipe(map(() => true))).pipe(
      switchMap((wasChanged) => {
        // A contest delays nothing that is due by time.
        const repairMs = Math.min(repairAtMs(contest), dueMs);
        const atMs = wasChanged ? Math.max(repairMs, failures > 0 ? notBeforeMs : 0) : 0;
        const waitMs = Math.max(0, atMs - nowMs());
        const wait$ = waitMs > 0 ? timer(waitMs).pipe(ignoreElements()) : EMPTY;
        return concat(wait$, keepRenewing(wasChanged));
      }),
    );
  });
