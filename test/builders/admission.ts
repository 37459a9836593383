import { createHash } from 'node:crypto';
import { applyPatch, type Operation } from 'rfc6902';
import type { Stamping } from '../../operator/injection/stamp.ts';
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

/** The object after a patch; throws where the API server would refuse the patch. */
export const patched = <T>(object: T, patch: readonly Operation[]): T => {
  const copy = structuredClone(object);
  for (const error of applyPatch(copy, [...patch])) if (error) throw error;
  return copy;
};
