import { isByAuthorization, KubeError } from './errors.ts';
import type { Refusal, StatusCause } from './errors.ts';

/** What one call of the Eviction API came to, by what the caller has to do next; messages are for people. */
export type EvictionAnswer =
  | { kind: 'accepted' }
  | { kind: 'gone' }
  | { kind: 'replaced' } // the name belongs to another pod now
  | { kind: 'changed'; message: string } // the pod changed under the call: look at it, then retry
  | { kind: 'budgetBusy'; message: string } // too many at once on one budget; the pod is still there
  | { kind: 'blocked'; message: string; retryAfterSeconds?: number } // a budget: wait for a change of it
  | { kind: 'throttled'; afterSeconds: number } // the API server holds this client back
  | { kind: 'severalBudgets'; message: string } // will not succeed
  | { kind: 'denied'; message: string } // admission refused
  | { kind: 'forbidden'; message: string } // a right is missing
  | { kind: 'namespaceEnding' }
  | { kind: 'unknown'; message: string } // it may have happened: look at the pod first
  | { kind: 'unavailable'; message: string };

const hasCause = ({ status }: Refusal, reason: string): boolean =>
  causesOf(status?.details).some((cause) => cause.reason === reason);

const causesOf = (details: { causes?: readonly StatusCause[] } | undefined): readonly StatusCause[] =>
  details?.causes ?? [];

const messageOf = ({ httpStatus, status }: Refusal): string =>
  status?.message ?? `the answer was ${httpStatus} without a Status`;

/**
 * Reads a refusal of the Eviction API by status code, `details` and the reasons of causes.
 *
 * Its text decides only where two meanings share all of these: which precondition a 409 on the pod is about. All shapes
 * are those of Kubernetes 1.36 (pkg/registry/core/pod/storage/eviction.go).
 */
export const classifyEviction = (refusal: Refusal): EvictionAnswer => {
  const message = messageOf(refusal);
  switch (refusal.httpStatus) {
    case 404:
      // Without a Status it is somebody's proxy that knows no such path, not an API server that knows no such pod.
      return refusal.status === undefined ? { kind: 'unavailable', message } : { kind: 'gone' };
    case 409:
      return conflict(refusal, message);
    case 429:
      return tooMany(refusal);
    case 403:
      return forbidden(refusal, message);
    case 401:
      return { kind: 'unavailable', message };
    case 504:
      return { kind: 'unknown', message };
    case 500:
      return ownFailure(refusal, message);
    default:
      return refusal.httpStatus >= 500 ? { kind: 'unavailable', message } : { kind: 'denied', message };
  }
};

/** What an eviction without an answer came to: it may have happened, unless it was never sent. */
export const unansweredEviction = (error: unknown): EvictionAnswer => {
  const message = error instanceof Error ? error.message : String(error);
  const sent = !(error instanceof KubeError) || error.reason !== 'NotSent';
  return { kind: sent ? 'unknown' : 'unavailable', message };
};

const conflict = ({ status }: Refusal, message: string): EvictionAnswer => {
  if (status?.details?.group === 'policy') return { kind: 'budgetBusy', message };
  return /UID in (the )?precondition/.test(message) ? { kind: 'replaced' } : { kind: 'changed', message };
};

const tooMany = (refusal: Refusal): EvictionAnswer => {
  const { status, retryAfterSeconds } = refusal;
  const cause = causesOf(status?.details).find(({ reason }) => reason === 'DisruptionBudget');
  // The server's own flow control always says how long, and not in a Status; a webhook's denial may have this code too.
  if (cause === undefined)
    return status !== undefined && retryAfterSeconds === undefined
      ? { kind: 'denied', message: messageOf(refusal) }
      : { kind: 'throttled', afterSeconds: retryAfterSeconds ?? 1 };
  const message = cause.message ?? messageOf(refusal);
  return { kind: 'blocked', message, ...(retryAfterSeconds ? { retryAfterSeconds } : {}) };
};

const forbidden = (refusal: Refusal, message: string): EvictionAnswer => {
  const details = refusal.status?.details;
  if (hasCause(refusal, 'NamespaceTerminating')) return { kind: 'namespaceEnding' };
  // The budget's controller lags behind; the next change of the budget is what to wait for.
  if (details?.group === 'policy') return { kind: 'blocked', message };
  return { kind: isByAuthorization(details) ? 'forbidden' : 'denied', message };
};

// The one failure that the eviction code builds by hand has neither reason nor details.
const ownFailure = ({ status }: Refusal, message: string): EvictionAnswer => {
  const byHand = status !== undefined && status.reason === undefined && status.details === undefined;
  return { kind: byHand ? 'severalBudgets' : 'unavailable', message };
};
