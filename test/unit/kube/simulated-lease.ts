import { asyncScheduler, Observable } from 'rxjs';
import { refused } from '../../../operator/kube/errors.ts';
import type { LeaseCalls } from '../../../operator/kube/lease.ts';
import type { LeaseRecord, SeenLease } from '../../../operator/kube/lease-step.ts';

/** What the network does to one call: milliseconds there and back, and where it is lost. */
export interface Fate {
  readonly thereMs: number;
  readonly backMs: number;
  readonly lost: 'nowhere' | 'there' | 'back';
}

const conflict = (): Error =>
  refused('writing the lease', { httpStatus: 409, status: undefined, retryAfterSeconds: undefined });

/** One Lease on a server, in virtual time: whoever writes must name the version that is there. */
export const simulatedLease = () => {
  let lease: SeenLease | undefined;
  let version = 0;

  const store = (record: LeaseRecord): void => {
    lease = { record, resourceVersion: String(++version) };
  };

  // A request that was sent arrives even if its sender has given up on it meanwhile.
  const call = <T>({ thereMs, backMs, lost }: Fate, act: () => T): Observable<T> =>
    new Observable((subscriber) => {
      asyncScheduler.schedule(() => {
        if (lost === 'there') return;
        let answer: () => void;
        try {
          const value = act();
          answer = () => (subscriber.next(value), subscriber.complete());
        } catch (error) {
          answer = () => subscriber.error(error);
        }
        if (lost === 'nowhere') asyncScheduler.schedule(answer, backMs);
      }, thereMs);
    });

  /** The calls of one candidate; each asks for its fate. */
  const callsOver = (fate: () => Fate): LeaseCalls => ({
    read: () => call(fate(), () => lease),
    create: (record) =>
      call(fate(), () => {
        if (lease !== undefined) throw conflict();
        store(record);
      }),
    write: (record, over) =>
      call(fate(), () => {
        if (lease?.resourceVersion !== over) throw conflict();
        store(record);
      }),
  });

  return {
    callsOver,
    record: (): LeaseRecord | undefined => lease?.record,
    /** Somebody deletes the Lease. */
    remove: (): void => (lease = undefined),
    /** Somebody edits it. */
    edit: (more: Partial<LeaseRecord>): void => {
      if (lease) store({ ...lease.record, ...more });
    },
  };
};
