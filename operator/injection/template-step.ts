import { ourAnnotations } from '../api/keys.ts';
import type { Template } from '../world/template.ts';
import type { Times } from '../world/times.ts';
import type { Owned } from '../policy/template-gift.ts';
import type { TemplateDecision } from './template.ts';

/** What the API server said to an apply. */
export type TemplateAnswer = { readonly kind: 'Written' } | TemplateRefusal;

/** Why a template was not written. Only a change of the template or its policy is worth another try where `forGood`. */
export interface TemplateRefusal {
  readonly kind: 'Refused';
  readonly reason: 'FieldManagerConflict' | 'Forbidden' | 'Refused';
  readonly message: string;
  readonly forGood: boolean;
}

/** What is remembered of one template from look to look. */
export interface Memory {
  /** What is to be written as soon as nothing has changed it for a while. */
  readonly pending?: { readonly owned: string; readonly dueMs: number; readonly losses: number };
  /** What was written last: by which revision, whether it was seen to be there, how often it was lost in a row. */
  readonly written?: {
    readonly revision: string;
    readonly atMs: number;
    readonly seen: boolean;
    readonly losses: number;
  };
  /** What was refused, and about which state of the template. */
  readonly refused?: {
    readonly about: string;
    readonly answer: TemplateRefusal;
    readonly failures: number;
    readonly notBeforeMs: number;
  };
}

/** What to do now; an infinite time is never: only a change is worth another look. */
export type Step =
  | { readonly kind: 'Rest' }
  | { readonly kind: 'Write' }
  | { readonly kind: 'Wait'; readonly untilMs: number; readonly why: TemplateRefusal | 'Quiet' | 'Lost' };

// Two edits within a second make one rollout.
const quietMs = 1_000;
const refusedLimits = { baseMs: 1_000, ceilingMs: 300_000 };
// Somebody else who writes whole objects takes ours away each time, and each answer to that is a rollout.
const longestQuietMs = 3_600_000;
const lostLimits = { baseMs: 2_000, ceilingMs: longestQuietMs };

/** One look at a template: what is remembered from now on, and what to do. */
export const stepTemplate = (
  memory: Memory,
  decision: TemplateDecision,
  template: Template | undefined,
  { nowMs, pauseAfter }: Times,
): [next: Memory, step: Step] => {
  if (decision.kind !== 'Write') {
    const { written } = memory;
    return [written ? { written: { ...written, seen: true } } : {}, { kind: 'Rest' }];
  }
  const { refused } = memory;
  if (refused?.about === aboutOf(decision.owned, template) && nowMs < refused.notBeforeMs) {
    return [memory, { kind: 'Wait', untilMs: refused.notBeforeMs, why: refused.answer }];
  }
  const owned = JSON.stringify(decision.owned);
  if (memory.pending?.owned === owned) {
    const { dueMs, losses } = memory.pending;
    if (nowMs >= dueMs) return [memory, { kind: 'Write' }];
    return [memory, { kind: 'Wait', untilMs: dueMs, why: losses > 0 ? 'Lost' : 'Quiet' }];
  }
  const losses = lossesOf(memory, decision.owned, nowMs);
  const dueMs = nowMs + (losses > 0 ? pauseAfter(losses, lostLimits) : quietMs);
  const next = { ...memory, pending: { owned, dueMs, losses } };
  return [next, { kind: 'Wait', untilMs: dueMs, why: losses > 0 ? 'Lost' : 'Quiet' }];
};

// Written by this very revision, seen to be there, and gone within the hour: somebody takes it away.
const lossesOf = ({ written }: Memory, owned: Owned, nowMs: number): number => {
  if (!written || written.revision !== revisionIn(owned)) return 0;
  if (!written.seen) return written.losses;
  return nowMs - written.atMs < longestQuietMs ? written.losses + 1 : 0;
};

/** What is remembered after an answer to the write that a step asked for. */
export const settleTemplate = (
  { pending, written, refused }: Memory,
  { owned, template }: { readonly owned: Owned; readonly template: Template | undefined },
  answer: TemplateAnswer,
  { nowMs, pauseAfter }: Times,
): Memory => {
  if (answer.kind === 'Written') {
    const revision = revisionIn(owned);
    return { written: { revision, atMs: nowMs, seen: false, losses: pending?.losses ?? 0 } };
  }
  const about = aboutOf(owned, template);
  const failures = refused?.about === about ? refused.failures + 1 : 1;
  const pauseMs = answer.forGood ? Number.POSITIVE_INFINITY : pauseAfter(failures, refusedLimits);
  return {
    ...(pending && { pending }),
    ...(written && { written }),
    refused: { about, answer, failures, notBeforeMs: nowMs + pauseMs },
  };
};

const aboutOf = (owned: Owned, template: Template | undefined): string => JSON.stringify([owned, template]);

const revisionIn = ({ annotations }: Owned): string =>
  `${annotations[ourAnnotations.policy] ?? ''}@${annotations[ourAnnotations.revision] ?? ''}`;
