import type { Ending, Interruption, Outcome, Replacement } from '../world/interruption.ts';
import { isLive, isServing, isTerminal, type Pod } from '../world/pod.ts';
import { isPaused } from './gate.ts';
import { markOf } from './mark.ts';
import type { Case, Look } from './look.ts';
import type { Failure, Successor } from './replacement.ts';

// How long to wait for a Ready successor of a pod that is gone before saying that there is none.
const successorMs = 600_000;
// A pod may take some seconds beyond its grace period, and ECI some beyond the deadline.
const overdueMs = 60_000;

/** A look at a pod that ends or has ended, whoever ended it: how it went, and who takes its place. */
export const follow = (seen: Case, nowMs: number): Look => {
  const { pod } = seen;
  const ended = withLostCall(withEnding(seen.interruption, pod, nowMs));
  const outcome = ended.outcome ?? outcomeOf(ended);
  const credited = withSuccessor({ ...ended, outcome }, seen, nowMs);
  if (pod && isTerminal(pod) && outcome && credited.marked !== 'Ended') return leaveMark(credited, nowMs);
  // Nobody begins it again: it counts now, also where somebody else was quicker than we to end the pod.
  // Of a pod that is gone no other leader can begin it.
  const marked = pod ? credited.marked : 'Ended';
  const followed: Interruption = { ...credited, counted: true, marked };
  if (pod && !isTerminal(pod)) return terminating(followed, pod, nowMs);
  const concluded = conclude({ ...followed, goneAtMs: followed.goneAtMs ?? nowMs }, seen, nowMs);
  return pod && isBegunAnew(pod, followed) ? stillThere(concluded, pod, nowMs) : concluded;
};

const terminating = (interruption: Interruption, pod: Pod, nowMs: number): Look => {
  const next: Interruption = { ...interruption, phase: 'Terminating', message: 'terminating' };
  const overdueAtMs = Math.max(interruption.deadlineMs, pod.deletionAtMs ?? 0) + overdueMs;
  if (nowMs < overdueAtMs) return { next, againAtMs: overdueAtMs };
  const { finalizers } = pod;
  const by =
    finalizers.length > 0 ? `finalizers hold it (${finalizers.join(', ')})` : 'its node has not let it go';
  return {
    next: { ...next, overdue: true, message: `still terminating a minute after its deadline: ${by}` },
  };
};

// Its containers have ended and its object is about to go. A new leader that finds it begins it anew and counts how it ends,
// so it ends here only when it is gone.
const isBegunAnew = ({ deletionAtMs }: Pod, { marked }: Interruption): boolean =>
  deletionAtMs !== undefined && marked !== 'Ended';

const stillThere = ({ next, ...look }: Look, pod: Pod, nowMs: number): Look =>
  next.phase === 'Done' ? terminating({ ...next, outcome: undefined }, pod, nowMs) : { next, ...look };

/**
 * How a pod ends, as seen now; undefined while it lives.
 *
 * The exit codes of a pod that is being deleted say nothing: a server that handles SIGTERM exits with 0. So its phase counts
 * only where ECI took it or nothing deletes it.
 */
export const endingOf = (pod: Pod | undefined, nowMs: number): Ending | undefined => {
  if (!pod) return { how: 'Gone', atMs: nowMs };
  const { phase, reason, deletionAtMs, deletedAtMs } = pod;
  if (phase === 'Failed' && reason === 'BidFailed') return { how: 'BidFailed', atMs: nowMs };
  if (deletionAtMs !== undefined)
    return { how: 'Terminating', atMs: deletedAtMs ?? nowMs, ...(pod.disrupted && { evicted: true }) };
  return phase === 'Failed' || phase === 'Succeeded' ? { how: phase, atMs: nowMs } : undefined;
};

/** The record with the first ending seen: what comes later (the object removed) only follows from it. */
export const withEnding = (interruption: Interruption, pod: Pod | undefined, nowMs: number): Interruption =>
  interruption.ending ? interruption : { ...interruption, ending: endingOf(pod, nowMs) };

// A call whose answer was lost was done after all: it is told and counted as if it had been heard.
const withLostCall = (interruption: Interruption): Interruption => {
  const { unheard, evictedAtMs, ending } = interruption;
  const wasEnded = ending?.how === 'Terminating' || ending?.how === 'Gone';
  if (!unheard || evictedAtMs !== undefined || !wasEnded) return interruption;
  return { ...interruption, evictedAtMs: ending.atMs, forced: interruption.forced || unheard === 'Delete' };
};

