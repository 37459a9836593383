/** What a Lease says, with the field names and units of `coordination.k8s.io/v1`; an empty holder has given it up. */
export interface LeaseRecord {
  readonly holderIdentity: string;
  readonly leaseDurationSeconds: number;
  readonly acquireTime: string;
  readonly renewTime: string;
  readonly leaseTransitions: number;
}

/** The Lease as it was read. */
export interface SeenLease {
  readonly record: LeaseRecord;
  readonly resourceVersion: string;
}

/** What one candidate knows: which version of the Lease it has seen, and since when by its own clock. */
export interface Candidate {
  readonly identity: string;
  readonly durationMs: number;
  readonly seen: { readonly resourceVersion: string; readonly sinceMs: number } | undefined;
}

/** What to do about the Lease: make it, write it over the version that was read, or leave it to its holder. */
export type LeaseStep =
  | { readonly kind: 'create'; readonly record: LeaseRecord }
  | { readonly kind: 'write'; readonly record: LeaseRecord; readonly over: string }
  | { readonly kind: 'wait' };

/** The two clocks of a candidate: one that only ever goes on, to judge by, and the time of day, to write down. */
export interface LeaseTime {
  readonly elapsedMs: number;
  readonly timeOfDayMs: number;
}

/**
 * One look at the Lease: what the candidate knows now, and what it should do.
 *
 * Another's Lease has run out when its version has not changed for its duration by this candidate's own clock. The times in
 * the record come from another machine's clock and are never compared with ours.
 */
export const leaseStep = (
  candidate: Candidate,
  lease: SeenLease | undefined,
  time: LeaseTime,
): [next: Candidate, step: LeaseStep] => {
  if (lease === undefined) return [candidate, { kind: 'create', record: taken(candidate, undefined, time) }];
  const { record, resourceVersion } = lease;
  const unchanged = candidate.seen?.resourceVersion === resourceVersion;
  const seen = unchanged && candidate.seen ? candidate.seen : { resourceVersion, sinceMs: time.elapsedMs };
  const next = { ...candidate, seen };
  const ours = record.holderIdentity === candidate.identity;
  // The holder's own duration counts where it is longer: it may have been started with other settings.
  const durationMs = Math.max(candidate.durationMs, record.leaseDurationSeconds * 1000);
  const ranOut = time.elapsedMs - seen.sinceMs >= durationMs;
  if (!ours && record.holderIdentity !== '' && !ranOut) return [next, { kind: 'wait' }];
  return [next, { kind: 'write', record: taken(candidate, record, time), over: resourceVersion }];
};

const taken = (
  { identity, durationMs }: Candidate,
  before: LeaseRecord | undefined,
  { timeOfDayMs }: LeaseTime,
): LeaseRecord => {
  const now = microTime(timeOfDayMs);
  const renewed = before?.holderIdentity === identity;
  return {
    holderIdentity: identity,
    leaseDurationSeconds: Math.ceil(durationMs / 1000),
    acquireTime: renewed ? before.acquireTime : now,
    renewTime: now,
    leaseTransitions: (before?.leaseTransitions ?? -1) + (renewed ? 0 : 1),
  };
};

/** The record of a Lease that its holder gives up: without a holder, so that the next candidate need not wait. */
export const givenUp = (record: LeaseRecord, timeOfDayMs: number): LeaseRecord => ({
  ...record,
  holderIdentity: '',
  leaseDurationSeconds: 1, // the least that validation takes
  renewTime: microTime(timeOfDayMs),
});

// A MicroTime must have six digits behind the point.
const microTime = (timeOfDayMs: number): string => new Date(timeOfDayMs).toISOString().replace('Z', '000Z');
