import { NEVER, type Observable, Subject, tap } from 'rxjs';
import { onTestFinished } from 'vitest';
import type { Effect } from '../../operator/interruption/look.ts';
import type { Answer } from '../../operator/interruption/settle.ts';
import { type InterruptionOutcome, interruptionStream } from '../../operator/interruption/stream.ts';
import { anewAfter } from '../../operator/runtime/anew-after.ts';
import type { Interruption } from '../../operator/world/interruption.ts';
import type { Change } from '../../operator/world/view.ts';
import type { World } from '../../operator/world/world.ts';
import { noonMs } from './pod.ts';

/** A call that the stream made: what it does to which pod, and when, in seconds after noon. */
export interface Call {
  readonly pod: string;
  readonly effect: Effect;
  readonly seconds: number;
  readonly signal: AbortSignal;
}

/** Its calls as `Evict web-1 at 30`, in their order. */
export const made = ({ calls }: Leader): string[] =>
  calls.map(({ pod, effect, seconds }) => `${effect.kind} ${pod} at ${seconds}`);

/** How a cluster answers a call, which is given up once its signal says so. */
export type Answering = (pod: Interruption, effect: Effect, signal: AbortSignal) => Answer | Promise<Answer>;

/** A leader at work on a world, and what was seen of it. */
export interface Leader {
  readonly calls: readonly Call[];
  readonly outcomes: readonly InterruptionOutcome[];
  readonly tell: (changes: readonly Change[]) => void;
  /** Loses the lease; whether another leads next is said by `world.endTerm`. */
  readonly stop: () => void;
}

/** A clock other than that of the test, and its jumps. */
export interface LeaderClock {
  readonly nowMs: () => number;
  readonly jumped$: Observable<unknown>;
}

interface LeaderWishes {
  readonly concurrency?: number;
  readonly trustEvents?: boolean;
  readonly clock?: LeaderClock;
}

/** Starts the interruption stream, on the clock of the test unless another is given; every call is done unless `answer` says otherwise. */
export const lead = (
  world: World,
  answer: Answering = () => ({ kind: 'Done' }),
  // Read here, because a test puts its own in place of Date.now.
  { concurrency = 64, trustEvents = false, clock = { nowMs: Date.now, jumped$: NEVER } }: LeaderWishes = {},
): Leader => {
  const change$ = new Subject<Change>();
  const calls: Call[] = [];
  const outcomes: InterruptionOutcome[] = [];
  const perform = (pod: Interruption, effect: Effect, signal: AbortSignal): Promise<Answer> => {
    calls.push({ pod: pod.name, effect, seconds: (Date.now() - noonMs) / 1000, signal });
    return Promise.resolve(answer(pod, effect, signal));
  };
  const { nowMs, jumped$ } = clock;
  const subscription = interruptionStream(
    { world, nowMs, random: () => 0, perform, defaultMinutes: 3, trustEvents, concurrency },
    change$,
  )
    .pipe(anewAfter(jumped$.pipe(tap(() => world.endTerm()))))
    .subscribe((outcome) => outcomes.push(outcome));
  const stop = (): void => subscription.unsubscribe();
  onTestFinished(stop);
  return { calls, outcomes, tell: (changes) => changes.forEach((change) => change$.next(change)), stop };
};
