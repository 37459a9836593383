import type { PodAnswer, Undecided } from './injection/review.ts';
import type { World } from './world/world.ts';

// A watch is usually some milliseconds behind; the API server gives admission 2 s.
const looksAfterMs = [10, 20, 40, 80, 100];

/** What a pod's share is found with. */
export interface ShareParts {
  readonly world: World;
  readonly nowMs: () => number;
  readonly pause: (ms: number) => Promise<unknown>;
}

/**
 * Answers for a pod whose policy divides its pods, and reserves its place, of which a dry run has none. Waits up to a
 * quarter of a second where the world is seen to be behind.
 */
export const settleShare = async (
  { place, question, answer }: Undecided,
  { world, nowMs, pause }: ShareParts,
  dryRun: boolean,
): Promise<PodAnswer> => {
  for (const pauseMs of looksAfterMs) {
    if (!place(nowMs()).behind) break;
    await pause(pauseMs);
  }
  // Between the count and the reservation nobody else may count.
  const atMs = nowMs();
  const { share, refused } = place(atMs);
  const answered = answer(share);
  // Without a stamp nobody would know the pod again.
  if (question && !dryRun && answered.patch.length > 0) {
    const { nonce, cohort } = question;
    for (const gone of refused) world.release(gone);
    world.reserve({ nonce, cohort, spot: share.capacity === 'spot', atMs });
  }
  return answered;
};
