import {
  catchError,
  connect,
  defer,
  delay,
  EMPTY,
  endWith,
  ignoreElements,
  map,
  merge,
  mergeMap,
} from 'rxjs';
import { type Observable, type ObservableInput, skipUntil, Subject, switchMap, take } from 'rxjs';
import { takeUntil, throwError, timer } from 'rxjs';
import { fromCall } from './from-call.ts';

/** One line of a watch; a bookmark only says how far the watch has come. */
export type WatchLine<T> =
  | { kind: 'changed' | 'deleted'; object: T; resourceVersion: string }
  | { kind: 'bookmark'; resourceVersion: string };

/** How a watch is asked for. */
export interface WatchRequest {
  readonly resourceVersion: string;
  /** After so many seconds the server is to end the watch. */
  readonly timeoutSeconds: number;
  readonly signal: AbortSignal;
  /** To be called when the server has accepted the watch. */
  readonly onOpen: () => void;
}

/** The calls that one watch is made of; each must end when its signal aborts. */
export interface OneWatchCalls<T> {
  watch(request: WatchRequest): ObservableInput<WatchLine<T>>;
  /** The server's present position in the history. Given for a resource whose watches carry no bookmarks. */
  position?(signal: AbortSignal): ObservableInput<string>;
}

/** What one watch tells: its lines, that it is steady, and a position that it has passed in silence. */
export type WatchNews<T> = WatchLine<T> | { kind: 'steady' } | { kind: 'passed'; resourceVersion: string };

// A watch that has been open for so long is no hot loop, however often it is begun.
const steadyMs = 1_000;
// The server ends a watch to the second. What takes longer than this is a connection that nobody serves.
const overdueMs = 30_000;
// A server that passes a write on to its watchers later than this misses every deadline that the writes are about.
const settleMs = 30_000;

/**
 * One watch from a resourceVersion to its end.
 *
 * Completes when the server ends the watch, however silent it was. Errors with what the call errors with, and when the
 * server has not ended the watch 30 s after the time it was asked for: the connection is dead. `steady` comes once, when
 * the watch has been open for a second. Unsubscribing aborts the calls under way.
 *
 * Where `position` is given: a watch without bookmarks stays at the version of its last line, and a server that has
 * compacted its history refuses that version later (410). So shortly before the end the position is asked for. If no line
 * comes in the next 30 s (a quarter of a short watch), the watch has passed that position in silence, and `passed` says so.
 * A position that cannot be had is no failure: the next watch begins where it would have begun without one.
 */
export const oneWatch = <T>(
  calls: OneWatchCalls<T>,
  { resourceVersion, timeoutSeconds }: Pick<WatchRequest, 'resourceVersion' | 'timeoutSeconds'>,
): Observable<WatchNews<T>> =>
  defer(() => {
    const timeoutMs = timeoutSeconds * 1_000;
    const opened$ = new Subject<void>();
    const steady$ = opened$.pipe(
      take(1),
      delay(steadyMs),
      map(() => ({ kind: 'steady' }) as const),
    );
    const overdue$ = timer(timeoutMs + overdueMs).pipe(
      mergeMap(() => throwError(() => overdue(timeoutSeconds))),
    );
    const onOpen = (): void => opened$.next();
    return fromCall((signal) => calls.watch({ resourceVersion, timeoutSeconds, signal, onOpen })).pipe(
      // The call begins last: it may open, or end, at once.
      connect((line$) => {
        const aside$ = merge(steady$, overdue$, passed(calls, timeoutMs, line$));
        return merge(aside$.pipe(takeUntil(line$.pipe(ignoreElements(), endWith(undefined)))), line$);
      }),
    );
  });

const overdue = (timeoutSeconds: number): Error =>
  new Error(
    `watching: not ended by the server ${overdueMs / 1_000} s after the ${timeoutSeconds} s asked for`,
  );

const passed = <T>(
  { position }: OneWatchCalls<T>,
  timeoutMs: number,
  line$: Observable<WatchLine<T>>,
): Observable<WatchNews<T>> => {
  if (!position) return EMPTY;
  const quietMs = Math.min(settleMs, timeoutMs / 4);
  const asked$ = timer(timeoutMs - 2 * quietMs);
  return asked$.pipe(
    switchMap(() => fromCall(position)),
    delay(quietMs),
    map((resourceVersion) => ({ kind: 'passed', resourceVersion }) as const),
    catchError(() => EMPTY),
    takeUntil(line$.pipe(skipUntil(asked$))),
  );
};
