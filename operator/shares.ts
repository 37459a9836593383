import { z } from 'zod';
import { placeIn, type Question } from './injection/place.ts';
import type { PodAnswer, Undecided } from './injection/review.ts';
import type { Share } from './policy/distribution.ts';
import type { World } from './world/world.ts';

// A watch is usually some milliseconds behind; the API server gives admission 2 s.
const looksAfterMs = [10, 20, 40, 80, 100, 100, 150];

/** What a pod's share is found with. */
export interface ShareParts {
  readonly world: World;
  readonly nowMs: () => number;
  readonly pause: (ms: number) => Promise<unknown>;
  /** What the leader says, which counts for every replica; undefined at the leader itself and where it does not answer. */
  readonly askLeader: (question: Question) => Promise<Share | undefined>;
}

/**
 * Answers for a pod whose policy divides its pods, and reserves its place, of which a dry run has none. Waits up to
 * half a second where the world is seen to be behind.
 */
export const settleShare = async (
  { place, question, answer }: Undecided,
  parts: ShareParts,
  dryRun: boolean,
): Promise<PodAnswer> => {
  const taken = question && !dryRun ? question : undefined;
  const told = taken && (await parts.askLeader(taken));
  if (told) {
    // Remembered here too: this replica may lead in a moment.
    keep(parts, taken, told);
    return answer(told);
  }
  await untilCurrent(place, parts);
  // Between the count and the reservation nobody else may count.
  const { share, refused } = place(parts.nowMs());
  const answered = answer(share);
  // Without a stamp nobody would know the pod again.
  if (taken && answered.patch.length > 0) keep(parts, taken, share, refused);
  return answered;
};

/** The share of a pod that another replica admits, its place reserved; throws where that is no question. */
export const shareFor = async (asked: unknown, parts: Omit<ShareParts, 'askLeader'>): Promise<Share> => {
  const question: Question = questionSchema.parse(asked);
  const place = (nowMs: number) => placeIn(parts.world, question, nowMs);
  await untilCurrent(place, parts);
  const { share, refused } = place(parts.nowMs());
  keep(parts, question, share, refused);
  return share;
};

/** The answer of the leader as it came over the wire; throws where it is none. */
export const parseShare = (answer: unknown): Share => shareSchema.parse(answer);

const untilCurrent = async (
  place: Undecided['place'],
  { nowMs, pause }: Pick<ShareParts, 'nowMs' | 'pause'>,
): Promise<void> => {
  for (const pauseMs of looksAfterMs) {
    if (!place(nowMs()).behind) return;
    await pause(pauseMs);
  }
};

const keep = (
  { world, nowMs }: Pick<ShareParts, 'world' | 'nowMs'>,
  { nonce, cohort }: Question,
  { capacity }: Share,
  refused: readonly string[] = [],
): void => {
  for (const gone of refused) world.reservations.delete(gone);
  world.reservations.add({ nonce, cohort, spot: capacity === 'spot', atMs: nowMs() });
};

const capacity = z.enum(['spot', 'on-demand']);
const shareSchema = z.object({ capacity, reason: z.enum(['OnDemandBase', 'SpotPercentage']) });
const questionSchema = z.object({
  nonce: z.string().min(1),
  cohort: z.string(),
  controller: z
    .object({ namespace: z.string(), group: z.string(), kind: z.string(), uid: z.string() })
    .optional(),
  distribution: z.object({ onDemandBase: z.int().min(0), spotPercentage: z.int().min(0).max(100) }),
  kept: capacity.optional(),
});
