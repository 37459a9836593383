import type { WorkloadReference } from '../world/interruption.ts';
import type { SoundPolicy } from '../world/policy.ts';
import type { Labels } from './selector.ts';

/** Rules by what a pod must at least show to fall under them; numbers are positions among the rules. */
interface Table {
  readonly byClue: ReadonlyMap<string, readonly number[]>;
  /** Rules that a pod need show nothing for, or nothing that an index could find. */
  readonly anywhere: readonly number[];
  /** Every label that a rule asks for a value of. */
  readonly labelKeys: ReadonlySet<string>;
}

// Rules are a new list whenever one of them changes, so a table lives as long as it is true.
const tables = new WeakMap<readonly SoundPolicy[], Table>();

// Asking so many is quicker than finding out which to ask.
const fewRules = 4;

/**
 * The rules that a pod with these labels and owners may fall under, in their order; whether it does is for `covers` to
 * say. Costs what they are and not what all rules are, where these are more than a few.
 */
export const candidates = (
  rules: readonly SoundPolicy[],
  labels: Labels,
  chain: readonly WorkloadReference[],
): readonly SoundPolicy[] => {
  if (rules.length <= fewRules) return rules;
  const { byClue, anywhere, labelKeys } = tableOf(rules);
  if (anywhere.length === rules.length) return rules;
  const clues = [...chain.map(workloadClue), ...labelsAskedFor(labels, labelKeys).map(labelClue)];
  const found = clues.flatMap((clue) => byClue.get(clue) ?? []);
  const positions = new Set([...anywhere, ...found].toSorted((a, b) => a - b));
  return [...positions].flatMap((position) => rules[position] ?? []);
};

// A pod of ordinary size is asked for each of its labels, one with thousands only for those that a rule names.
const manyLabels = 100;

const labelsAskedFor = (labels: Labels, asked: ReadonlySet<string>): readonly [string, string][] => {
  const keys = Object.keys(labels);
  const relevant = keys.length <= manyLabels ? keys : [...asked].filter((key) => Object.hasOwn(labels, key));
  return relevant.map((key) => [key, labels[key] ?? '']);
};

const tableOf = (rules: readonly SoundPolicy[]): Table => {
  const known = tables.get(rules);
  if (known) return known;
  const table = compile(rules);
  tables.set(rules, table);
  return table;
};

const compile = (rules: readonly SoundPolicy[]): Table => {
  const cluesOf = rules.map(alternativesOf);
  const frequency = new Map<string, number>();
  for (const clue of cluesOf.flat(2)) frequency.set(clue, (frequency.get(clue) ?? 0) + 1);
  const byClue = new Map<string, number[]>();
  const anywhere: number[] = [];
  cluesOf.forEach((alternatives, position) => {
    // Of several things that a pod must all show, the one that fewest rules ask for finds the fewest rules.
    const rarity = (clues: readonly string[]): number =>
      clues.reduce((sum, clue) => sum + (frequency.get(clue) ?? 0), 0);
    const [best] = alternatives.toSorted((a, b) => rarity(a) - rarity(b));
    if (!best) anywhere.push(position);
    for (const clue of best ?? []) {
      const positions = byClue.get(clue);
      if (positions) positions.push(position);
      else byClue.set(clue, [position]);
    }
  });
  return { byClue, anywhere, labelKeys: new Set(rules.flatMap(labelKeysOf)) };
};

// What a pod must show: at least one clue of each of these lists.
const alternativesOf = ({ spec: { selector, targetRefs } }: SoundPolicy): readonly (readonly string[])[] => [
  ...(targetRefs?.length ? [targetRefs.map(workloadClue)] : []),
  ...Object.entries(selector?.matchLabels ?? {}).map((label) => [labelClue(label)]),
  ...(selector?.matchExpressions ?? []).flatMap(({ key, operator, values = [] }) =>
    operator === 'In' ? [values.map((value) => labelClue([key, value]))] : [],
  ),
];

const labelKeysOf = ({ spec: { selector } }: SoundPolicy): readonly string[] => [
  ...Object.keys(selector?.matchLabels ?? {}),
  ...(selector?.matchExpressions ?? []).map(({ key }) => key),
];

// Neither a label key nor a group or kind holds a blank.
const labelClue = ([key, value]: readonly [string, string]): string => `label ${key} ${value}`;
const workloadClue = ({ group, kind, name }: Pick<WorkloadReference, 'group' | 'kind' | 'name'>): string =>
  `workload ${group} ${kind} ${name}`;
