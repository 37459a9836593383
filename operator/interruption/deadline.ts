import type { ReclaimWindow } from '../world/interruption.ts';

/** The moments that matter between a notice and its deadline, in milliseconds since the epoch. */
export interface Timetable {
  /** Pods that may use their time are evicted from here on. */
  readonly lastEvictionMs: number;
  /** From here on a pod is deleted although a budget blocks it, where the policy says so. */
  readonly forceMs: number;
  readonly deadlineMs: number;
}

// Room for an eviction to be accepted before a deletion has to follow, and for that deletion to be seen by the node.
const evictionMarginMs = 10_000;
const deletionMarginMs = 5_000;
// The instance is cut at the deadline: containers should have ended by then, with this much to spare.
const graceMarginMs = 2_000;

// A pod that outlives its deadline by this much was not taken.
const spentMs = 60_000;

/** From when on a notice decides nothing any more about a pod that still lives. */
export const spentAtMs = ({ deadlineMs }: Pick<ReclaimWindow, 'deadlineMs'>): number => deadlineMs + spentMs;

/**
 * When to act so that the pod's own grace period still fits before the instance is taken.
 *
 * The grace that is planned for is at most half of the window: a pod that asks for more than ECI gives would otherwise
 * be deleted past its budget in the first second.
 */
export const timetable = ({ noticedAtMs, deadlineMs }: ReclaimWindow, graceSeconds: number): Timetable => {
  const halfWindowMs = Math.floor((deadlineMs - noticedAtMs) / 2);
  const graceMs = Math.max(0, Math.min(graceSeconds * 1000, halfWindowMs));
  return {
    lastEvictionMs: deadlineMs - graceMs - evictionMarginMs,
    forceMs: deadlineMs - graceMs - deletionMarginMs,
    deadlineMs,
  };
};

/**
 * When a pod is deleted although a budget blocks it: by the window in which that may be done, which is the condition's.
 * An Event never brings it forward. Where Events name a longer window than is assumed for the condition, it is put off.
 */
export const forceMs = (notice: ReclaimWindow, forcing: ReclaimWindow, graceSeconds: number): number => {
  const ownMs = timetable(forcing, graceSeconds).forceMs;
  return notice.deadlineMs > forcing.deadlineMs
    ? Math.max(ownMs, timetable(notice, graceSeconds).forceMs)
    : ownMs;
};

/**
 * The grace period to send, in seconds: the pod's own as far as it fits before the deadline, at least 1. Never 0, which
 * would remove the object while its containers may still run. Where ECI did not keep to the deadline, it is the pod's own.
 */
export const graceToGive = (deadlineMs: number, graceSeconds: number, nowMs: number): number => {
  const leftSeconds = Math.floor((deadlineMs - nowMs - graceMarginMs) / 1000);
  return Math.max(1, nowMs < spentAtMs({ deadlineMs }) ? Math.min(graceSeconds, leftSeconds) : graceSeconds);
};
