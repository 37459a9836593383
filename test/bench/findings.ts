import type { Machine } from './machine.ts';
import { type Measurements, quantilesOf } from './measure.ts';
import type { Memory } from './soak.ts';
import { judge, type Judged, judged, ratios, type Summary, summaryOf } from './statistics.ts';
import { limit, noOperator, noPolicies, noWebhook, patched, type Stage, type Way } from './ways.ts';

/** Two quantiles, each over the rounds. */
export interface Pair {
  readonly p50: Summary;
  readonly p99: Summary;
}

/** One way beside another at one number of clients: times in milliseconds, and the ratio round by round. */
export interface Comparison {
  readonly clients: number;
  readonly way: string;
  readonly policies: number;
  readonly withoutMs: Pair;
  /** Of the webhook that admits everything, without and with a patch; absent where no webhook is compared. */
  readonly limitMs?: Pair;
  readonly patchedMs?: Pair;
  readonly oursMs: Pair;
  readonly ratio: Pair;
  /** Ours over the webhook that answers with a patch as well: what is left is our own doing. */
  readonly ratioToPatched?: Pair;
}

/** What a run found. */
export interface Findings {
  readonly machine: Machine;
  readonly roundsPerWay: number;
  readonly seconds: number;
  readonly withoutPolicies: readonly Comparison[];
  readonly admission: readonly Comparison[];
  readonly creations: { readonly created: number; readonly failures: readonly string[] };
  readonly memory: Memory;
  readonly verdicts: readonly Judged[];
}

/** What a run knows besides its measurements. */
export interface Circumstances extends Pick<Findings, 'machine' | 'roundsPerWay' | 'seconds' | 'memory'> {
  readonly stages: readonly Stage[];
  readonly clients: readonly number[];
}

const limitGoal = 1.15;
const noPoliciesGoal = 1.02;
// A heap that only grows would show: 20,000 pods of which each left a kilobyte are 20 MiB of about 150.
const memoryGoal = 1.1;

/** All comparisons of a run and the verdicts on its goals. */
export const findingsOf = (
  record: Measurements,
  { stages, clients, memory, ...rest }: Circumstances,
): Findings => {
  const pairOf = (way: Way, count: number): Pair => {
    const { p50Ms, p99Ms } = quantilesOf(record, way, count);
    return { p50: summaryOf(p50Ms), p99: summaryOf(p99Ms) };
  };
  const ratioOf = (way: Way, base: Way, count: number): Pair => {
    const [of, to] = [quantilesOf(record, way, count), quantilesOf(record, base, count)];
    return {
      p50: summaryOf(ratios(of.p50Ms, to.p50Ms)),
      p99: summaryOf(ratios(of.p99Ms, to.p99Ms)),
    };
  };
  const withoutPolicies = clients.map((count) => ({
    clients: count,
    way: noPolicies.name,
    policies: 0,
    withoutMs: pairOf(noOperator, count),
    oursMs: pairOf(noPolicies, count),
    ratio: ratioOf(noPolicies, noOperator, count),
  }));
  const admission = stages.flatMap(({ policies, ways }) =>
    ways.flatMap((way) =>
      clients.map((count) => ({
        clients: count,
        way: way.name,
        policies,
        withoutMs: pairOf(noWebhook(policies), count),
        limitMs: pairOf(limit(policies), count),
        patchedMs: pairOf(patched(policies), count),
        oursMs: pairOf(way, count),
        ratio: ratioOf(way, limit(policies), count),
        ratioToPatched: ratioOf(way, patched(policies), count),
      })),
    ),
  );
  const { created, failures } = record;
  const verdicts = [
    ...admission.flatMap((comparison) => judgeRatios(comparison, limitGoal, 'the limit')),
    ...withoutPolicies.flatMap((comparison) => judgeRatios(comparison, noPoliciesGoal, 'no operator')),
    judged('resident memory after the last creations over that before', memoryGoal, [
      memory.afterMiB / memory.beforeMiB,
    ]),
    judged('creations that failed or came back without their stamp', 0, [failures.length]),
  ];
  return { ...rest, withoutPolicies, admission, creations: { created, failures }, memory, verdicts };
};

const judgeRatios = ({ way, clients, ratio }: Comparison, goal: number, base: string): readonly Judged[] =>
  (['p50', 'p99'] as const).map((which) => ({
    claim: `${way}, ${clients} at a time: ${which.toUpperCase()} over ${base}`,
    goal,
    measured: ratio[which],
    verdict: judge(ratio[which], goal),
  }));
