import {
  catchError,
  concat,
  defer,
  distinctUntilChanged,
  EMPTY,
  filter,
  finalize,
  ignoreElements,
} from 'rxjs';
import { map, mergeMap, NEVER, of, repeat, startWith, switchMap, takeUntil, timeout, timer } from 'rxjs';
import type { Observable, ObservableInput } from 'rxjs';
import { fromCall } from '../runtime/from-call.ts';
import type { Kube } from './kube.ts';
import { isConflict, isNotFound } from './errors.ts';
import { givenUp, leaseStep } from './lease-step.ts';
import type { Candidate, LeaseRecord, LeaseStep, SeenLease } from './lease-step.ts';
import { apiVersionOf, resources } from './resources.ts';
import type { KubeObject, Ref } from './types.ts';

/** The calls that an election is made of. Writing fails when the Lease is no longer the version that was read. */
export interface LeaseCalls {
  read(signal: AbortSignal): ObservableInput<SeenLease | undefined>;
  create(record: LeaseRecord, signal: AbortSignal): ObservableInput<unknown>;
  write(record: LeaseRecord, over: string, signal: AbortSignal): ObservableInput<unknown>;
}

/** Who stands for election and how; times in milliseconds. The usual numbers are those of client-go. */
export interface LeadershipOptions {
  /** Different for every process that ever runs. */
  readonly identity: string;
  readonly leaseDurationMs?: number;
  /** How long after a renewal this candidate still leads; shorter than the lease, so that it has stopped when others may start. */
  readonly renewDeadlineMs?: number;
  readonly retryMs?: number;
  /** A clock that nobody sets, such as performance.now: leases are judged by it. */
  readonly elapsedMs: () => number;
  /** The time of day, only to be written down. */
  readonly timeOfDayMs: () => number;
  /** In [0, 1): spreads the tries of candidates. */
  readonly random: () => number;
  /** Ends it in order: no longer leading, the lease given up, then complete. */
  readonly stop$?: Observable<unknown>;
  /** Hears at each renewal, and when it ends, until when this candidate leads by `elapsedMs`: before all time where it does not. */
  readonly onTerm?: (untilMs: number) => void;
  /** Hears, while this candidate does not lead, that another one leads, or may have led since this one did. */
  readonly onOther?: () => void;
  /** Hears of failed tries, to be logged; a lost race is none. */
  readonly onFailure?: (error: unknown) => void;
}

/**
 * Whether this candidate leads: false at first, true from each lease it gets until that is lost.
 *
 * It leads only until `renewDeadlineMs` after the last renewal was sent, even if nobody can be asked, and others wait for
 * `leaseDurationMs` after they saw it: so no two lead at once, however their times of day differ. A failing try is repeated and
 * never ends the stream. Unsubscribing gives the lease up too, but then nobody can wait for it. Subscribe once and share.
 */
