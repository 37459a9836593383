import { Counts } from '../../operator/status/counts.ts';
import type { View } from '../../operator/world/view.ts';

/** The counts of a world, every policy of which has been looked at. */
export const settledCounts = (view: View): Counts => {
  const counts = new Counts(view);
  settle(counts);
  return counts;
};

/** Counts anew what is due of every policy. */
export const settle = (counts: Counts): void => {
  for (const policy of counts.view.policies.all()) for (const _ of counts.settle(policy));
};
