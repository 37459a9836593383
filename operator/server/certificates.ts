/** The Secret in the operator's own namespace that the replicas share their certificates through. */
export const certificateSecretName = 'spotpolicy-certificates';

/**
 * How long before its issue a certificate is already valid, so that an API server whose clock is behind accepts it;
 * certificates carry no time of issue, so `issuedAtMs` relies on every one being backdated by exactly this.
 */
export const backdateMs = 5 * 60_000;

/** The span of time in which a certificate is valid, in milliseconds since 1970. */
export interface Validity {
  notBeforeMs: number;
  notAfterMs: number;
}

/** A certificate authority with its key; `id` is its subject, of which no two authorities share one. */
export interface Authority extends Validity {
  id: string;
  certificatePem: string;
  keyPem: string;
}

/** An authority that signs no more: what it signed may still be in use, so it stays trusted until it expires. */
export type RetiredAuthority = Omit<Authority, 'keyPem'>;

/** The certificate that admission is served with, the names it is good for, and the `id` of who signed it. */
export interface ServingCertificate extends Validity {
  certificatePem: string;
  keyPem: string;
  names: readonly string[];
  signedBy: string;
}

/**
 * What the Secret holds: `next` is trusted already and signs after the overlap, `serving` is absent until issued. `sealKey` is what
 * the replicas sign admissions and questions to each other with, 32 random bytes in base64url.
 */
export interface CertificateState {
  authority: Authority;
  sealKey?: string;
  next?: Authority;
  previous?: RetiredAuthority;
  serving?: ServingCertificate;
}

/** How long certificates live and how long a new authority is trusted before it signs, in milliseconds. */
export interface Lifetimes {
  authorityMs: number;
  servingMs: number;
  overlapMs: number;
}

/** The one thing to do next about the certificates, and why. */
export type Plan =
  | { kind: 'keep'; nextLookMs: number }
  | { kind: 'startAfresh'; reason: string }
  | { kind: 'issueSealKey'; reason: string }
  | { kind: 'issueNext'; reason: string }
  | { kind: 'promoteNext'; reason: string }
  /** Good for `also` as well, beside the names that are wanted. */
  | { kind: 'issueServing'; reason: string; also: readonly string[] }
  | { kind: 'dropPrevious'; reason: string };

// When a certificate was issued, in milliseconds since 1970; relies on `backdateMs`.
const issuedAtMs = (certificate: Validity): number => certificate.notBeforeMs + backdateMs;

// When a certificate is to be replaced: after two thirds of its life, in milliseconds since 1970.
const renewAtMs = (certificate: Validity): number => {
  const issued = issuedAtMs(certificate);
  return issued + Math.floor(((certificate.notAfterMs - issued) * 2) / 3);
};

// Nothing verifies by an expired authority, so there is nothing left to wait for.
const promoteAtMs = (state: CertificateState, next: Authority, overlapMs: number): number =>
  Math.min(issuedAtMs(next) + overlapMs, state.authority.notAfterMs);

/**
 * The next step towards certificates valid at `nowMs` for all of `wantedNames`; `keep` says when to look again.
 *
 * Repeated until `keep` it never asks for more than six steps. As long as looks are not late by more than the last
 * third of a life, whoever holds a bundle that was published less than an overlap ago can verify what is served.
 */
export const planCertificates = (
  state: CertificateState | undefined,
  nowMs: number,
  lifetimes: Lifetimes,
  wantedNames: readonly string[],
): Plan => {
  if (state === undefined) return { kind: 'startAfresh', reason: 'there is no authority' };
  const { authority, next, previous, serving, sealKey } = state;

  if (sealKey === undefined) return { kind: 'issueSealKey', reason: 'there is no key for seals' };
  const expired = authority.notAfterMs <= nowMs;

  if (next !== undefined && promoteAtMs(state, next, lifetimes.overlapMs) <= nowMs) {
    const reason = expired
      ? 'the authority has expired'
      : 'the next authority has been trusted for the overlap';
    return { kind: 'promoteNext', reason };
  }
  if (expired) return { kind: 'startAfresh', reason: 'the authority has expired' };
  if (next === undefined && renewAtMs(authority) <= nowMs) {
    return { kind: 'issueNext', reason: 'the authority has passed two thirds of its life' };
  }
  if (previous !== undefined && previous.notAfterMs <= nowMs) {
    return { kind: 'dropPrevious', reason: 'the previous authority has expired' };
  }
  const fault = servingFault(state, nowMs, wantedNames);
  if (fault !== undefined) return { kind: 'issueServing', ...fault };

  const looks = [
    next === undefined ? renewAtMs(authority) : promoteAtMs(state, next, lifetimes.overlapMs),
    ...(previous === undefined ? [] : [previous.notAfterMs]),
    ...(serving === undefined || renewAtMs(serving) <= nowMs ? [] : [renewAtMs(serving)]),
  ];
  return { kind: 'keep', nextLookMs: Math.min(...looks) };
};

// Names of so many others are kept; each installation has one or two, and the latest to be issued comes first.
const mostOthers = 8;

const servingFault = (
  { authority, serving }: CertificateState,
  nowMs: number,
  wantedNames: readonly string[],
): { readonly reason: string; readonly also: readonly string[] } | undefined => {
  const alone = (reason: string) => ({ reason, also: [] });
  if (serving === undefined) return alone('there is no serving certificate');
  if (serving.signedBy !== authority.id)
    return alone('the serving certificate is signed by another authority');
  const missing = wantedNames.find((name) => !serving.names.includes(name));
  // The other names may be those of an installation that shares the Secret, and would be issued anew by it. A name that nobody
  // wants any more goes with the next renewal.
  if (missing !== undefined) {
    const also = serving.names.filter((name) => !wantedNames.includes(name)).slice(0, mostOthers);
    return { reason: `the serving certificate lacks the name ${missing}`, also };
  }
  // It never outlives its authority: once it lasts as long, another one would gain nothing.
  if (renewAtMs(serving) <= nowMs && serving.notAfterMs < authority.notAfterMs) {
    return alone('the serving certificate has passed two thirds of its life');
  }
  return undefined;
};

/** The PEM of every authority that clients are to trust: what `caBundle` holds, before its base64. */
export const bundlePem = ({ authority, next, previous }: CertificateState): string =>
  [authority, next, previous].flatMap((trusted) => trusted?.certificatePem.trim() ?? []).join('\n') + '\n';
