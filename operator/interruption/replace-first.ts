import type { Interruption, Origin, Refusal } from '../world/interruption.ts';
import type { Pod } from '../world/pod.ts';
import type { Timetable } from './deadline.ts';
import { isPaused } from './gate.ts';
import type { Case, Look } from './look.ts';
import { markOf } from './mark.ts';
import type { Surge } from './surge.ts';

// A replacement needs that long to be worth the trouble.
const worthMs = 20_000;
// A ReplicaSet may say so for a moment, of a call that it makes again.
const stuckMs = 2_000;

/** What a look at a pod whose replacement may come first needs. */
export interface First extends Pick<Case, 'interruption' | 'successors' | 'surge'> {
  readonly pod: Pod;
  readonly times: Timetable;
}

/** What is to be done before a pod is evicted; otherwise the record to evict it by. */
export const replaceFirst = (
  first: First,
  nowMs: number,
): { look: Look } | { evict: Interruption } | { queue: Interruption; againAtMs: number } => {
  const { interruption, surge, times } = first;
  switch (surge?.kind) {
    case undefined:
      return { evict: interruption };
    case 'Impossible':
      return { evict: { ...interruption, plainly: surge.because } };
    case 'Queued': {
      const { queue, because, againAtMs } = surge;
      const tooLateMs = times.lastEvictionMs - worthMs;
      return nowMs >= tooLateMs
        ? { evict: { ...interruption, plainly: `too little time is left: ${because}` } }
        : {
            queue: { ...interruption, queue, message: `its replacement waits: ${because}` },
            againAtMs: Math.min(againAtMs, tooLateMs),
          };
    }
    case 'Sought':
    case 'Possible':
    case 'Delegable':
      if (nowMs + worthMs >= times.lastEvictionMs)
        return { evict: { ...interruption, plainly: 'too little time is left' } };
      if (surge.kind === 'Sought') return { look: seek(first) };
      return hasFailedTooLong(first, nowMs)
        ? { evict: { ...interruption, plainly: interruption.refusal?.message } }
        : { look: start(first, surge, nowMs) };
    case 'Delegated':
      return nowMs < times.lastEvictionMs ? { look: awaitOwner(first) } : { evict: interruption };
    case 'UnderWay':
      return awaitOthers(first, surge, nowMs);
  }
};

const seek = ({ interruption, times }: First): Look => ({
  next: { ...interruption, message: 'its CloneSet is being read' },
  againAtMs: times.lastEvictionMs - worthMs,
});

// A CloneSet that is deleted or scaled down meanwhile takes the pod with it, and one that does nothing can be waited for:
// the label asks for no more than an eviction would.
const awaitOwner = ({ interruption, times }: First): Look => ({
  next: { ...interruption, phase: 'Replacing', message: byCloneSet },
  againAtMs: times.lastEvictionMs,
});

const byCloneSet = 'its CloneSet replaces it';

// What fails for half of the time may fail to the end, and under a budget plain evictions take time.
const tooLongMs = ({ interruption, times }: First): number =>
  (interruption.noticedAtMs + times.lastEvictionMs) / 2;

const hasFailedTooLong = (first: First, nowMs: number): boolean => {
  const of = first.interruption.refusal?.of;
  return (of === 'Detach' || of === 'Delegate') && nowMs >= tooLongMs(first);
};

const start = (first: First, surge: Surge & { kind: 'Possible' | 'Delegable' }, nowMs: number): Look => {
  const { interruption } = first;
  const { refusal } = interruption;
  const latestMs = nowMs < tooLongMs(first) ? tooLongMs(first) : undefined;
  if (refusal && isPaused(refusal, nowMs)) return pause(interruption, refusal, latestMs);
  if (surge.kind === 'Delegable') {
    const detached = { origin: undefined, atMs: nowMs, ready: 0 };
    return {
      next: { ...interruption, phase: 'Replacing', call: 'Delegate', message: byCloneSet },
      effect: { kind: 'Delegate', detached, mark: markOf({ ...interruption, detached }) },
    };
  }
  const { origin, deployment, ready } = surge;
  const detached = { origin, atMs: nowMs, ready };
  return {
    next: { ...interruption, phase: 'Replacing', call: 'Detach', message: 'its replacement starts first' },
    effect: { kind: 'Detach', deployment, detached, mark: markOf({ ...interruption, detached }) },
  };
};

