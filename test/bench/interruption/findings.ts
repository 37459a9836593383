import type { Machine } from '../machine.ts';
import { type Judged, judged, ratios, type Summary, summaryOf } from '../statistics.ts';
import type { Outages } from './availability.ts';
import type { Footprint } from './growth.ts';
import type { Delays } from './latency.ts';
import type { Storm, StormKind, Way } from './storm.ts';

/** One kind of storm, round by round and way by way. */
export interface Storms extends StormKind {
  readonly rounds: Readonly<Record<Way, readonly Storm[]>>;
}

/** All that a run has measured, round by round. What was left out is empty. */
export interface Measurements {
  readonly storms: readonly Storms[];
  readonly latency: Readonly<Record<'ours' | 'limit', readonly Delays[]>>;
  readonly unblock: Readonly<Record<'ours' | 'drain', readonly Delays[]>>;
  readonly availability: Outages | undefined;
  /** By number of pods, fewest first. */
  readonly growth: readonly (readonly Footprint[])[];
}

/** What a run found. */
export interface Findings {
  readonly machine: Machine;
  readonly seconds: number;
  /** How often each way had its turn; once where it was compared with kubectl drain in a storm. */
  readonly rounds: number;
  /** From a notice to the reclaim where availability was measured. */
  readonly windowMinutes: number;
  readonly measurements: Measurements;
  readonly verdicts: readonly Judged[];
}

const limitGoal = 1.5;
const drainGoal = 0.1;
const callsGoal = 1.05;
const latencyGoalMs = 100;
const unblockGoalMs = 500;
const perPodGoalKiB = 4;
const residentGoalMiB = 200;
const listGoal = 2;
// Flat, as far as processor time can tell.
const perEventGoal = 1.25;
// Below this kubectl's own client limits hardly show.
const drainFrom = 500;

/** A kind of storm in words. */
export const titleOf = ({ size, budgets, still }: StormKind): string =>
  `${size.toLocaleString('en')} pods${budgets ? ' under budgets of 10 %' : ''}${still || budgets ? '' : ' beside all controllers'}`;

/** The verdicts on the goals of all that was measured. */
export const verdictsOf = (measured: Measurements): readonly Judged[] => [
  ...measured.storms.flatMap(judgeStorms),
  ...judgeDelays(measured),
  ...judgeOutages(measured.availability),
  ...judgeGrowth(measured.growth),
];

const judgeStorms = (storms: Storms): readonly Judged[] => {
  const { ours, limit, drain } = storms.rounds;
  const title = titleOf(storms);
  const totals = (rounds: readonly Storm[]): readonly number[] => rounds.map(({ totalMs }) => totalMs);
  const perPod = ours.map(({ calls }) => calls / storms.size);
  return [
    ...(limit.length > 0
      ? [judged(`${title}: time over the limit`, limitGoal, ratios(totals(ours), totals(limit)))]
      : []),
    ...(drain.length > 0 && storms.size >= drainFrom
      ? [judged(`${title}: time over kubectl drain's`, drainGoal, ratios(totals(ours), totals(drain)))]
      : []),
    ...(storms.budgets ? [] : [judged(`${title}: requests for an eviction per pod`, callsGoal, perPod)]),
    judged(
      `${title}: lost pods`,
      0,
      ours.map(({ lost }) => lost),
    ),
  ];
};

const judgeDelays = ({ latency, unblock }: Measurements): readonly Judged[] => {
  const more = latency.ours.map(({ p99Ms }, round) => p99Ms - (latency.limit[round]?.p99Ms ?? Number.NaN));
  const freed = unblock.ours.map(({ p99Ms }) => p99Ms);
  return [
    ...(more.length > 0
      ? [judged('one pod: P99 beyond a bare watch-then-evict loop, ms', latencyGoalMs, more)]
      : []),
    ...(freed.length > 0 ? [judged('a freed budget: P99 until the eviction, ms', unblockGoalMs, freed)] : []),
  ];
};

const judgeOutages = (outages: Outages | undefined): readonly Judged[] =>
  outages
    ? [judged('one replica, replaced first: seconds without a Ready endpoint', 0, outages.BeforeEviction)]
    : [];

const judgeGrowth = (growth: Measurements['growth']): readonly Judged[] => {
  const [fewest = [], most = []] = [growth[0], growth.at(-1)];
  const pods = most[0]?.pods;
  if (pods === undefined || growth.length < 2) return [];
  const perPodKiB = most.map((footprint, round) => {
    const base = fewest[round];
    return base
      ? ((footprint.residentMiB - base.residentMiB) * 1024) / (footprint.pods - base.pods)
      : Number.NaN;
  });
  const perEvent = (rounds: readonly Footprint[]): readonly number[] =>
    rounds.map(({ perEventMs }) => perEventMs);
  return [
    judged('resident memory of each further pod, kB', perPodGoalKiB, perPodKiB),
    judged(
      `resident memory at ${pods.toLocaleString('en')} pods, MiB`,
      residentGoalMiB,
      most.map(({ residentMiB }) => residentMiB),
    ),
    ...growth.map((rounds) =>
      judged(
        `${rounds[0]?.pods.toLocaleString('en')} pods: time until synced over a bare list`,
        listGoal,
        rounds.map(({ syncedMs, listMs }) => syncedMs / listMs),
      ),
    ),
    judged(
      'processor time of a watch event, most pods over fewest',
      perEventGoal,
      ratios(perEvent(most), perEvent(fewest)),
    ),
  ];
};

/** What one figure came to over the rounds. */
export const over = <T>(rounds: readonly T[], figure: (round: T) => number): Summary =>
  summaryOf(rounds.map(figure));
