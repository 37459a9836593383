import type { Detachment, Interruption, Origin, ReclaimWindow } from '../world/interruption.ts';
import { nameKey } from '../world/object.ts';
import { isTerminal, type Pod } from '../world/pod.ts';
import { forceMs, graceToGive, spentAtMs, timetable } from './deadline.ts';
import { follow, withSuccessor } from './follow.ts';
import { gateOf, isPaused, type Standing } from './gate.ts';
import { type Mark, markOf } from './mark.ts';
import { replaceFirst } from './replace-first.ts';
import type { Successors } from './replacement.ts';
import type { Surge } from './surge.ts';

/** What is to be done to the pod now. One at a time: the next look sees what came of it. */
export type Effect =
  | { readonly kind: 'Mark'; readonly mark: Mark }
  | { readonly kind: 'Evict'; readonly graceSeconds: number }
  | { readonly kind: 'Delete'; readonly graceSeconds: number; readonly pretendDisruption: boolean }
  /** Deletes a pod that nobody wants any more; no budget is asked. */
  | { readonly kind: 'Remove'; readonly graceSeconds: number }
  /** Takes the pod out of its ReplicaSet, under its Deployment. */
  | {
      readonly kind: 'Detach';
      readonly deployment: { readonly name: string; readonly uid: string };
      readonly detached: Detachment & { readonly origin: Origin };
      readonly mark: Mark;
    }
  /** Labels it for its CloneSet, which starts another and then deletes it. */
  | { readonly kind: 'Delegate'; readonly detached: Detachment; readonly mark: Mark }
  /** Puts it back, because no replacement starts. */
  | {
      readonly kind: 'Attach';
      readonly origin: Origin;
      readonly because: string;
      readonly mark: Mark;
    };

/** Everything a look may consider. */
export interface Case {
  readonly interruption: Interruption;
  /** The pod of this UID; undefined when it is gone, whoever has its name now. */
  readonly pod: Pod | undefined;
  readonly standings: readonly Standing[];
  readonly successors: Successors;
  readonly surge: Surge | undefined;
  /** What becomes of its workload when it loses this pod; undefined where that goes on. */
  readonly warning: string | undefined;
  /** Old virtual nodes set no condition: an Event alone then suffices for a deletion past a budget. */
  readonly trustEvents: boolean;
}

/** What a look comes to: the record as it stands now, what to do, and when to look again if nothing wakes it. */
export interface Look {
  readonly next: Interruption;
  readonly effect?: Effect;
  /** Infinite where only a change of the world matters. A call that is not answered by then is given up. */
  readonly againAtMs?: number;
}

// An accepted eviction shows on the pod within a watch event; longer than this, it did not last.
const acceptedMs = 10_000;

/** One look at one doomed pod. Calls nothing: `effect` is for effects.ts. Same input, same answer. */
export const look = (seen: Case, nowMs: number): Look => {
  const { pod } = seen;
  const budgets = seen.standings.map(({ budget }) => nameKey(budget));
  const interruption = { ...seen.interruption, budgets };
  if (interruption.phase === 'Done' || interruption.call) return { next: interruption };
  const current = { ...seen, interruption };
  if (!pod || isTerminal(pod) || pod.deletionAtMs !== undefined) return follow(current, nowMs);
  if (interruption.evictedAtMs !== undefined && nowMs < interruption.evictedAtMs + acceptedMs) {
    const next: Interruption = { ...interruption, phase: 'Terminating', message: 'eviction accepted' };
    return { next, againAtMs: interruption.evictedAtMs + acceptedMs };
  }
  if (!interruption.detached && nowMs >= spentAtMs(interruption)) return { next: outlived(interruption) };
  return byTheClock(withWarning(act(current, pod, nowMs), current), current, pod, nowMs);
};

// A person may still save what no controller will start again.
const withWarning = (looked: Look, { warning }: Case): Look =>
  warning === undefined
    ? looked
    : { ...looked, next: { ...looked.next, message: `${looked.next.message}; ${warning}` } };

// The notice came to nothing, and the next one begins another interruption. A detached pod goes all the same: another has
// its place.
const outlived = (interruption: Interruption): Interruption => ({
  ...interruption,
  counted: true,
  phase: 'Done',
  outcome: 'NotReclaimed',
  message: 'ECI did not take it at its deadline',
});

// No pause, and no call that hangs, may eat into the time in which a pod can be evicted, or into the grace period of a
// deletion.
const byTheClock = (looked: Look, seen: Case, pod: Pod, nowMs: number): Look => {
  const { interruption } = seen;
  const { lastEvictionMs } = timetable(interruption, pod.graceSeconds);
  const moments = [
    ...(looked.effect && !ends.has(looked.effect.kind) ? [lastEvictionMs] : []),
    forcedAtMs(seen, pod),
    ...(looked.effect ? [] : [spentAtMs(interruption)]),
  ].filter((atMs) => nowMs < atMs && Number.isFinite(atMs));
  if (moments.length === 0) return looked;
  return { ...looked, againAtMs: Math.min(looked.againAtMs ?? Number.POSITIVE_INFINITY, ...moments) };
};

