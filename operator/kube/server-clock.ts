import { Observable, ReplaySubject, Subject } from 'rxjs';
import { afterAnswer, beforeAnswers, sightingOf } from './clock-offset.ts';

/** The clocks of this machine, in milliseconds. */
export interface MachineClock {
  /** Only ever goes on, and nobody sets it: performance.now. */
  readonly elapsedMs: () => number;
  /** The time of day, which may be wrong and may be set at any moment: Date.now. */
  readonly timeOfDayMs: () => number;
}

/** An answer of the API server: its status and headers. */
export interface DatedAnswer {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

/** The one clock of this program. */
export interface ServerClock {
  /**
   * The time of day that decides, in whole milliseconds since 1970: this machine's, as it was at the start, or the API
   * server's once the two differ by more than `toleratedMs`. It runs evenly while this machine's clock is set, and jumps
   * only where `jumped$` says so.
   */
  nowMs(): number;
  /** Emits after each jump of `nowMs` by how many milliseconds it went, negative for back. Whatever was timed by it before is void. */
  readonly jumped$: Observable<number>;
  /** This machine's time of day minus the API server's in milliseconds, within about a second: the latest at once, then each that differs. */
  readonly offsetMs$: Observable<number>;
  /** A request is sent now; the function takes its answer in. */
  asks(): (answer: DatedAnswer) => void;
}

// The header has whole seconds: what moves less is not told.
const tellingMs = 1_000;

/** A clock that has heard no answer yet. */
export const serverClock = ({ elapsedMs, timeOfDayMs }: MachineClock): ServerClock => {
  const wallMs = (): number => timeOfDayMs() - elapsedMs();
  let belief = beforeAnswers(wallMs());
  let toldMs = Number.NaN;
  const jumped$ = new Subject<number>();
  const offsetMs$ = new ReplaySubject<number>(1);

  const hear = (header: unknown, sentMs: number): void => {
    const sighting = sightingOf(header, sentMs, elapsedMs());
    if (!sighting) return;
    const before = belief;
    belief = afterAnswer(before, sighting, wallMs());
    const offsetMs = belief.serverMs === undefined ? Number.NaN : belief.wallMs - belief.serverMs;
    if (Math.abs(offsetMs - toldMs) > tellingMs || (Number.isNaN(toldMs) && !Number.isNaN(offsetMs))) {
      toldMs = offsetMs;
      offsetMs$.next(Math.round(offsetMs));
    }
    const jumpMs = belief.decidingMs - before.decidingMs;
    if (jumpMs !== 0) jumped$.next(Math.round(jumpMs));
  };

  return {
    nowMs: () => Math.floor(elapsedMs() + belief.decidingMs),
    jumped$,
    offsetMs$,
    asks: () => {
      const sentMs = elapsedMs();
      return ({ statusCode, headers }) => {
        // A cache says how old its answer is, and a balancer answers for a server that does not: both have clocks of their own.
        if (statusCode < 500 && headers['age'] === undefined) hear(headers['date'], sentMs);
      };
    },
  };
};
