/** What the caller must do: tell a person, wait as long as told, back off and look again, or stop the process. */
export type KubeErrorCode = 'stalled' | 'waiting' | 'retryable' | 'fatal';

/** One entry of `details.causes` of a Status. */
export interface StatusCause {
  readonly reason?: string;
  readonly message?: string;
  readonly field?: string;
}

/** The parts of a `metav1.Status` that are read; all of them may be absent. */
export interface Status {
  readonly kind?: string;
  readonly status?: string;
  readonly code?: number;
  readonly reason?: string;
  readonly message?: string;
  readonly details?: {
    readonly group?: string;
    readonly kind?: string;
    readonly name?: string;
    readonly causes?: readonly StatusCause[];
    readonly retryAfterSeconds?: number;
  };
}

/** An answer of the API server that is no success. */
export interface Refusal {
  readonly httpStatus: number;
  /** Undefined where the body is no Status: a proxy in between, or the server holding clients back. */
  readonly status: Status | undefined;
  readonly retryAfterSeconds: number | undefined;
}

/**
 * Why no answer came. Only `NotSent` says that the server has not seen the request; after any of the others it may have
 * done what it was asked.
 */
export type Silence = 'NotSent' | 'TimedOut' | 'Aborted' | 'Broken';

/** A call to the API server that failed; the message begins with what was being done, and no body or header is in it. */
export class KubeError extends Error {
  override readonly name = 'KubeError';
  readonly code: KubeErrorCode;
  /** The HTTP status, 0 where no answer came. */
  readonly status: number;
  /** The reason of the Status, or why no answer came; empty where neither is known. */
  readonly reason: string;
  readonly details: Status['details'];
  readonly retryAfterSeconds: number | undefined;

  constructor(
    message: string,
    what: { code: KubeErrorCode; reason: string; refusal?: Refusal; cause?: unknown },
  ) {
    super(message, what.cause === undefined ? undefined : { cause: what.cause });
    this.code = what.code;
    this.reason = what.reason;
    this.status = what.refusal?.httpStatus ?? 0;
    this.details = what.refusal?.status?.details;
    this.retryAfterSeconds = what.refusal?.retryAfterSeconds;
  }

  get causes(): readonly StatusCause[] {
    return this.details?.causes ?? [];
  }
}

// Measured on 1.36: a patch that names another UID is not a 409 but a 422 with that field as its cause, and a JSON patch
// whose `test` fails is a 422 with empty details, where validation always says of which object it speaks.
const isAboutAnother = (httpStatus: number, details: Status['details']): boolean => {
  if (httpStatus !== 422) return httpStatus === 409;
  if (details === undefined) return false;
  const { name, causes = [] } = details;
  return causes.some(({ field }) => field === 'metadata.uid') || (name === undefined && causes.length === 0);
};

const codeOf = ({ httpStatus, retryAfterSeconds, status }: Refusal): KubeErrorCode => {
  if (isAboutAnother(httpStatus, status?.details)) return 'retryable';
  if (httpStatus === 429 || (httpStatus === 503 && retryAfterSeconds !== undefined)) return 'waiting';
  // 401: credentials are read anew at every call, so an expired token heals itself. 410: list again.
  const again = [401, 408, 410];
  return httpStatus >= 500 || again.includes(httpStatus) ? 'retryable' : 'stalled';
};

/** The error of a refused call; `doing` is a gerund with its object, such as "evicting pod shop/web-1". */
export const refused = (doing: string, refusal: Refusal): KubeError => {
  const reason = refusal.status?.reason ?? '';
  const text = refusal.status?.message ?? `the answer was ${refusal.httpStatus} without a Status`;
  return new KubeError(`${doing}: ${text}`, { code: codeOf(refusal), reason, refusal });
};

/** The error of a call that got no answer; what was thrown becomes its cause. */
export const unanswered = (doing: string, why: Silence, cause: unknown): KubeError => {
  const text = cause instanceof Error ? cause.message : String(cause);
  return new KubeError(`${doing}: ${text}`, { code: 'retryable', reason: why, cause });
};

const hasStatus =
  (status: number) =>
  (error: unknown): error is KubeError =>
    error instanceof KubeError && error.status === status;

/** No answer came, and the API server may have done what it was asked. */
export const mayBeDone = (error: unknown): error is KubeError =>
  error instanceof KubeError && (error.status === 504 || (error.status === 0 && error.reason !== 'NotSent'));

/** It may have been done all the same, or may be a moment later. */
export const isUnsure = (error: unknown): error is KubeError =>
  error instanceof KubeError && (error.code === 'retryable' || error.code === 'waiting');

/** The object, or the resource itself, does not exist. */
export const isNotFound = hasStatus(404);

/**
 * The object is not what the request took it for: it changed meanwhile, is another one of that name, or exists already.
 * Also what a JSON patch gets whose `test` fails, or one of whose paths does not exist.
 */
export const isConflict = (error: unknown): error is KubeError =>
  error instanceof KubeError && isAboutAnother(error.status, error.details);

/** The object itself is refused, by its schema (422) or for its size (413): the same request never succeeds. */
export const isUnacceptable = (error: unknown): error is KubeError =>
  error instanceof KubeError && (error.status === 413 || error.status === 422) && !isConflict(error);

/** The position in the history is gone: only a new list helps. */
export const isExpired = hasStatus(410);

/** A right is missing, or admission refuses. */
export const isForbidden = hasStatus(403);

/**
 * Whether a refusal comes from authorization: it names the resource and no cause. A ValidatingAdmissionPolicy and a
 * namespace that ends add a cause, a webhook leaves out both.
 */
export const isByAuthorization = (details: Status['details']): boolean =>
  details?.kind !== undefined && (details.causes ?? []).length === 0;

/** A right is missing. */
export const lacksRight = (error: unknown): boolean => isForbidden(error) && isByAuthorization(error.details);
