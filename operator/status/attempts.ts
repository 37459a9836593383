import type { SpotPolicyStatus } from '../api/index.ts';
import type { Times } from '../world/times.ts';

/** What writing a status came to: the version that it gave the policy; `Stale` where the policy is gone or its status is not as it was seen. */
export type WriteAnswer =
  | { readonly kind: 'Written'; readonly resourceVersion: string }
  | { readonly kind: 'Stale' }
  | { readonly kind: 'Refused'; readonly message: string };

/** Which parts are left out of a status because the API server refused them, and what it said. */
export interface Omission {
  /** `Rest`: all but conditions, interruptions and totals. `AllButConditions`: these as well. */
  readonly parts: 'Rest' | 'AllButConditions';
  readonly message: string;
}

/** What is remembered of writing the status of one policy, from look to look. */
export interface Attempts {
  /** No write before this time. */
  readonly notBeforeMs: number;
  /** Failures in a row. */
  readonly failures: number;
  /** Left out until the whole status is tried again; refused so many times in a row. */
  readonly refused?: { readonly omission: Omission; readonly untilMs: number; readonly times: number };
}

/** Nothing has failed. */
export const noAttempts: Attempts = { notBeforeMs: Number.NEGATIVE_INFINITY, failures: 0 };

// A policy that changed while it was written is seen anew within milliseconds.
const staleLimits = { baseMs: 1_000, ceilingMs: 10_000 };
const failedLimits = { baseMs: 2_000, ceilingMs: 300_000 };
// A status that was refused as a whole is refused until some object or the definition changes.
const wholeLimits = { baseMs: 30_000, ceilingMs: 600_000 };

/** What is left out of a status that is written now; undefined where it is written whole. */
export const omissionOf = ({ refused }: Attempts, nowMs: number): Omission | undefined =>
  refused && nowMs < refused.untilMs ? refused.omission : undefined;

/** What is remembered after an answer, or an error, to a write in which `omission` was left out. */
export const settleWrite = (
  before: Attempts,
  omission: Omission | undefined,
  answer: WriteAnswer | { readonly kind: 'Failed' },
  { nowMs, pauseAfter }: Times,
): Attempts => {
  const { refused } = before;
  const pausing = (limits: typeof failedLimits): Attempts => {
    const failures = before.failures + 1;
    return { ...before, notBeforeMs: nowMs + pauseAfter(failures, limits), failures };
  };
  switch (answer.kind) {
    case 'Written':
      return omission && refused ? { ...noAttempts, refused } : noAttempts;
    case 'Stale':
      return pausing(staleLimits);
    case 'Failed':
      return pausing(failedLimits);
    case 'Refused': {
      // Not even the conditions alone: nothing less is left to write.
      if (omission?.parts === 'AllButConditions') return pausing(failedLimits);
      const parts = omission ? 'AllButConditions' : 'Rest';
      const next = { parts, message: answer.message } as const;
      if (omission && refused) return { ...noAttempts, refused: { ...refused, omission: next } };
      const times = (refused?.times ?? 0) + 1;
      const untilMs = nowMs + pauseAfter(times, wholeLimits);
      return { ...noAttempts, refused: { omission: next, untilMs, times } };
    }
  }
};

const kept = {
  Rest: ['observedGeneration', 'conditions', 'interruption', 'interruptions', 'totals'],
  AllButConditions: ['observedGeneration', 'conditions'],
} as const satisfies Readonly<Record<Omission['parts'], readonly (keyof SpotPolicyStatus)[]>>;

/** The status without what is left out: those parts stay as they were written last. */
export const withOmission = (
  before: SpotPolicyStatus | undefined,
  after: SpotPolicyStatus,
  omission: Omission | undefined,
): SpotPolicyStatus => {
  if (!omission) return after;
  const parts: readonly string[] = kept[omission.parts];
  const fresh = Object.entries(after).filter(([part]) => parts.includes(part));
  const stale = Object.entries(before ?? {}).filter(([part]) => !parts.includes(part));
  return Object.fromEntries([...stale, ...fresh]);
};

/** What the summary of a policy says about it. */
export const describeOmission = (omission: Omission | undefined): string =>
  omission
    ? `parts of this status are out of date, because the API server refused them: ${omission.message.slice(0, 512)}`
    : '';
