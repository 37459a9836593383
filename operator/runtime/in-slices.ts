import {
  asyncScheduler,
  defer,
  EMPTY,
  finalize,
  from,
  type Observable,
  repeat,
  type SchedulerLike,
  timer,
} from 'rxjs';

/** How work is cut into slices; times in milliseconds. */
export interface SliceOptions {
  /** A slice ends with the first item after so long. */
  readonly sliceMs?: number;
  /** The clock that measures it; the scheduler's by default. */
  readonly elapsedMs?: () => number;
  readonly scheduler?: SchedulerLike;
}

/** What one turn of the event loop may take of a long work: admission has 2 s, and everything else waits too. */
export const usualSliceMs = 10;

// An array of so many is emitted at once: most changes concern one key or none.
const few = 4;

/**
 * Emits the items of an iterable, as long as they take no more than a slice at once; the rest comes in later turns of the
 * event loop, so that input and timers get between. What an item causes downstream counts as its time.
 *
 * The first slice is emitted at subscription. The iterable is read as the items go out: it may be computed on the way, and
 * what changes in it meanwhile is seen where its iterator shows it. An error that it throws errors the result.
 * Unsubscribing ends the iterator.
 *
 * @example known$ = inSlices(world.pods.all()).pipe(map(({ uid }) => uid))
 */
export const inSlices = <T>(
  items: Iterable<T>,
  {
    sliceMs = usualSliceMs,
    scheduler = asyncScheduler,
    elapsedMs = () => scheduler.now(),
  }: SliceOptions = {},
): Observable<T> => {
  if (Array.isArray(items) && items.length <= few) return from(items);
  return defer(() => {
    const iterator = items[Symbol.iterator]();
    let exhausted = false;
    function* slice(): Generator<T, void, undefined> {
      const beganMs = elapsedMs();
      do {
        const next = iterator.next();
        exhausted = next.done === true;
        if (next.done) return;
        yield next.value;
      } while (isWithin(elapsedMs() - beganMs, sliceMs));
    }
    return defer(() => from(slice())).pipe(
      repeat({ delay: () => (exhausted ? EMPTY : timer(0, scheduler)) }),
      finalize(() => exhausted || iterator.return?.()),
    );
  });
};

// A clock that was set back ends the slice.
const isWithin = (sinceMs: number, sliceMs: number): boolean => sinceMs >= 0 && sinceMs < sliceMs;
