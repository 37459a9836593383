import { catchError, concat, defer, EMPTY, ignoreElements, merge, mergeMap, type Observable, of } from 'rxjs';
import { Subject, tap } from 'rxjs';
import type { SpotPolicyStatus } from '../api/index.ts';
import { pausing } from '../runtime/backoff.ts';
import { afterLoss, calmAtMs, type Contest, isContested, noContest } from '../runtime/contest.ts';
import { coalesceByKey } from '../runtime/coalesce-by-key.ts';
import { type Alarm, delayByKey } from '../runtime/delay-by-key.ts';
import { type CallWithSignal, fromCall } from '../runtime/from-call.ts';
import { inSlices } from '../runtime/in-slices.ts';
import { type Turns, turns } from '../runtime/turns.ts';
import type { Policy } from '../world/policy.ts';
import type { Change, View } from '../world/view.ts';
import {
  type Attempts,
  noAttempts,
  type Omission,
  omissionOf,
  settleWrite,
  type WriteAnswer,
} from './attempts.ts';
import { changedParts, type Parts } from './changed-parts.ts';
import { Counts } from './counts.ts';
import { Pace } from './pace.ts';
import { reportOn } from './report.ts';
import { describeRivals, judgeTurn, rivalsOf, type StatusRivals, type Written } from './rivalry.ts';
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
      /** It undid what another writer had written. */
      readonly lost?: Loss;
    }
  | { readonly room: 'status'; readonly kind: 'failed'; readonly policy: Policy; readonly error: unknown };

/** A write that another writer had made necessary. */
export interface Loss {
  /** Who writes it in turn, in words; empty while it may be a person who edits. */
  readonly rivals: string;
  readonly losses: number;
  readonly againInMs: number;
  /** The rivals were not known before. */
  readonly isNew: boolean;
}

/** What the stream is made of; `write` is effects.ts with its client bound. */
export interface StatusDeps {
  readonly world: View;
  readonly nowMs: () => number;
  readonly write: (policy: Policy, parts: Parts<SpotPolicyStatus>) => CallWithSignal<WriteAnswer>;
  /** Numbers in [0, 1), for the pauses between tries. */
  readonly random: () => number;
  /** The field manager that `write` writes as, different from every other installation's. */
  readonly writer: string;
}

// What happens together is looked at together: pods change all the time.
const gatherMs = 200;
const countMs = 1_000;
// A rollout moves the counts of a thousand policies as well as those of one: over all of them 20 are written a second.
const countsApartMs = 50;

/**
 * Keeps the status of every policy what the world says. Emits each write. At most one a second and policy, and only
 * when something changed. Never completes; a failed write is an outcome and is tried again.
 */
