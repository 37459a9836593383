import { Subject } from 'rxjs';
import { onTestFinished } from 'vitest';
import type { Effect } from '../../operator/interruption/look.ts';
import type { Answer } from '../../operator/interruption/settle.ts';
import { type InterruptionOutcome, interruptionStream } from '../../operator/interruption/stream.ts';
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
  readonly stop: () => void;
}

/** Starts the interruption stream on the clock of the test; every call is done unless `answer` says otherwise. */
export const lead = (
  world: World,
  answer: Answering = () => ({ kind: 'Done' }),
  { concurrency = 64, trustEvents = false }: { concurrency?: number; trustEvents?: boolean } = {},
): Leader => {
  const change$ = new Subject<Change>();
  const calls: Call[] = [];
  const outcomes: InterruptionOutcome[] = [];
  const perform = (pod: Interruption, effect: Effect, signal: AbortSignal): Promise<Answer> => {
    calls.push({ pod: pod.name, effect, seconds: (Date.now() - noonMs) / 1000, signal });
    return Promise.resolve(answer(pod, effect, signal));
  };
  const subscription = interruptionStream(
    { world, nowMs: Date.now, perform, defaultMinutes: 3, trustEvents, concurrency },
    change$,
  ).subscribe((outcome) => outcomes.push(outcome));
  const stop = (): void => subscription.unsubscribe();
  onTestFinished(stop);
  return { calls, outcomes, tell: (changes) => changes.forEach((change) => change$.next(change)), stop };
};
