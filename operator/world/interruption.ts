import type { Identity } from './object.ts';

/** Where an interruption stands. */
export type Phase =
  'Noticed' | 'Replacing' | 'Evicting' | 'Blocked' | 'Terminating' | 'AwaitingReplacement' | 'Done';

/** How an interruption ended. */
export type Outcome =
  | 'Replaced'
  | 'NotReplaced'
  | 'NotNeeded'
  | 'Completed'
  | 'WorkloadFailed'
  | 'Forced'
  | 'Missed'
  | 'LeftToReclaim'
  | 'NotReclaimed';

/** From the notice of a reclaim to the moment at which ECI takes the pod, in milliseconds since the epoch. */
export interface ReclaimWindow {
  readonly noticedAtMs: number;
  readonly deadlineMs: number;
}

/**
 * Where the length of a window comes from: a number in the text of its signal, a number in the text of another signal of
 * the same warning, or the default, which stands in until a number is known.
 */
export type WindowLength = 'Named' | 'Borrowed' | 'Assumed';

/** The settings an interruption began with; a policy edited or deleted meanwhile changes nothing. */
export interface Settings {
  /** The key of the policy that governs the pod. */
  readonly policy: string;
  readonly evictor: 'Operator' | 'VirtualNode' | 'None';
  readonly replacement: 'BeforeEviction' | 'AfterEviction';
  /** How many pods of a Deployment wait for their replacements at once: all, or as many as its `maxSurge` says. */
  readonly surge: 'AsDoomed' | 'AsWorkload';
  readonly jobPods: 'AtDeadline' | 'Immediately' | 'Never';
  readonly onDeadline: 'Delete' | 'Leave';
}

/** When the operator evicts the pod, and why then; `ByNode` leaves the eviction to its virtual node. */
export interface Plan {
  readonly when: 'AtOnce' | 'Late' | 'ByNode' | 'Never';
  readonly because: string;
  /** Its owner is charged for a deletion that carries no DisruptionTarget (a Job). */
  readonly charged: boolean;
}

/** The workload whose controller recreates the pod. */
export interface WorkloadReference {
  readonly group: string;
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
}

/** A call about a doomed pod. */
export type Call = 'Evict' | 'Delete' | 'Remove' | 'Mark' | 'Detach' | 'Attach' | 'Delegate';

/** A call that was not done, or would not have been. */
export interface Refusal {
  /** Undefined where nothing was asked: the figures of its budgets say what the answer would be. */
  readonly of: Call | undefined;
  readonly atMs: number;
  /** How many of this call in a row, this one included. */
  readonly attempts: number;
  /** A budget refused: a newer version of it is worth another try. Otherwise only time is. */
  readonly byBudget: boolean;
  /** The operator has no right to the call, which its administrator must give it. */
  readonly forbidden?: boolean;
  /** A move or a mark that may have been done all the same. */
  readonly unsure?: boolean;
  /** Versions, at the refusal, of the budgets that select the pod, by `namespace/name`. */
  readonly budgetVersions: Readonly<Record<string, string>>;
  readonly message: string;
  /** How long to wait for another try where only time helps, in milliseconds. */
  readonly pauseMs: number;
  /** Not before then, whatever a budget says; infinite where no number of tries will help. */
  readonly notBeforeMs: number;
}

/** How a pod ended, and when it was first seen to. */
export interface Ending {
  readonly how: 'Terminating' | 'BidFailed' | 'Failed' | 'Succeeded' | 'Gone';
  readonly atMs: number;
  /** It carried DisruptionTarget: somebody evicted it. */
  readonly evicted?: boolean;
}

/** The pod that took the doomed one's place. */
export interface Replacement {
  readonly uid: string;
  readonly name: string;
  readonly capacity: 'spot' | 'on-demand';
  readonly readyAtMs: number | undefined;
}

/** A pod whose controller starts another in its place, because it was taken out of its ReplicaSet or is labelled so. */
export interface Detachment {
  /** The ReplicaSet; undefined where the pod is labelled for its CloneSet, which deletes it by itself. */
  readonly origin: Origin | undefined;
  readonly atMs: number;
  /** How many pods of its Deployment were Ready then, itself among them. */
  readonly ready: number;
}

/** A ReplicaSet that a pod was taken out of. */
export interface Origin {
  readonly name: string;
  readonly uid: string;
}

