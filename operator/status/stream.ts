import { catchError, defer, EMPTY, merge, mergeMap, type Observable, of, Subject, tap } from 'rxjs';
import type { SpotPolicyStatus } from '../api/index.ts';
import { nextDelay } from '../runtime/backoff.ts';
import { coalesceByKey } from '../runtime/coalesce-by-key.ts';
import { type Alarm, delayByKey } from '../runtime/delay-by-key.ts';
import { type CallWithSignal, fromCall } from '../runtime/from-call.ts';
import { type Turns, turns } from '../runtime/turns.ts';
import type { Policy } from '../world/policy.ts';
import type { Change, View } from '../world/view.ts';
import {
  type Attempts,
  type NextDelay,
  noAttempts,
  omissionOf,
  settleWrite,
  type WriteAnswer,
} from './attempts.ts';
import { changedParts, type Parts } from './changed-parts.ts';
import { Members } from './members.ts';
import { isUrgent, reportOn } from './report.ts';
import { overdueAtMs } from './targets.ts';
import { everywhere, touchedBy } from './touched.ts';

/** What this room tells: a status was written, or could not be. */
export type StatusOutcome =
  | {
      readonly room: 'status';
      readonly kind: 'written';
      /** As it was before, its status too. */
      readonly policy: Policy;
      readonly status: SpotPolicyStatus;
    }
  | { readonly room: 'status'; readonly kind: 'failed'; readonly policy: Policy; readonly error: unknown };

/** What the stream is made of; `write` is effects.ts with its client bound. */
export interface StatusDeps {
  readonly world: View;
  readonly nowMs: () => number;
  readonly write: (policy: Policy, parts: Parts<SpotPolicyStatus>) => CallWithSignal<WriteAnswer>;
  /** Numbers in [0, 1), for the pauses between tries. */
  readonly random: () => number;
}

// A storm is told once a second; mere counts of pods, which every rollout moves, once in ten.
// What happens together is looked at together: a look counts every pod of the policy, and pods change all the time.
const gatherMs = 200;
const countMs = 1_000;
const urgentMs = 1_000;
const unhurriedMs = 10_000;
// A rollout moves the counts of a thousand policies as well as those of one: over all of them 20 are written a second.
const countsApartMs = 50;

/**
 * Keeps the status of every policy what the world says. Emits each write. At most one a second and policy, and only
 * when something changed. Never completes; a failed write is an outcome and is tried again.
 */
export const statusStream = (deps: StatusDeps, changes$: Observable<Change>): Observable<StatusOutcome> =>
  defer(() => {
    const alarm$ = new Subject<Alarm<string>>();
    const members = new Members(deps.world);
    const memory: Memory = {
      members,
      writtenAt: new Map(),
      attempts: new Map(),
      turns: turns(countsApartMs),
    };
    const known$ = defer(() => everywhere(deps.world));
    const touched$ = changes$.pipe(
      tap((change) => members.note(change)),
      mergeMap((change) => {
        const atMs = deps.nowMs() + (change.kind === 'Pod' ? countMs : gatherMs);
        return touchedBy(deps.world, change).map((key) => ({ key, atMs }));
      }),
    );
    const due$ = merge(alarm$, touched$).pipe(delayByKey(deps.nowMs));
    // Known keys come last: their looks set alarms, which somebody must hear.
    return merge(due$, known$).pipe(
      coalesceByKey((uid) => lookAt(deps, uid, memory, alarm$), { concurrency: 4 }),
    );
  });

interface Memory {
  readonly members: Members;
  readonly writtenAt: Map<string, number>;
  /** By UID of the policy, while something has failed. */
  readonly attempts: Map<string, Attempts>;
  /** For what is in no hurry. */
  readonly turns: Turns<string>;
}

const lookAt = (
  { world, nowMs, write, random }: StatusDeps,
  uid: string,
  { members, writtenAt, attempts, turns: calm }: Memory,
  alarm$: Subject<Alarm<string>>,
): Observable<StatusOutcome> =>
  defer(() => {
    const again = (atMs: number): Observable<never> => {
      alarm$.next({ key: uid, atMs });
      return EMPTY;
    };
    const done = (): Observable<never> => {
      calm.giveBack(uid);
      return EMPTY;
    };
    const policy = world.policies.byUid(uid);
    if (!policy) {
      writtenAt.delete(uid);
      attempts.delete(uid);
      return done();
    }
    const sinceMs = writtenAt.get(uid) ?? Number.NEGATIVE_INFINITY;
    if (nowMs() < sinceMs + urgentMs) return again(sinceMs + urgentMs);
    const attempt = attempts.get(uid) ?? noAttempts;
    if (nowMs() < attempt.notBeforeMs) return again(attempt.notBeforeMs);
    const omission = omissionOf(attempt, nowMs());
    if (attempt.refused && omission) alarm$.next({ key: uid, atMs: attempt.refused.untilMs });
    const status = reportOn(members, policy, nowMs(), omission);
    const overdueMs = overdueAtMs(status.conditions);
    if (overdueMs !== undefined) alarm$.next({ key: uid, atMs: overdueMs });
    const parts = changedParts(policy.status, status);
    if (!parts) return done();
    if (!isUrgent(policy.status, parts)) {
      if (nowMs() < sinceMs + unhurriedMs) return again(sinceMs + unhurriedMs);
      const turnMs = calm.of(uid, nowMs());
      if (nowMs() < turnMs) return again(turnMs);
    }
    calm.giveBack(uid);
    writtenAt.set(uid, nowMs());
    const nextDelayMs: NextDelay = (previousMs, limits) => nextDelay(previousMs, random, limits);
    const settle = (answer: Parameters<typeof settleWrite>[2]): void => {
      const next = settleWrite(attempt, omission, answer, { nowMs: nowMs(), nextDelayMs });
      if (next === noAttempts) attempts.delete(uid);
      else attempts.set(uid, next);
      if (answer.kind !== 'Written') alarm$.next({ key: uid, atMs: Math.max(nowMs(), next.notBeforeMs) });
    };
    return fromCall(write(policy, parts)).pipe(
      mergeMap((answer): Observable<StatusOutcome> => {
        settle(answer);
        if (answer.kind === 'Written') return of({ room: 'status', kind: 'written', policy, status });
        if (answer.kind === 'Stale') return EMPTY;
        return of({ room: 'status', kind: 'failed', policy, error: new Error(answer.message) });
      }),
      catchError((error: unknown) => {
        settle({ kind: 'Failed' });
        return of({ room: 'status', kind: 'failed', policy, error } as const);
      }),
    );
  });
