import type { Connections } from './connections.ts';
import { createPods } from './load.ts';
import { quantile } from './statistics.ts';
import { creationsOf, problemOf, type Way } from './ways.ts';

/** How many clients create pods at a time, and how many pods they create. */
export interface Round {
  readonly clients: number;
  readonly creations: number;
}

/** Quantiles of each round, in milliseconds. */
export interface Quantiles {
  readonly p50Ms: number[];
  readonly p99Ms: number[];
}

/** All that a run has measured so far, and what went wrong. */
export interface Measurements {
  readonly rounds: Map<string, Quantiles>;
  readonly failures: string[];
  created: number;
}

/** Nothing measured yet. */
export const aRecord = (): Measurements => ({ rounds: new Map(), failures: [], created: 0 });

const keyOf = (way: Pick<Way, 'name'>, clients: number): string => `${way.name}, ${clients} clients`;

/** What the rounds of a way came to. Throws where there were none. */
export const quantilesOf = (record: Measurements, way: Pick<Way, 'name'>, clients: number): Quantiles => {
  const found = record.rounds.get(keyOf(way, clients));
  if (!found) throw new Error(`nothing was measured of: ${keyOf(way, clients)}`);
  return found;
};

/** Creates the pods of one round and records how it went. */
export const measure = async (
  connections: Connections,
  record: Measurements,
  way: Way,
  { clients, creations }: Round,
): Promise<void> => {
  const { latenciesMs, failures } = await createPods(
    connections,
    creationsOf(way, creations),
    clients,
    problemOf(way),
  );
  const key = keyOf(way, clients);
  const known = record.rounds.get(key) ?? { p50Ms: [], p99Ms: [] };
  known.p50Ms.push(quantile(latenciesMs, 0.5));
  known.p99Ms.push(quantile(latenciesMs, 0.99));
  record.rounds.set(key, known);
  record.failures.push(...failures);
  record.created += latenciesMs.length;
};

/** The same list begun elsewhere each time, so that no way always follows the same other. */
export const turned = <T>(list: readonly T[], by: number): readonly T[] => {
  const first = by % list.length;
  return [...list.slice(first), ...list.slice(0, first)];
};
