/** The value below which the share `q` of the values lies, interpolated; NaN of none. */
export const quantile = (values: readonly number[], q: number): number => {
  const sorted = values.toSorted((a, b) => a - b);
  const position = (sorted.length - 1) * q;
  const [below, above] = [sorted[Math.floor(position)], sorted[Math.ceil(position)]];
  if (below === undefined || above === undefined) return Number.NaN;
  return below + (above - below) * (position - Math.floor(position));
};

/** What repeated measurements come to: their median and the quartiles around it. */
export interface Summary {
  readonly median: number;
  readonly low: number;
  readonly high: number;
}

/** The median and the quartiles of what the rounds measured. */
export const summaryOf = (rounds: readonly number[]): Summary => ({
  median: quantile(rounds, 0.5),
  low: quantile(rounds, 0.25),
  high: quantile(rounds, 0.75),
});

/** Each round's value over the same round's base: what slows the machine down for both cancels out. */
export const ratios = (rounds: readonly number[], base: readonly number[]): readonly number[] =>
  rounds.map((value, round) => value / (base[round] ?? Number.NaN));

/** Whether a goal is met; `unclear` where it is missed by no more than half the distance of the quartiles. */
export type Verdict = 'met' | 'unclear' | 'missed';

/** The verdict on an upper bound. What could not be measured is missed. */
export const judge = ({ median, low, high }: Summary, goal: number): Verdict => {
  if (median <= goal) return 'met';
  return median - goal <= (high - low) / 2 ? 'unclear' : 'missed';
};

/** A goal, what was measured of it, and whether it is met. */
export interface Judged {
  readonly claim: string;
  readonly goal: number;
  readonly measured: Summary;
  readonly verdict: Verdict;
}

/** The verdict on an upper bound over what the rounds measured. */
export const judged = (claim: string, goal: number, rounds: readonly number[]): Judged => {
  const measured = summaryOf(rounds);
  return { claim, goal, measured, verdict: judge(measured, goal) };
};