/** What is known of one doomed pod. Identity is the pod's, so one record exists per pod and never per name. */
export interface Interruption extends Identity, ReclaimWindow {
  readonly nodeName: string | undefined;
  readonly workload: WorkloadReference | undefined;
  readonly settings: Settings;
  readonly plan: Plan;
  readonly length: WindowLength;
  /** The window by the pod's condition alone, which only its node writes; undefined while it has none that is current. */
  readonly onCondition: ReclaimWindow | undefined;
  /** The earliest window by Events alone, which users may write. */
  readonly onEvent: ReclaimWindow | undefined;
  /** `totals.noticed` holds it. */
  readonly counted: boolean;
  /** What the pod's own annotation tells whoever leads next: that it is under way, or how it ended. */
  readonly marked: 'UnderWay' | 'Ended' | undefined;
  /** The call under way. */
  readonly call: Call | undefined;
  readonly detached: Detachment | undefined;
  /** Why it is evicted before its replacement has started; undefined while that is not decided. */
  readonly plainly: string | undefined;
  /** The line in which it waits for room to start its replacement; undefined while it waits for none. */
  readonly queue: string | undefined;
  /** Budgets that selected the pod at the last look, by `namespace/name`. */
  readonly budgets: readonly string[];
  /** The last one of any call but a mark. */
  readonly refusal: Refusal | undefined;
  /** Why its mark is not written yet: nothing else waits for that. */
  readonly unmarked: Refusal | undefined;
  /** The last call that was to end the pod and may have done so, for all that was heard: nothing that comes later undoes it. */
  readonly unheard?: 'Evict' | 'Delete' | 'Remove';
  readonly evictedAtMs: number | undefined;
  readonly forced: boolean;
  /** It was still terminating a minute after its deadline. */
  readonly overdue?: boolean;
  /** How the pod was first seen ending. */
  readonly ending: Ending | undefined;
  /** When it was first seen gone, or terminal. */
  readonly goneAtMs: number | undefined;
  readonly replacement: Replacement | undefined;
  readonly outcome: Outcome | undefined;
  readonly phase: Phase;
  readonly message: string;
}

/** What is said of an interruption: where it stands, and why its replacement does not come first. */
export const describe = ({ message, plainly }: Pick<Interruption, 'message' | 'plainly'>): string =>
  plainly === undefined ? message : `${message}; not replaced first: ${plainly}`;

/** Somebody is about to end the pod: it counts no more among those that serve. */
export const isLeaving = ({ call, evictedAtMs }: Interruption): boolean =>
  evictedAtMs !== undefined || call === 'Evict' || call === 'Delete' || call === 'Remove';

/** It is out of its ReplicaSet, or labelled for its CloneSet, and still there; or may be for all that was heard. */
export const isDetaching = ({ call, detached, ending, phase, plainly, refusal }: Interruption): boolean => {
  if (phase === 'Done' || ending) return false;
  if (detached || call === 'Detach' || call === 'Delegate') return true;
  const isLost = refusal?.unsure === true && (refusal.of === 'Detach' || refusal.of === 'Delegate');
  return isLost && plainly === undefined;
};

/** Its replacement may still be created: the world has shown none. */
export const isReplacementDue = (interruption: Interruption): boolean =>
  isDetaching(interruption) && interruption.replacement === undefined;

/** It is one pod more than its workload wants, and nobody has evicted it yet. */
export const isSurplus = (interruption: Interruption): boolean =>
  isDetaching(interruption) && interruption.evictedAtMs === undefined;

/** What a policy counts. */
export interface Totals {
  readonly noticed: number;
  readonly evicted: number;
  readonly replaced: number;
  readonly forced: number;
  readonly missed: number;
  readonly leftToReclaim: number;
  readonly workloadFailed: number;
}

/** Nothing counted yet. */
export const noTotals: Totals = {
  noticed: 0,
  evicted: 0,
  replaced: 0,
  forced: 0,
  missed: 0,
  leftToReclaim: 0,
  workloadFailed: 0,
};

// Of a released pod only the mark tells the next leader that it has been counted.
const isKept = ({ marked, phase }: Interruption): boolean => marked === 'Ended' || phase === 'Done';

/**
 * What the step from `before` to `after` adds to the totals.
 *
 * Each figure is the edge of one field, so a step taken twice from the same record counts nothing twice.
 */
export const countStep = (before: Interruption | undefined, after: Interruption): Totals => {
  const became = (test: (interruption: Interruption) => boolean): number =>
    test(after) && !(before && test(before)) ? 1 : 0;
  return {
    noticed: became(({ counted }) => counted),
    evicted: became(({ evictedAtMs, forced }) => evictedAtMs !== undefined && !forced),
    // Not before the pod is gone: a new leader finds the pods that still terminate, and not what was counted of each.
    replaced: became(({ phase, replacement }) => phase === 'Done' && replacement?.readyAtMs !== undefined),
    forced: became(({ forced }) => forced),
    missed: became((each) => each.outcome === 'Missed' && isKept(each)),
    leftToReclaim: became((each) => each.outcome === 'LeftToReclaim' && isKept(each)),
    workloadFailed: became(({ outcome }) => outcome === 'WorkloadFailed'),
  };
};

/** The sum of two totals. */
export const addTotals = (a: Totals, b: Totals): Totals => ({
  noticed: a.noticed + b.noticed,
  evicted: a.evicted + b.evicted,
  replaced: a.replaced + b.replaced,
  forced: a.forced + b.forced,
  missed: a.missed + b.missed,
  leftToReclaim: a.leftToReclaim + b.leftToReclaim,
  workloadFailed: a.workloadFailed + b.workloadFailed,
});
