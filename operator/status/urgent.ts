import type { Condition, SpotPolicyStatus } from '../api/index.ts';
import type { Parts } from './changed-parts.ts';

/** Parts of a status that are told within a second; counts of pods may take ten. */
const urgentParts: readonly (keyof SpotPolicyStatus)[] = [
  'observedGeneration',
  'conditions',
  'interruption',
  'interruptions',
  'totals',
];

/** Those parts of a status. */
export const urgentPartsOf = (status: SpotPolicyStatus | undefined): SpotPolicyStatus =>
  Object.fromEntries(urgentParts.map((part) => [part, status?.[part]]));

/**
 * Whether changed parts of a status tell something that cannot wait. Figures in messages are counts, which can, and so can
 * what the summary (Ready, Reconciling, Stalled) adds to the message of Programmed.
 */
export const isUrgent = (before: SpotPolicyStatus | undefined, parts: Parts<SpotPolicyStatus>): boolean =>
  urgentParts.some((part) =>
    part === 'conditions' && parts.conditions
      ? gistOf(before?.conditions) !== gistOf(parts.conditions)
      : part in parts,
  );

const gistOf = (conditions: readonly Condition[] = []): string =>
  JSON.stringify(
    conditions.map(({ type, status, reason, observedGeneration, message }) => [
      ...[type, status, reason, observedGeneration],
      type === 'Accepted' || type === 'Programmed' ? message.replaceAll(/\d+/g, '0') : '',
    ]),
  );
