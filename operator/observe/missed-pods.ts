import type { SpotPolicyStatus } from '../api/index.ts';

/**
 * How many pods admission has missed, where that is news and 0 where it is not: when the policy becomes Programmed, and
 * afterwards when their number reaches the next power of two. So an outage in which a thousand pods are created is told
 * ten times.
 */
export const newlyMissed = (before: SpotPolicyStatus | undefined, after: SpotPolicyStatus): number => {
  if (!isProgrammed(after)) return 0;
  const missed = after.pods?.uninjected ?? 0;
  const told = isProgrammed(before) ? (before?.pods?.uninjected ?? 0) : 0;
  return binaryDigits(missed) > binaryDigits(told) ? missed : 0;
};

const binaryDigits = (count: number): number => (count === 0 ? 0 : count.toString(2).length);

const isProgrammed = (status: SpotPolicyStatus | undefined): boolean =>
  status?.conditions?.some(({ type, status: value }) => type === 'Programmed' && value === 'True') === true;
