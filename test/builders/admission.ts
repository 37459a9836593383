import { createHash } from 'node:crypto';
import { applyPatch, type Operation } from 'rfc6902';
import { type Incoming, inject } from '../../operator/injection/inject.ts';
import type { Stamping } from '../../operator/injection/stamp.ts';
import type { Edits, Values } from '../../operator/policy/gift.ts';
import { noonMs } from './pod.ts';

/** How stamps are made in a test: two replicas of one installation share the secret, nobody else has it. */
export const aStamping = ({
  secret = 'shared',
  nowMs = noonMs,
  nonce = 'nonce',
}: { secret?: string; nowMs?: number; nonce?: string } = {}): Stamping => ({
  sign: (text) => createHash('sha256').update(secret).update(text).digest('base64url'),
  nonce: () => nonce,
  nowMs,
});

/** Labels or annotations after edits. */
export const edited = (own: Values, edits: Edits): Values =>
  Object.fromEntries(
    Object.entries({ ...own, ...edits }).flatMap(([key, value]) =>
      value === undefined ? [] : [[key, value]],
    ),
  );

/** The labels and annotations of a pod after its injection. */
export const injected = (pod: Incoming, ...how: TakeRest<typeof inject>) => {
  const { labels, annotations } = inject(pod, ...how);
  return { labels: edited(pod.labels, labels), annotations: edited(pod.annotations, annotations) };
};

type TakeRest<F> = F extends (first: never, ...rest: infer R) => unknown ? R : never;

/** The object after a patch; throws where the API server would refuse the patch. */
export const patched = <T>(object: T, patch: readonly Operation[]): T => {
  const copy = structuredClone(object);
  for (const error of applyPatch(copy, [...patch])) if (error) throw error;
  return copy;
};
