import type { Refusal } from '../world/interruption.ts';
import { nameKey } from '../world/object.ts';
import type { Budget } from '../world/objects.ts';

/** A budget that selects the pod, and what is known of it beside its figures. */
export interface Standing {
  readonly budget: Budget;
  /** Evictions of other pods under it that are being asked for right now. */
  readonly underWay: number;
  /** When it last refused the eviction of any pod; before all time where it did not. */
  readonly refusedAtMs: number;
  /** Pods that have ended and that the budget counts as healthy all the same. */
  readonly ghosts: number;
}

/** Whether to ask for the eviction now; if not, why not and when to look again. */
export type Gate = { readonly open: true } | ClosedGate;

interface ClosedGate {
  readonly open: false;
  readonly message: string;
  readonly againAtMs: number;
  readonly refusal: Refusal;
}

// The API server serialises evictions on the status of their budget; 10 to 25 at once were measured best.
const mostAtOnce = 16;
// A budget is asked after this long whatever its figures say: a watch may be late.
const pollMs = 10_000;

/**
 * Whether a budget leaves room for one more eviction.
 *
 * Knowing the budgets spares the API server calls it would refuse. It is asked all the same where the figures are not
 * about the budget as it stands, or where they have been contradicted for some time.
 */
export const gateOf = (
  { refusal, ready }: { refusal: Refusal | undefined; ready: boolean },
  standings: readonly Standing[],
  nowMs: number,
): Gate => {
  if (refusal?.of === 'Evict' && isPaused(refusal, nowMs)) return closed(refusal, refusal.notBeforeMs);
  // The Eviction API refuses a pod that two budgets select, however often it is asked.
  if (standings.length > 1) {
    return anticipate(describeSeveral(standings), standings, refusal, nowMs, Number.POSITIVE_INFINITY);
  }
  const tight = standings.find((standing) => !hasRoom(standing));
  // Whatever else failed, the budget has not been asked.
  if (!refusal?.byBudget) {
    return tight && ready
      ? anticipate(describeBudget(tight), standings, refusal, nowMs, nowMs + pollMs)
      : { open: true };
  }
  // The API server would let the pod go, since it counts pods that have ended.
  if (tight && ready && isInflated(tight)) return closed(refreshed(refusal, tight), nowMs + pollMs);
  // After a refusal its own budget must have moved on; one that was never asked only has to have room.
  if (!tight && (refusal.of === undefined || isNewer(refusal, standings))) return { open: true };
  const againAtMs =
    tight && ready ? pollAtMs(refusal, tight, nowMs) : refusal.atMs + (tight ? pollMs : refusal.pauseMs);
  if (nowMs >= againAtMs) return { open: true };
  return closed(tight ? refreshed(refusal, tight) : refusal, againAtMs);
};

// One pod asks for all that the budget holds up: what it is told goes for the others as well.
const pollAtMs = ({ atMs }: Refusal, { refusedAtMs, underWay }: Standing, nowMs: number): number =>
  (underWay > 0 ? nowMs : Math.max(atMs, refusedAtMs)) + pollMs;

// What was foreseen is told in today's figures; what the API server said stays in its words.
const refreshed = (refusal: Refusal, tight: Standing): Refusal =>
  refusal.of === undefined ? { ...refusal, message: describeBudget(tight) } : refusal;

/** The last call failed so recently that another one has to wait. */
export const isPaused = ({ notBeforeMs }: Refusal, nowMs: number): boolean => nowMs < notBeforeMs;

/** The versions of the budgets at this moment, to be compared after a refusal. */
export const versionsOf = (standings: readonly Standing[]): Readonly<Record<string, string>> =>
  Object.fromEntries(standings.map(({ budget }) => [nameKey(budget), budget.resourceVersion]));

// Why a budget has no room, in the figures of its controller.
const describeBudget = ({ budget, underWay, ghosts }: Standing): string => {
  if (budget.syncFailed !== undefined)
    return `budget ${budget.name} cannot be computed: ${budget.syncFailed}`;
  if (!budget.current) return `budget ${budget.name} has changed and is being computed`;
  const counted = ghosts > 0 ? `, ${ghosts} of which ended and still show Ready,` : '';
  const figures = `it has ${budget.currentHealthy} healthy pods${counted} and needs ${budget.desiredHealthy}`;
  return budget.disruptionsAllowed > 0
    ? `budget ${budget.name} allows ${budget.disruptionsAllowed}, taken by ${underWay} under way; ${figures}`
    : `budget ${budget.name} allows no disruption now: ${figures}`;
};

/** How many of the pods waiting for a budget may be asked for now. */
export const roomIn = ({ budget, underWay, ghosts }: Standing): number =>
  budget.current ? Math.max(0, Math.min(mostAtOnce, budget.disruptionsAllowed - ghosts) - underWay) : 0;

const hasRoom = (standing: Standing): boolean => roomIn(standing) > 0;

// Only pods that have ended fill it.
const isInflated = (standing: Standing): boolean =>
  standing.ghosts > 0 && !hasRoom(standing) && hasRoom({ ...standing, ghosts: 0 });

const isNewer = ({ budgetVersions }: Refusal, standings: readonly Standing[]): boolean => {
  const versions = versionsOf(standings);
  return (
    Object.keys(versions).length !== Object.keys(budgetVersions).length ||
    Object.entries(versions).some(([key, version]) => budgetVersions[key] !== version)
  );
};

const describeSeveral = (standings: readonly Standing[]): string =>
  `budgets ${standings.map(({ budget }) => budget.name).join(' and ')} both select it, which the Eviction API refuses`;

const anticipate = (
  message: string,
  standings: readonly Standing[],
  before: Refusal | undefined,
  nowMs: number,
  againAtMs: number,
): ClosedGate =>
  closed(
    {
      of: undefined,
      atMs: nowMs,
      attempts: before?.attempts ?? 0,
      byBudget: true,
      budgetVersions: versionsOf(standings),
      message,
      pauseMs: 0,
      notBeforeMs: nowMs,
    },
    againAtMs,
  );

const closed = (refusal: Refusal, againAtMs: number): ClosedGate => ({
  open: false,
  message: refusal.message,
  againAtMs,
  refusal,
});