export const statusStream = (deps: StatusDeps, changes$: Observable<Change>): Observable<StatusOutcome> =>
  defer(() => {
    const alarm$ = new Subject<Alarm<string>>();
    const counts = new Counts(deps.world);
    const memory: Memory = {
      counts,
      attempts: new Map(),
      rivalries: new Map(),
      pace: new Pace(pausing(deps.random)),
      turns: turns(countsApartMs),
    };
    const known$ = defer(() => everywhere(deps.world));
    const touched$ = changes$.pipe(
      tap((change) => counts.note(change)),
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
  readonly counts: Counts;
  /** By UID of the policy, while something has failed. */
  readonly attempts: Map<string, Attempts>;
  /** By UID of the policy, once it was written. */
  readonly rivalries: Map<string, Rivalry>;
  /** For what is in no hurry: of one policy, and of all. */
  readonly pace: Pace;
  readonly turns: Turns<string>;
}

interface Rivalry {
  readonly written: Written;
  readonly contest: Contest;
  readonly rivals: StatusRivals | undefined;
}

// A contest of old is over.
const rivalryOf = ({ rivalries }: Memory, uid: string, nowMs: number): Partial<Rivalry> => {
  const rivalry = rivalries.get(uid);
  if (!rivalry || nowMs < calmAtMs(rivalry.contest)) return rivalry ?? {};
  const { written } = rivalry;
  const calm = { written, contest: noContest, rivals: undefined };
  rivalries.set(uid, calm);
  return calm;
};

const lookAt = (
  deps: StatusDeps,
  uid: string,
  memory: Memory,
  alarm$: Subject<Alarm<string>>,
): Observable<StatusOutcome> =>
  defer(() => {
    const { world, nowMs } = deps;
    const { counts, attempts, rivalries, pace, turns: calm } = memory;
    const again = (atMs: number): Observable<never> => {
      alarm$.next({ key: uid, atMs });
      return EMPTY;
    };
    const done = (): Observable<never> => {
      calm.giveBack(uid);
      return EMPTY;
    };
    const settled = (of: Policy | undefined) => inSlices(counts.settle(of)).pipe(ignoreElements());
    const policy = world.policies.byUid(uid);
    if (!policy) {
      attempts.delete(uid);
      rivalries.delete(uid);
      pace.forget(uid);
      return concat(settled(undefined), defer(done));
    }
    if (nowMs() < pace.notBeforeMs(uid)) return again(pace.notBeforeMs(uid));
    const attempt = attempts.get(uid) ?? noAttempts;
    if (nowMs() < attempt.notBeforeMs) return again(attempt.notBeforeMs);
    const omission = omissionOf(attempt, nowMs());
    if (attempt.refused && omission) alarm$.next({ key: uid, atMs: attempt.refused.untilMs });
    const look = (): Observable<StatusOutcome> => {
      const { written, contest = noContest, rivals } = rivalryOf(memory, uid, nowMs());
      if (rivals) alarm$.next({ key: uid, atMs: calmAtMs(contest) });
      const report = reportOn(counts, policy, nowMs(), { omission, rivals });
      const overdueMs = overdueAtMs(report.conditions);
      if (overdueMs !== undefined) alarm$.next({ key: uid, atMs: overdueMs });
      // Before the counts are put together that are not to be written yet.
      if (!report.urgent && nowMs() < pace.countsNotBeforeMs(uid)) return again(pace.countsNotBeforeMs(uid));
      const status = report.whole();
      const parts = changedParts(policy.status, status);
      if (!parts) return done();
      const { undoes, isNews } = judgeTurn(written, policy, status, parts);
      const repairMs = (written?.atMs ?? Number.NEGATIVE_INFINITY) + contest.pauseMs;
      if ((undoes || rivals) && !isNews && nowMs() < repairMs) return again(repairMs);
      const turnMs = report.urgent ? nowMs() : calm.of(uid, nowMs());
      if (nowMs() < turnMs) return again(turnMs);
      calm.giveBack(uid);
      pace.note(uid, nowMs(), report.urgent);
      return put(deps, { policy, status, parts, omission, undoes }, memory, (atMs) => void again(atMs));
    };
    return concat(settled(policy), defer(look));
  });

/** A status that is about to be written. */
interface Writing {
  readonly policy: Policy;
  readonly status: SpotPolicyStatus;
  /** What makes the status that is there into it. */
  readonly parts: Parts<SpotPolicyStatus>;
  readonly omission: Omission | undefined;
  /** It changes back what another writer wrote. */
  readonly undoes: boolean;
}

const put = (
  deps: StatusDeps,
  { policy, status, parts, omission, undoes }: Writing,
  { attempts, rivalries }: Memory,
  again: (atMs: number) => void,
): Observable<StatusOutcome> => {
  const { nowMs, random, write, writer } = deps;
  const { uid } = policy;
  const settle = (answer: WriteAnswer | { readonly kind: 'Failed' }): void => {
    const before = attempts.get(uid) ?? noAttempts;
    const next = settleWrite(before, omission, answer, {
      nowMs: nowMs(),
      pauseAfter: pausing(random),
    });
    if (next === noAttempts) attempts.delete(uid);
    else attempts.set(uid, next);
    if (answer.kind !== 'Written') again(Math.max(nowMs(), next.notBeforeMs));
  };
  const note = (resourceVersion: string): Loss | undefined => {
    const { contest = noContest, rivals: known } = rivalries.get(uid) ?? {};
    // Counts move all the time: a write that undoes nothing says nothing of rivals.
    const after = undoes ? afterLoss(contest, nowMs(), random) : contest;
    const rivals = isContested(after) ? rivalsOf(policy, writer) : undefined;
    rivalries.set(uid, { written: { status, resourceVersion, atMs: nowMs() }, contest: after, rivals });
    if (!undoes) return undefined;
    const { losses, pauseMs: againInMs } = after;
    return { rivals: describeRivals(rivals), losses, againInMs, isNew: !!rivals && !known };
  };
  return fromCall(write(policy, parts)).pipe(
    mergeMap((answer): Observable<StatusOutcome> => {
      settle(answer);
      switch (answer.kind) {
        case 'Written': {
          const lost = note(answer.resourceVersion);
          return of({ room: 'status', kind: 'written', policy, status, ...(lost && { lost }) });
        }
        case 'Stale':
          return EMPTY;
        case 'Refused':
          return of({ room: 'status', kind: 'failed', policy, error: new Error(answer.message) });
      }
    }),
    catchError((error: unknown) => {
      settle({ kind: 'Failed' });
      return of({ room: 'status', kind: 'failed', policy, error } as const);
    }),
  );
};
