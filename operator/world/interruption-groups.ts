import type { Grouping } from './collection.ts';
import { type Interruption, isDetaching } from './interruption.ts';
import { objectKey } from './object.ts';

/**
 * How interruptions are found: by policy, by the `objectKey` of the workload that replaces the pod, by its replacement, and
 * by budget those whose eviction is being asked for (`calling`) and those that wait for it (`held`); by namespace those
 * whose pod is `detached`, and by the line in which it is those that wait for room to start a replacement (`queue`).
 */
export type InterruptionIndex =
  'policy' | 'workload' | 'replacement' | 'calling' | 'held' | 'detached' | 'queue';

/** The groups of an interruption, by index. */
export const interruptionGroups: Grouping<Interruption, InterruptionIndex> = {
  policy: ({ settings }) => [settings.policy],
  workload: ({ workload }) => (workload ? [objectKey(workload)] : []),
  calling: ({ call, budgets }) => (call === 'Evict' ? budgets : []),
  held: ({ phase, call, budgets }) => (phase === 'Blocked' && !call ? budgets : []),
  detached: (each) => (isDetaching(each) || (each.detached && each.phase !== 'Done') ? [each.namespace] : []),
  queue: ({ queue }) => (queue === undefined ? [] : [queue]),
  replacement: ({ replacement }) => (replacement ? [replacement.uid] : []),
};
