import { selects } from '../policy/selector.ts';
import type { Call, Interruption } from '../world/interruption.ts';
import { nameKey } from '../world/object.ts';
import type { Budget } from '../world/objects.ts';
import { isLive, type Pod } from '../world/pod.ts';
import type { View } from '../world/view.ts';
import { noticeOf, withMove } from './begin.ts';
import { gateOf, roomIn, type Standing } from './gate.ts';
import type { Case } from './look.ts';
import { successorsOf } from './replacement.ts';
import { surgeOf } from './surge.ts';

/** What a look needs to know beside the world. */
export interface LookOptions {
  readonly defaultMinutes: number;
  readonly trustEvents: boolean;
  readonly nowMs: number;
}

/** The case of one doomed pod as the world stands, its record brought up to date. */
export const gatherCase = (view: View, known: Interruption, options: LookOptions): Case => {
  const pod = view.pods.byUid(known.uid);
  // Each look finds out anew where it has to wait.
  const interruption = { ...(pod ? upToDate(view, known, pod, options) : known), queue: undefined };
  return {
    interruption,
    pod,
    standings: pod ? standingsOf(view, pod) : [],
    successors: successorsOf(view, interruption),
    surge: pod && isLive(pod) ? surgeOf(view, interruption, pod, options.nowMs) : undefined,
    warning: warningOf(view, interruption),
    trustEvents: options.trustEvents,
  };
};

// A Job that has no retry left and no rule that spares it fails with the pod, which nobody but a person can prevent.
const warningOf = (view: View, { uid, workload, plan }: Interruption): string | undefined => {
  const job = workload && view.workload(workload);
  if (!job) return undefined;
  const failures = Number(view.pods.byUid(uid)?.annotations[indexFailures] ?? 0);
  const isIndexSpent = failures >= (job.retriesPerIndex ?? Number.POSITIVE_INFINITY);
  const { evicted, released } = isIndexSpent ? job.lastPodOfIndex : job.lastPod;
  const because = plan.when === 'Never' ? released : evicted;
  return because && `Job ${workload.name} fails when it loses this pod: ${because}`;
};

// The Job controller writes it on each pod of an index with a limit of its own.
const indexFailures = 'batch.kubernetes.io/job-index-failure-count';

/** The doomed pods that a budget holds up, the earliest deadline first. */
export const heldBy = (view: View, budget: Budget): readonly Interruption[] =>
  [...view.interruptions.group('held', nameKey(budget))].toSorted((a, b) => a.deadlineMs - b.deadlineMs);

/** Those of them that it has room for now; the first in any case, since it may ask for all of them. */
export const releasedBy = (view: View, budget: Budget, nowMs: number): readonly Interruption[] => {
  const standing = standingOf(view, budget);
  return heldBy(view, budget)
    .filter((held) => mayGo(view, held, standing, nowMs))
    .slice(0, Math.max(1, roomIn(standing)));
};

// Whoever is held up by something else as well would take the turn and leave it unused.
const mayGo = (view: View, { uid, budgets, refusal }: Interruption, standing: Standing, nowMs: number) => {
  const ready = view.pods.byUid(uid)?.ready ?? false;
  return budgets.length === 1 && gateOf({ refusal, ready }, [standing], nowMs).open;
};

const standingsOf = (view: View, pod: Pod): readonly Standing[] =>
  [...view.budgets.group('namespace', pod.namespace)]
    .filter((budget) => selects(budget.selector, pod.labels))
    .map((budget) => standingOf(view, budget));

// A pod that is looked at has no call of its own under way.
const standingOf = (view: View, budget: Budget): Standing => ({
  budget,
  underWay: view.interruptions.group('calling', nameKey(budget)).size,
  refusedAtMs: view.refusals.lastMs(budget),
  ghosts: [...view.pods.group('ghost', budget.namespace)].filter(({ labels }) =>
    selects(budget.selector, labels),
  ).length,
});

const upToDate = (view: View, known: Interruption, pod: Pod, options: LookOptions): Interruption => {
  const { refusal } = known;
  const notice = noticeOf(view, pod, known, options);
  const moved = refusal?.of && moves.has(refusal.of) ? withMove(view, known, pod, options.nowMs) : known;
  if (!notice) return { ...moved, onCondition: undefined, onEvent: undefined };
  const { confirmed: _, ...current } = notice;
  return { ...moved, ...current };
};

const moves: ReadonlySet<Call> = new Set(['Detach', 'Delegate', 'Attach']);
