import { distinctUntilChanged, map, type Observable, pairwise, startWith } from 'rxjs';
import { toleratedMs } from '../kube/clock-offset.ts';

/** The offset of this machine's clock from the API server's has changed, in milliseconds, positive when it is ahead. */
export interface ClockOutcome {
  readonly room: 'clock';
  readonly beforeMs: number;
  readonly offsetMs: number;
}

// Certificates, tokens and logs suffer from an offset like this as well: somebody has to mend the clock.
const farMs = 60_000;
// An offset at a threshold is not told again and again.
const marginMs = 2_000;

type Level = 'right' | 'off' | 'far';

const levelOf = (offsetMs: number): Level => {
  const amountMs = Math.abs(offsetMs);
  if (amountMs > farMs) return 'far';
  return amountMs > toleratedMs ? 'off' : 'right';
};

const isNews = (beforeMs: number, offsetMs: number): boolean => {
  const changedMs = Math.abs(offsetMs - beforeMs);
  const levels = [levelOf(beforeMs), levelOf(offsetMs)];
  return levels[0] === levels[1] ? levels[0] !== 'right' && changedMs > toleratedMs : changedMs > marginMs;
};

/**
 * The changes that are worth a word: an offset that begins or ceases to be more than 5 s, or more than 60 s, and one beyond
 * that moves by more than 5 s. A clock that is right at first is none.
 */
export const clockOutcomes = (offsetMs$: Observable<number>): Observable<ClockOutcome> =>
  offsetMs$.pipe(
    startWith(0),
    distinctUntilChanged((beforeMs, offsetMs) => !isNews(beforeMs, offsetMs)),
    pairwise(),
    map(([beforeMs, offsetMs]) => ({ room: 'clock', beforeMs, offsetMs })),
  );

/** What to say: a line of the log, and the message of a Warning where somebody has to act. */
export interface ClockStory {
  readonly level: 'info' | 'warn';
  readonly line: string;
  readonly warning?: string;
}

/** Tells a change of the offset; `nodeName` is the node whose clock it is, where that is known. */
export const tellClock = (offsetMs: number, nodeName: string | undefined): ClockStory => {
  const level = levelOf(offsetMs);
  if (level === 'right') return { level: 'info', line: "this clock agrees with the API server's again" };
  const story = { level: 'warn', line: "this clock is off: the API server's clock decides" } as const;
  if (level === 'off') return story;
  const where = nodeName === undefined ? 'of its machine' : `of node ${nodeName}`;
  const way = offsetMs > 0 ? 'ahead of' : 'behind';
  const seconds = Math.round(Math.abs(offsetMs) / 1000);
  return {
    ...story,
    warning: `the clock ${where} is ${seconds} s ${way} the API server's, by which the operator now decides; set the clock`,
  };
};
