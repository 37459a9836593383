import { growingDelay } from './backoff.ts';

/** How one writer fares with an object that another writer may keep changing back. */
export interface Contest {
  /** Writes in a row that came after another writer had undone the one before. */
  readonly losses: number;
  /** When this writer wrote last, in milliseconds since 1970. */
  readonly wroteAtMs: number;
  /** How long the next repair waits after that write. */
  readonly pauseMs: number;
}

/** The state before the first write. */
export const noContest: Contest = { losses: 0, wroteAtMs: Number.NEGATIVE_INFINITY, pauseMs: 0 };

// A person's edit is undone at once, and so is the next one. Then two writers that answer each other at once share an
// hour of at most 20 writes each.
const freeRepairs = 2;
const limits = { baseMs: 1_000, ceilingMs: 300_000 };
/** A write that stands for so long ends the contest: twice the longest pause, so that a slow rival is still known. */
export const calmMs = 2 * limits.ceilingMs;

/** After a write at `nowMs` that another writer had made necessary. */
export const afterLoss = (
  { losses: before, wroteAtMs }: Contest,
  nowMs: number,
  random: () => number,
): Contest => {
  const losses = nowMs - wroteAtMs < calmMs ? before + 1 : 1;
  const pauseMs = losses < freeRepairs ? 0 : growingDelay(losses - freeRepairs + 1, random, limits);
  return { losses, wroteAtMs: nowMs, pauseMs };
};

/** After a write at `nowMs` for a reason of this writer's own. */
export const afterOwnWrite = (contest: Contest, nowMs: number): Contest =>
  nowMs - contest.wroteAtMs < calmMs
    ? { ...contest, wroteAtMs: nowMs }
    : { losses: 0, wroteAtMs: nowMs, pauseMs: 0 };

/** When the next repair may be made, in milliseconds since 1970. */
export const repairAtMs = ({ wroteAtMs, pauseMs }: Contest): number => wroteAtMs + pauseMs;

/** From when on a write that still stands has ended the contest. */
export const calmAtMs = ({ wroteAtMs }: Contest): number => wroteAtMs + calmMs;

/** Whether so many writes were lost in a row that another writer must be at work, and not a person who edited once. */
export const isContested = ({ losses }: Contest): boolean => losses > freeRepairs;