const pause = (
  interruption: Interruption,
  { message, notBeforeMs }: Refusal,
  latestMs = Number.POSITIVE_INFINITY,
): Look => ({
  next: { ...interruption, phase: 'Replacing', message },
  againAtMs: Math.min(notBeforeMs, latestMs),
});

const awaitOthers = (
  first: First,
  surge: Surge & { kind: 'UnderWay' },
  nowMs: number,
): { look: Look } | { evict: Interruption } => {
  const { interruption, pod, times } = first;
  const { detached, refusal } = interruption;
  if (!detached?.origin) return { evict: interruption };
  // A budget over no pods allows nothing, and nobody waits for this one.
  if (surge.wanted === 0) {
    if (refusal?.of === 'Remove' && isPaused(refusal, nowMs)) return { look: pause(interruption, refusal) };
    const message = 'its Deployment wants no pods any more';
    const next: Interruption = { ...interruption, phase: 'Evicting', call: 'Remove', message };
    return { look: { next, effect: { kind: 'Remove', graceSeconds: pod.graceSeconds } } };
  }
  const needed = Math.min(surge.wanted, detached.ready);
  const available = surge.availableAtMs.filter((atMs) => atMs <= nowMs).length;
  if (available >= needed || nowMs >= times.lastEvictionMs) return { evict: interruption };
  if (refusal?.of === 'Attach' && isPaused(refusal, nowMs))
    return { look: pause(interruption, refusal, times.lastEvictionMs) };
  const known = replacementIn(first);
  const stuck = known ? lateIn(known, times) : unmadeIn(surge, detached.origin, detached.atMs);
  if (stuck && nowMs >= stuck.untilMs) return { look: attach(interruption, detached.origin, stuck.because) };
  const againAtMs = Math.min(
    times.lastEvictionMs,
    surge.availableAtMs[needed - 1] ?? Number.POSITIVE_INFINITY,
    stuck?.untilMs ?? Number.POSITIVE_INFINITY,
  );
  const because = known?.unplaced ? `: ${known.name} waits, ${known.unplaced}` : '';
  const message = `its replacement starts first: it goes when ${countPods(needed)} Ready without it${because}`;
  return { look: { next: { ...interruption, phase: 'Replacing', message }, againAtMs } };
};

const countPods = (count: number): string => (count === 1 ? 'one pod is' : `${count} pods are`);

// Each goes by its own replacement: where one has no place, others may have.
const replacementIn = ({ interruption, successors: { credited, candidates } }: First): Pod | undefined =>
  [credited, ...candidates].find((each) => each?.pod.uid === interruption.replacement?.uid)?.pod;

/** Why a replacement is given up, and how long it is waited for. */
interface Stuck {
  readonly because: string;
  readonly untilMs: number;
}

// Autoscalers, profiles and queues leave a pod without a node for seconds or longer. While the old one serves, that costs nothing.
const lateIn = ({ name, unplaced }: Pod, { lastEvictionMs }: Timetable): Stuck | undefined =>
  unplaced === undefined
    ? undefined
    : { because: `${name} had no place in time: ${unplaced}`, untilMs: lastEvictionMs - worthMs };

const unmadeIn = (
  { creationFails }: Surge & { kind: 'UnderWay' },
  origin: Origin,
  atMs: number,
): Stuck | undefined =>
  creationFails
    ? { because: `ReplicaSet ${origin.name} cannot create pods`, untilMs: atMs + stuckMs }
    : undefined;

// Its ReplicaSet takes it in again, and ends its unready one.
const attach = (interruption: Interruption, origin: Origin, because: string): Look => {
  const attached: Interruption = {
    ...interruption,
    detached: undefined,
    replacement: undefined,
    plainly: because,
  };
  return {
    next: { ...interruption, phase: 'Replacing', call: 'Attach', message: because },
    effect: { kind: 'Attach', origin, because, mark: markOf(attached) },
  };
};