const outcomeOf = ({ ending, plan, forced }: Interruption): Outcome | undefined => {
  if (forced) return 'Forced';
  if (ending?.how === 'Succeeded') return 'Completed';
  if (ending?.how === 'BidFailed') return plan.when === 'Never' ? 'LeftToReclaim' : 'Missed';
  return undefined;
};

// A released pod stays as an object: only the mark keeps the next leader from counting it again, so nothing goes on
// before it is written.
const leaveMark = (interruption: Interruption, nowMs: number): Look => {
  const { unmarked } = interruption;
  if (unmarked && isPaused(unmarked, nowMs)) {
    const next: Interruption = { ...interruption, phase: 'AwaitingReplacement', message: unmarked.message };
    return { next, againAtMs: unmarked.notBeforeMs };
  }
  return { next: { ...interruption, call: 'Mark' }, effect: { kind: 'Mark', mark: markOf(interruption) } };
};

/** The record with the pod that takes its place, as far as there is one. */
export const withSuccessor = (
  interruption: Interruption,
  { successors }: Pick<Case, 'successors'>,
  nowMs: number,
): Interruption => {
  // Once Ready it has taken the place, whatever becomes of it later.
  if (interruption.replacement?.readyAtMs !== undefined) return interruption;
  const { credited, candidates } = successors;
  const successor = credited && isLive(credited.pod) ? credited : candidates[0];
  return {
    ...interruption,
    replacement: successor && replacementOf(successor, nowMs),
  };
};

const replacementOf = ({ pod, capacity, readySinceMs }: Successor, nowMs: number): Replacement => ({
  uid: pod.uid,
  name: pod.name,
  capacity,
  readyAtMs: isServing(pod) ? (readySinceMs ?? nowMs) : undefined,
});

const conclude = (interruption: Interruption, { successors }: Case, nowMs: number): Look => {
  const { replacement, outcome, workload, goneAtMs } = interruption;
  const end = (outcome: Outcome, message: string): Look => ({
    next: { ...interruption, outcome, phase: 'Done', message },
  });
  // How the pod went is told before what became of its place.
  const done = (fallback: Outcome, message: string): Look => end(outcome ?? fallback, message);
  if (replacement?.readyAtMs !== undefined) return done('Replaced', `replaced by ${replacement.name}`);
  if (outcome === 'Completed') return done('Completed', 'it completed in time');
  if (!workload) return done('NotReplaced', 'no controller recreates it');
  const { wanted, serving, failure, workloadEnded, indexFailed } = successors;
  const name = `${workload.kind} ${workload.name}`;
  if (failure && hasCaused(interruption, failure))
    return end('WorkloadFailed', `${name} has failed${failure.message && `: ${failure.message}`}`);
  if (workloadEnded) return done('NotNeeded', `${name} has ended`);
  if (indexFailed !== undefined) return done('NotReplaced', `index ${indexFailed} of ${name} has failed`);
  if (wanted === 0) return done('NotNeeded', `${name} wants no pod in its place`);
  const giveUpAtMs = (goneAtMs ?? nowMs) + successorMs;
  if (replacement) {
    if (nowMs >= giveUpAtMs)
      return done('NotReplaced', `${replacement.name} has not become Ready in its place`);
    return awaiting(interruption, `waiting for ${replacement.name} to be Ready`, giveUpAtMs);
  }
  if (wanted !== undefined && serving >= wanted)
    return done('NotNeeded', `${name} has the ${wanted} Ready pods it wants`);
  if (nowMs >= giveUpAtMs) return done('NotReplaced', `${name} has not replaced it`);
  return awaiting(interruption, `waiting for ${name} to replace it`, giveUpAtMs);
};

// A controller that fails a workload deletes its other pods: what was deleted and not evicted did not make it fail, and
// what failed before the pod ended failed for another reason. API times are whole seconds.
const hasCaused = (
  { outcome, ending, evictedAtMs = Number.POSITIVE_INFINITY }: Interruption,
  { atMs = Number.POSITIVE_INFINITY }: Pick<Failure, 'atMs'>,
): boolean => {
  const isLost = outcome !== undefined || ending?.evicted === true || Number.isFinite(evictedAtMs);
  const endedAtMs = Math.min(evictedAtMs, ending?.atMs ?? Number.POSITIVE_INFINITY);
  return isLost && atMs >= Math.floor(endedAtMs / 1000) * 1000;
};

const awaiting = (interruption: Interruption, message: string, againAtMs: number): Look => ({
  next: { ...interruption, phase: 'AwaitingReplacement', message },
  againAtMs,
});
