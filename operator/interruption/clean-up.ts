import { governingPolicy } from '../policy/rules.ts';
import { isLeftover, removableFromMs } from '../policy/leftover.ts';
import type { Pod } from '../world/pod.ts';
import { policyKey } from '../world/policy.ts';
import type { View } from '../world/view.ts';
import { beginInterruption, type BeginOptions } from './begin.ts';

/** That the object of a released pod goes, from when on, and by which policy. */
export interface Removal {
  readonly policy: string;
  /** Milliseconds since the epoch. */
  readonly fromMs: number;
}

/** The removal of a pod; undefined where it stays, or has not been told and counted yet. */
export const removalOf = (
  view: View,
  pod: Pod,
  options: Pick<BeginOptions, 'defaultMinutes' | 'nowMs'>,
): Removal | undefined => {
  if (!isLeftover(pod)) return undefined;
  const policy = governingPolicy(view, pod);
  if (!policy) return undefined;
  const fromMs = removableFromMs(pod, policy.spec);
  if (fromMs === undefined || !isTold(view, pod, options)) return undefined;
  return { policy: policyKey(policy), fromMs };
};

// The object is all that tells the next leader of a release: it stays until its outcome has been recorded.
const isTold = (
  view: View,
  pod: Pod,
  { defaultMinutes, nowMs }: Pick<BeginOptions, 'defaultMinutes' | 'nowMs'>,
): boolean => {
  const interruption = view.interruptions.byUid(pod.uid);
  if (interruption) return interruption.marked === 'Ended';
  return beginInterruption(view, pod, { defaultMinutes, nowMs, atStart: false }) === undefined;
};
