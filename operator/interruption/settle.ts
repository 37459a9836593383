import type { Interruption, Refusal } from '../world/interruption.ts';
import type { Times } from '../world/times.ts';
import type { Effect } from './look.ts';

/** What a call came to, by what it means for the interruption. */
export type Answer =
  | { readonly kind: 'Done' }
  /** The pod is not there any more: its object went, or its name belongs to another pod. */
  | { readonly kind: 'Gone' }
  | {
      readonly kind: 'Refused';
      readonly byBudget: boolean;
      readonly message: string;
      /** How long the API server wants to be left alone, in milliseconds; otherwise the pause grows by itself. */
      readonly afterMs?: number;
      /** It may have been done all the same; a move, a mark: or may be a moment later. */
      readonly unsure?: boolean;
      /** The operator has no right to the call. */
      readonly forbidden?: boolean;
    };

// A try after the ceiling still comes three times before the grace period of a usual pod.
const retryLimits = { baseMs: 1_000, ceilingMs: 10_000 };

/**
 * The record after its call was answered.
 *
 * `versions` are the budgets' versions when the call was made, not when it was answered: a budget freed in between
 * must count as news.
 */
export const settle = (
  interruption: Interruption,
  { effect, answer }: { readonly effect: Effect; readonly answer: Answer },
  versions: Readonly<Record<string, string>>,
  times: Times,
): Interruption => {
  const { nowMs } = times;
  const answered: Interruption = { ...interruption, call: undefined };
  if (effect.kind === 'Detach' || effect.kind === 'Delegate' || effect.kind === 'Attach') {
    const moved = move(answered, effect, answer);
    if (moved) return moved;
  }
  if (answer.kind === 'Refused') return refuse(answered, { effect, answer }, versions, times);
  if (answer.kind === 'Gone') return gone(answered, effect, times);
  // ECI was quicker than the call: what was accepted only removed what it left behind.
  if (interruption.call !== 'Mark' && interruption.ending?.how === 'BidFailed')
    return { ...answered, counted: true };
  switch (interruption.call) {
    case 'Mark':
      return {
        ...answered,
        counted: true,
        marked: interruption.outcome ? 'Ended' : 'UnderWay',
        unmarked: undefined,
      };
    case 'Evict':
    case 'Remove':
      return { ...answered, counted: true, evictedAtMs: nowMs, refusal: undefined };
    case 'Delete':
      return { ...answered, counted: true, evictedAtMs: nowMs, forced: true, refusal: undefined };
    case 'Detach':
    case 'Delegate':
    case 'Attach':
    case undefined:
      return answered;
  }
};

// A pod that cannot be taken out, or labelled, is evicted as it is. What may have been done, or may be later, is tried again,
// and so is putting it back.
const move = (
  interruption: Interruption,
  effect: Effect & { kind: 'Detach' | 'Delegate' | 'Attach' },
  answer: Answer,
): Interruption | undefined => {
  if (effect.kind !== 'Attach') {
    const { detached } = effect;
    if (answer.kind === 'Done')
      return { ...interruption, detached, marked: 'UnderWay', counted: true, refusal: undefined };
    return answer.kind === 'Refused' && !answer.unsure
      ? { ...interruption, plainly: answer.message, refusal: undefined }
      : undefined;
  }
  const attached = {
    detached: undefined,
    replacement: undefined,
    plainly: effect.because,
    refusal: undefined,
  };
  return answer.kind === 'Done' ? { ...interruption, ...attached } : undefined;
};

const refuse = (
  interruption: Interruption,
  { effect, answer }: { readonly effect: Effect; readonly answer: Answer & { kind: 'Refused' } },
  budgetVersions: Readonly<Record<string, string>>,
  { nowMs, pauseAfter }: Times,
): Interruption => {
  const { byBudget, message, afterMs, forbidden = false, unsure = false } = answer;
  const before = effect.kind === 'Mark' ? interruption.unmarked : interruption.refusal;
  const attempts = before && [undefined, effect.kind].includes(before.of) ? before.attempts + 1 : 1;
  // A budget's refusal is followed up when the budget changes, anything else after a pause.
  const pauseMs = pauseAfter(attempts, retryLimits) + askedMs(afterMs);
  return withRefusal(unsure ? withUnheard(interruption, effect) : interruption, {
    of: effect.kind,
    atMs: nowMs,
    attempts,
    byBudget,
    budgetVersions,
    message,
    pauseMs,
    notBeforeMs: nowMs + (byBudget ? 0 : pauseMs),
    ...(forbidden && { forbidden }),
    ...(unsure && { unsure }),
  });
};

// A late watch invites another try, and a budget may refuse that.
const withUnheard = (interruption: Interruption, { kind }: Effect): Interruption =>
  kind === 'Evict' || kind === 'Delete' || kind === 'Remove'
    ? { ...interruption, unheard: kind }
    : interruption;

// Whoever holds clients back for longer would hold them back beyond a reclaim.
const longestMs = 30_000;

// Clients that were sent away together come back apart, and never sooner than they were asked to.
const askedMs = (afterMs = 0): number => Math.max(0, Math.min(afterMs, longestMs) - retryLimits.baseMs);

const withRefusal = (interruption: Interruption, refusal: Refusal): Interruption =>
  refusal.of === 'Mark' ? { ...interruption, unmarked: refusal } : { ...interruption, refusal };

// The watch says the same a moment later; until then the pod is not asked for again.
const gone = (interruption: Interruption, effect: Effect, { nowMs, pauseAfter }: Times): Interruption => {
  const { refusal } = interruption;
  const pauseMs = pauseAfter(1, retryLimits);
  return withRefusal(
    { ...interruption, marked: interruption.marked ?? 'UnderWay' },
    {
      of: effect.kind,
      atMs: nowMs,
      attempts: 0,
      byBudget: false,
      budgetVersions: {},
      message: 'the pod is gone',
      pauseMs,
      notBeforeMs: nowMs + pauseMs,
      ...(refusal?.of === effect.kind && refusal.unsure && { unsure: true }),
    },
  );
};