const ends: ReadonlySet<Effect['kind']> = new Set(['Evict', 'Delete', 'Remove']);

const act = (seen: Case, pod: Pod, nowMs: number): Look => {
  const { interruption } = seen;
  const { plan } = interruption;
  const times = timetable(interruption, pod.graceSeconds);
  if (plan.when === 'Never')
    return wait(interruption, 'Noticed', `left to the reclaim: ${plan.because}`, nowMs);
  if (plan.when === 'Late' && nowMs < times.lastEvictionMs) {
    return wait(interruption, 'Noticed', plan.because, nowMs, times.lastEvictionMs);
  }
  const forcing = forcingWindow(seen);
  if (forcing && nowMs >= forcedAtMs(seen, pod)) return force(interruption, forcing, pod, nowMs);
  if (plan.when === 'ByNode')
    return wait(interruption, 'Noticed', `${plan.because}${outlook(seen)}`, nowMs, forcedAtMs(seen, pod));
  const first = replaceFirst(
    { ...seen, interruption: withSuccessor(interruption, seen, nowMs), pod, times },
    nowMs,
  );
  if ('queue' in first) {
    const { queue, againAtMs } = first;
    return wait(queue, 'Replacing', queue.message, nowMs, againAtMs);
  }
  return 'look' in first ? first.look : evict({ ...seen, interruption: first.evict }, pod, nowMs);
};

const evict = (seen: Case, pod: Pod, nowMs: number): Look => {
  const { interruption, standings } = seen;
  const { refusal, deadlineMs, detached, plan } = interruption;
  const gate = gateOf({ refusal, ready: pod.ready }, standings, nowMs);
  if (gate.open) {
    const message = detached?.origin ? 'its replacement is Ready' : plan.because;
    const graceSeconds = graceToGive(deadlineMs, pod.graceSeconds, nowMs);
    return {
      next: { ...interruption, phase: 'Evicting', call: 'Evict', message },
      effect: { kind: 'Evict', graceSeconds },
    };
  }
  const message = `${gate.message}${outlook(seen)}`;
  return wait({ ...interruption, refusal: gate.refusal }, 'Blocked', message, nowMs, gate.againAtMs);
};

// The window in which the pod may be deleted past its budgets; undefined where it may not be.
const forcingWindow = ({ interruption, trustEvents }: Case): ReclaimWindow | undefined => {
  const { plan, settings, onCondition, onEvent } = interruption;
  if (plan.when === 'Never' || settings.onDeadline === 'Leave') return undefined;
  if (!trustEvents || !onEvent) return onCondition;
  return onCondition && onCondition.deadlineMs <= onEvent.deadlineMs ? onCondition : onEvent;
};

const forcedAtMs = (seen: Case, { graceSeconds }: Pod): number => {
  const forcing = forcingWindow(seen);
  return forcing ? forceMs(seen.interruption, forcing, graceSeconds) : Number.POSITIVE_INFINITY;
};

// What the reader of the status will ask next: what happens when the budget never gives way.
const outlook = (seen: Case): string => {
  const { settings, onCondition } = seen.interruption;
  if (forcingWindow(seen)) return '; deleted gracefully at the deadline';
  if (settings.onDeadline === 'Leave' || onCondition) return '; left to the reclaim at the deadline';
  return '; the pod has no ContainerInstanceExpired condition, so its budget is respected to the end';
};

const force = (interruption: Interruption, { deadlineMs }: ReclaimWindow, pod: Pod, nowMs: number): Look => {
  const { refusal, plan } = interruption;
  if (refusal?.of === 'Delete' && isPaused(refusal, nowMs)) {
    return {
      next: { ...interruption, phase: 'Blocked', message: refusal.message },
      againAtMs: refusal.notBeforeMs,
    };
  }
  const message = refusal ? `deadline reached while ${refusal.message}` : 'deadline reached';
  const graceSeconds = graceToGive(deadlineMs, pod.graceSeconds, nowMs);
  return {
    next: { ...interruption, phase: 'Evicting', call: 'Delete', message },
    // What keeps the condition from being written may last: its Job is charged then, as it would be by the reclaim.
    effect: { kind: 'Delete', graceSeconds, pretendDisruption: plan.charged && refusal?.of !== 'Delete' },
  };
};

// Whoever waits leaves a mark first: a restart resumes from it.
const wait = (
  interruption: Interruption,
  phase: Interruption['phase'],
  message: string,
  nowMs: number,
  againAtMs = Number.POSITIVE_INFINITY,
): Look => {
  const next: Interruption = { ...interruption, phase, message };
  if (interruption.marked) return { next, againAtMs };
  const { unmarked } = interruption;
  if (unmarked && isPaused(unmarked, nowMs))
    return { next, againAtMs: Math.min(againAtMs, unmarked.notBeforeMs) };
  return { next: { ...next, call: 'Mark' }, effect: { kind: 'Mark', mark: markOf(interruption) } };
};
