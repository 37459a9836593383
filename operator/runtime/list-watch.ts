import { catchError, defer, first, mergeMap, of, repeat, startWith, tap, timer } from 'rxjs';
import type { Observable, ObservableInput } from 'rxjs';
import { fromCall } from './from-call.ts';
import { oneWatch, type OneWatchCalls, type WatchNews } from './one-watch.ts';

/** What a list-watch reports; a listing is bracketed, so that a store can swap its content when it is complete. */
export type Watched<T> =
  | { kind: 'listing' } // a complete listing follows
  | { kind: 'listed'; object: T }
  | { kind: 'synced' } // whatever was not listed since `listing` is gone
  | { kind: 'changed'; object: T }
  | { kind: 'deleted'; object: T }
  | { kind: 'failed'; error: unknown; then: 'resume' | 'relist' } // a value, never the end of the stream
  | { kind: 'recovered' }; // after a failure a watch has given a line, a bookmark too, or stayed open for a second

/** One page of a list; `continueToken` is absent on the last page. */
export interface ListPage<T> {
  items: readonly T[];
  resourceVersion: string;
  continueToken?: string;
}

/** The calls a list-watch is made of; each must end when its signal aborts, and must not change what it has given. */
export interface WatchCalls<T> extends OneWatchCalls<T> {
  list(page: { limit: number; continueToken?: string; signal: AbortSignal }): ObservableInput<ListPage<T>>;
}

/**
 * Objects that a page of a list has by default. Of client-go's 500, measured with 10,000 pods, 30 MiB of garbage outlive
 * the young generation and stay resident.
 */
export const objectsPerPage = 250;

/** How a list-watch deals with trouble; times in milliseconds. */
export interface ListWatchOptions {
  /** Whether an error says that the position in the history is gone (410), so that only a new list helps. */
  expired: (error: unknown) => boolean;
  /** The pause after so many failures in a row, 1 after the first. */
  pauseAfter: (failures: number) => number;
  /** For how many seconds the next watch is asked for: at random, so that the watches of many clients end apart. */
  watchSeconds: () => number;
  /** Objects a page. */
  pageLimit?: number;
}

/** Where to go on: at a page of the list, the first one without a token, or with the watch. */
type Position =
  | { readonly phase: 'list'; readonly continueToken?: string }
  | { readonly phase: 'watch'; readonly resourceVersion: string };

/** `pauses` counts those in a row since things went well, when it is undefined; 0 after trouble that costs none. */
interface State {
  readonly position: Position;
  readonly pauses: number | undefined;
}

type Trouble = 'ended' | 'expired' | 'failed';

/**
 * The state after trouble. A watch that ends and a 410 are part of normal life and cost
 * no pause, but only once until a watch gets somewhere: a listing does not count, or a watch refused after every listing
 * would list without end.
 */
const afterTrouble = (state: State, trouble: Trouble): State => ({
  position: trouble === 'expired' ? { phase: 'list' } : state.position,
  pauses: trouble !== 'failed' && state.pauses === undefined ? 0 : (state.pauses ?? 0) + 1,
});

const whatFollows = (position: Position): 'resume' | 'relist' =>
  position.phase === 'list' && position.continueToken === undefined ? 'relist' : 'resume';

const listPage = <T>(
  calls: WatchCalls<T>,
  page: { limit: number; continueToken?: string },
  moveTo: (position: Position) => void,
): Observable<Watched<T>> =>
  fromCall((signal) => calls.list({ ...page, signal })).pipe(
    first(),
    mergeMap(({ items, resourceVersion, continueToken }) => {
      const listed = items.map((object): Watched<T> => ({ kind: 'listed', object }));
      if (continueToken) {
        moveTo({ phase: 'list', continueToken });
        return listed;
      }
      moveTo({ phase: 'watch', resourceVersion });
      return [...listed, { kind: 'synced' as const }];
    }),
  );

/**
 * Lists a resource page by page, watches it from there, and goes on for ever: it neither completes nor errors.
 *
 * A failure comes out as `failed`, then it pauses with a growing back-off and goes on where it was; `then: 'relist'` says
 * that a new `listing` follows. After a failure `recovered` comes with the first line of a watch, or when one has been open
 * for a second. Where the position in the history is gone it lists again, at once the first time. A watch that the server
 * ends is taken up at once and is no failure, however silent it was. A watch that the server does not end 30 s after the
 * time it was asked for is one: its connection is dead. Back-off starts anew when a watch has moved on or has been open
 * for a second. Unsubscribing aborts the calls under way: one page, or one watch.
 */
export const listWatch = <T>(
  calls: WatchCalls<T>,
  { expired, pauseAfter, watchSeconds, pageLimit = objectsPerPage }: ListWatchOptions,
): Observable<Watched<T>> =>
  defer(() => {
    let state: State = { position: { phase: 'list' }, pauses: undefined };
    let pauseMs = 0;
    // A failure came out, and no watch has proved since that it works.
    let failing = false;

    const list = (continueToken?: string): Observable<Watched<T>> => {
      const page = { limit: pageLimit, ...(continueToken ? { continueToken } : {}) };
      const page$ = listPage(calls, page, (position) => {
        state = { ...state, position };
      });
      return continueToken ? page$ : page$.pipe(startWith({ kind: 'listing' as const }));
    };

    const hear = (news: WatchNews<T>, start: string): Watched<T>[] => {
      if (news.kind === 'steady') state = { ...state, pauses: undefined };
      // A bookmark may repeat where the watch began, which is no progress.
      else if (news.resourceVersion !== start)
        state = {
          position: { phase: 'watch', resourceVersion: news.resourceVersion },
          pauses: undefined,
        };
      const recovered: Watched<T>[] = failing ? [{ kind: 'recovered' }] : [];
      failing = false;
      return 'object' in news ? [...recovered, { kind: news.kind, object: news.object }] : recovered;
    };

    const pauseFor = (trouble: Trouble): void => {
      state = afterTrouble(state, trouble);
      pauseMs = state.pauses ? pauseAfter(state.pauses) : 0;
    };

    const watchFrom = (resourceVersion: string): Observable<Watched<T>> =>
      oneWatch(calls, { resourceVersion, timeoutSeconds: watchSeconds() }).pipe(
        mergeMap((news) => hear(news, resourceVersion)),
        tap({ complete: () => pauseFor('ended') }),
      );

    const attempt$ = defer(() => {
      const { position } = state;
      pauseMs = 0;
      const work$ =
        position.phase === 'list' ? list(position.continueToken) : watchFrom(position.resourceVersion);
      return work$.pipe(
        catchError((error: unknown) => {
          pauseFor(expired(error) ? 'expired' : 'failed');
          failing = true;
          return of({ kind: 'failed' as const, error, then: whatFollows(state.position) });
        }),
      );
    });
    return attempt$.pipe(repeat({ delay: () => timer(pauseMs) }));
  });