export const leadership = (calls: LeaseCalls, options: LeadershipOptions): Observable<boolean> =>
  defer(() => {
    const { identity, leaseDurationMs = 15_000, renewDeadlineMs = 10_000, retryMs = 2_000 } = options;
    const { elapsedMs, timeOfDayMs, random, stop$ = NEVER, onTerm, onOther, onFailure } = options;
    // Two tries fit into the deadline, so that one call that hangs does not cost the lease.
    const tryTimeoutMs = renewDeadlineMs / 2;
    let candidate: Candidate = { identity, durationMs: leaseDurationMs, seen: undefined };
    let stopped = false;
    let leadsUntilMs = Number.NEGATIVE_INFINITY;
    let othersMayLead = false;

    const patiently = <T>(call$: Observable<T>): Observable<T> =>
      call$.pipe(
        timeout({ first: tryTimeoutMs }),
        catchError((error: unknown) => {
          if (!isConflict(error)) onFailure?.(error);
          return EMPTY;
        }),
      );

    const judge = (lease: SeenLease | undefined): LeaseStep => {
      // Only this candidate writes its own identity.
      othersMayLead ||= lease?.record.holderIdentity !== identity;
      const time = { elapsedMs: elapsedMs(), timeOfDayMs: timeOfDayMs() };
      const [next, step] = leaseStep(candidate, lease, time);
      candidate = next;
      return step;
    };

    // Emits until when this candidate leads.
    const perform = (step: LeaseStep): Observable<number> => {
      if (step.kind === 'wait') return of(-Infinity);
      // From before the call, because nobody can have seen the renewal earlier than that.
      const untilMs = elapsedMs() + renewDeadlineMs;
      const write$ = fromCall((signal) =>
        step.kind === 'create'
          ? calls.create(step.record, signal)
          : calls.write(step.record, step.over, signal),
      );
      return write$.pipe(map(() => untilMs));
    };

    const leadUntil = (untilMs: number): Observable<boolean> => {
      const leftMs = untilMs - elapsedMs();
      // A candidate that takes its Lease again, after somebody deleted or emptied it, has led all the time.
      const leadsOn = leftMs > 0 && elapsedMs() < leadsUntilMs;
      if (othersMayLead && !leadsOn) onOther?.();
      othersMayLead = false;
      leadsUntilMs = untilMs;
      onTerm?.(untilMs);
      return leftMs > 0 ? concat(of(true), timer(leftMs).pipe(map(() => false))) : of(false);
    };

    const leads$ = defer(() => patiently(fromCall(calls.read).pipe(map(judge), mergeMap(perform)))).pipe(
      repeat({ delay: () => timer(retryMs * (1 + random() / 5)) }),
      switchMap(leadUntil),
      startWith(false),
    );

    const giveUp$ = patiently(
      fromCall(calls.read).pipe(
        filter((lease) => lease?.record.holderIdentity === identity),
        mergeMap((lease) =>
          lease === undefined
            ? EMPTY
            : fromCall((signal) =>
                calls.write(givenUp(lease.record, timeOfDayMs()), lease.resourceVersion, signal),
              ),
        ),
      ),
    ).pipe(ignoreElements());

    const stopping$ = defer(() => {
      stopped = true;
      onTerm?.(Number.NEGATIVE_INFINITY);
      return giveUp$;
    });
    return concat(leads$.pipe(takeUntil(stop$)), of(false), stopping$).pipe(
      distinctUntilChanged(),
      finalize(() => stopped || giveUp$.subscribe()),
    );
  });

/** What a candidate tells the others beside the election, and hears of the holder. */
export interface LeaseAddress {
  /** Where this candidate can be asked while it leads. */
  readonly own: string | undefined;
  /** Hears at each look where the holder can be asked; undefined without a holder or where it did not say. */
  readonly onHolder: (address: string | undefined) => void;
}

const addressKey = 'spotpolicy.dev/address';

/** The election's calls over the wire, on one Lease. A patch keeps what others wrote on it. */
export const leaseCalls = (kube: Kube, ref: Required<Ref>, address?: LeaseAddress): LeaseCalls => {
  const { leases } = resources;
  const own = address?.own;
  return {
    read: async (signal) => {
      try {
        const lease = await kube.get<KubeObject & { spec?: Partial<LeaseRecord> }>(leases, ref, { signal });
        const holder = lease.spec?.holderIdentity ? lease.metadata.annotations?.[addressKey] : undefined;
        address?.onHolder(holder);
        return seen(lease);
      } catch (error) {
        if (isNotFound(error)) return undefined;
        throw error;
      }
    },
    create: (spec, signal) => {
      const metadata = { ...ref, ...(own !== undefined && { annotations: { [addressKey]: own } }) };
      const body = { apiVersion: apiVersionOf(leases), kind: leases.kind, metadata, spec };
      return kube.create(leases, body, { namespace: ref.namespace, signal });
    },
    write: (spec, resourceVersion, signal) => {
      // Null takes away what the holder before has written.
      const annotations = { [addressKey]: own ?? null };
      const body = { metadata: { resourceVersion, annotations }, spec };
      return kube.patch(leases, ref, { type: 'merge', body }, { signal });
    },
  };
};

// All of the spec is optional on the wire; one that somebody made by hand may have none.
const seen = ({ metadata, spec }: KubeObject & { spec?: Partial<LeaseRecord> }): SeenLease => ({
  resourceVersion: metadata.resourceVersion,
  record: {
    holderIdentity: '',
    leaseDurationSeconds: 0,
    acquireTime: metadata.creationTimestamp,
    renewTime: metadata.creationTimestamp,
    leaseTransitions: 0,
    ...spec,
  },
});
