import {
  type InterruptionEntry,
  type PolicyKindName,
  statusBounds,
  type SpotPolicyStatus,
} from '../api/index.ts';
import { describe, type Interruption, type Totals } from '../world/interruption.ts';
import { apiTime } from '../world/object.ts';

/** The storm in one line. */
export const summarize = (
  interruptions: readonly Interruption[],
): NonNullable<SpotPolicyStatus['interruption']> => {
  const active = interruptions.filter(isUnderWay);
  const inPhase = (phase: Interruption['phase']): number =>
    active.filter((each) => each.phase === phase).length;
  const deadlines = active.filter(({ ending }) => !ending).map(({ deadlineMs }) => deadlineMs);
  return {
    active: active.length,
    blocked: inPhase('Blocked'),
    awaitingReplacement: inPhase('AwaitingReplacement'),
    ...(deadlines.length > 0 && { earliestDeadline: apiTime(deadlines.reduce((a, b) => Math.min(a, b))) }),
  };
};

/**
 * The interruptions that the status lists: those under way by deadline, then the newest; 20 at most. Where there are more,
 * the namespaces take turns: however many one of them has, the first of every other are listed.
 */
export const toList = (interruptions: readonly Interruption[]): readonly Interruption[] => {
  const sorted = [...interruptions].toSorted(
    (a, b) =>
      Number(isUnderWay(b)) - Number(isUnderWay(a)) ||
      (isUnderWay(a) ? a.deadlineMs - b.deadlineMs : b.noticedAtMs - a.noticedAtMs) ||
      (a.uid < b.uid ? -1 : 1),
  );
  const listed = new Set(byTurns(sorted).slice(0, statusBounds.interruptions));
  return sorted.filter((each) => listed.has(each));
};

/** The totals as the status has them: what it lists is counted, so that whoever leads next knows what was. */
export const withListed = (totals: Totals, listed: readonly Interruption[]): Totals => ({
  ...totals,
  noticed: totals.noticed + listed.filter(({ counted }) => !counted).length,
});

const byTurns = (sorted: readonly Interruption[]): readonly Interruption[] => {
  const turns = new Map<string, number>();
  return sorted
    .map((each) => {
      const turn = turns.get(each.namespace) ?? 0;
      turns.set(each.namespace, turn + 1);
      return { each, turn };
    })
    .toSorted((a, b) => Number(isUnderWay(b.each)) - Number(isUnderWay(a.each)) || a.turn - b.turn)
    .map(({ each }) => each);
};

/** What was said when a call about one of the living pods was refused for want of a right; of several the most urgent. */
export const forbiddenCall = (interruptions: readonly Interruption[]): string | undefined =>
  interruptions
    .filter(({ ending }) => !ending)
    .toSorted((a, b) => a.deadlineMs - b.deadlineMs || (a.uid < b.uid ? -1 : 1))
    .flatMap(({ refusal, unmarked }) => [refusal, unmarked])
    .find((refused) => refused?.forbidden)
    ?.message.slice(0, statusBounds.messageLength);

// Not over yet.
const isUnderWay = ({ phase }: Interruption): boolean => phase !== 'Done';

/** An interruption as the status lists it. */
export const entryOf = (
  interruption: Interruption,
  kind: PolicyKindName = 'SpotPolicy',
): InterruptionEntry => {
  const { nodeName, workload, evictedAtMs, replacement, outcome } = interruption;
  return {
    pod: interruption.name,
    ...(kind === 'ClusterSpotPolicy' && { namespace: interruption.namespace }),
    uid: interruption.uid,
    ...(nodeName !== undefined && { node: nodeName }),
    ...(workload && {
      workload: { group: workload.group, kind: workload.kind, name: workload.name, uid: workload.uid },
    }),
    noticedAt: apiTime(interruption.noticedAtMs),
    deadline: apiTime(interruption.deadlineMs),
    phase: interruption.phase,
    message: describe(interruption).slice(0, statusBounds.messageLength),
    ...(evictedAtMs !== undefined && { evictedAt: apiTime(evictedAtMs) }),
    ...(replacement && {
      replacement: {
        pod: replacement.name,
        uid: replacement.uid,
        capacity: replacement.capacity === 'spot' ? 'Spot' : 'OnDemand',
        ...(replacement.readyAtMs !== undefined && { readyAt: apiTime(replacement.readyAtMs) }),
      },
    }),
    ...(outcome && { outcome }),
  };
};
