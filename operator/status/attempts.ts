import type { SpotPolicyStatus } from '../api/index.ts';

/** What writing a status came to; `Stale` where the policy is gone or its status is not as it was seen. */
export type WriteAnswer =
  | { readonly kind: 'Written' }
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
  /** The pause that ends then; 0 after a success. */
  readonly pausedMs: number;
  /** Left out until the whole status is tried again. */
  readonly refused?: { readonly omission: Omission; readonly untilMs: number; readonly pausedMs: number };
}

/** Nothing has failed. */
export const noAttempts: Attempts = { notBeforeMs: Number.NEGATIVE_INFINITY, pausedMs: 0 };

// A policy that changed while it was written is seen anew within milliseconds.
const staleLimits = { baseMs: 1_000, ceilingMs: 10_000 };
const failedLimits = { baseMs: 2_000, ceilingMs: 300_000 };
// A status that was refused as a whole is refused until some object or the definition changes.
const wholeLimits = { baseMs: 30_000, ceilingMs: 600_000 };

/** How long to wait after a pause of `previousMs`, in milliseconds; 0 stands for the first. */
export type NextDelay = (
  previousMs: number,
  limits: { readonly baseMs: number; readonly ceilingMs: number },
) => number;

/** What is left out of a status that is written now; undefined where it is written whole. */
export const omissionOf = ({ refused }: Attempts, nowMs: number): Omission | undefined =>
  refused && nowMs < refused.untilMs ? refused.omission : undefined;

/** What is remembered after an answer, or an error, to a write in which `omission` was left out. */
export const settleWrite = (
  before: Attempts,
  omission: Omission | undefined,
  answer: WriteAnswer | { readonly kind: 'Failed' },
  { nowMs, nextDelayMs }: { readonly nowMs: number; readonly nextDelayMs: NextDelay },
): Attempts => {
  const { refused, pausedMs } = before;
  const pausing = (limits: typeof failedLimits): Attempts => {
    const nextMs = nextDelayMs(pausedMs, limits);
    return { ...before, notBeforeMs: nowMs + nextMs, pausedMs: nextMs };
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
      const nextMs =
        omission && refused ? refused.pausedMs : nextDelayMs(refused?.pausedMs ?? 0, wholeLimits);
      const untilMs = omission && refused ? refused.untilMs : nowMs + nextMs;
      return {
        ...noAttempts,
        refused: { omission: { parts, message: answer.message }, untilMs, pausedMs: nextMs },
      };
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
