import {
  concat,
  defer,
  EMPTY,
  finalize,
  from,
  merge,
  mergeMap,
  type Observable,
  of,
  Subject,
  tap,
  timeout,
} from 'rxjs';
import { eciAnnotations } from '../api/keys.ts';
import { pausing } from '../runtime/backoff.ts';
import { coalesceByKey } from '../runtime/coalesce-by-key.ts';
import { type Alarm, delayByKey } from '../runtime/delay-by-key.ts';
import { fromCall } from '../runtime/from-call.ts';
import { inSlices } from '../runtime/in-slices.ts';
import type { Interruption } from '../world/interruption.ts';
import { policyKey } from '../world/policy.ts';
import type { Change } from '../world/view.ts';
import type { World } from '../world/world.ts';
import { beginInterruption, noticeOf } from './begin.ts';
import { withEnding } from './follow.ts';
import { versionsOf } from './gate.ts';
import { gatherCase, releasedBy } from './gather.ts';
import { type Effect, look } from './look.ts';
import { resumeInterruptions } from './resume.ts';
import { type Answer, settle } from './settle.ts';
import { policiesAround, surplusOf } from './surplus.ts';
import { turnsAfter } from './turns.ts';
import { wokenBy } from './woken.ts';

/** What this room tells about one step of one interruption. */
export interface InterruptionOutcome {
  readonly room: 'interruption';
  readonly before: Interruption | undefined;
  readonly after: Interruption;
  /** The call that led here and its answer, where there was one. */
  readonly called?: { readonly effect: Effect; readonly answer: Answer };
}

/** What the stream is made of; `perform` is effects.ts with its client bound. */
export interface InterruptionDeps {
  readonly world: World;
  readonly nowMs: () => number;
  /** Numbers in [0, 1), for the pauses between tries. */
  readonly random: () => number;
  readonly perform: (interruption: Interruption, effect: Effect, signal: AbortSignal) => Promise<Answer>;
  readonly defaultMinutes: number;
  readonly trustEvents: boolean;
  /** Calls under way at once, of which a namespace leaves a fifth to the others. */
  readonly concurrency: number;
}

/**
 * From reclaim notices to evictions and replacements: looks at a doomed pod whenever the world or the clock may have
 * changed what is to be done. Emits every step that changed a record. Never completes; unsubscribing aborts the calls
 * under way. Begins with every doomed pod that the world knows.
 */
export const interruptionStream = (
  deps: InterruptionDeps,
  world$: Observable<Change>,
): Observable<InterruptionOutcome> =>
  defer(() => {
    const { world, nowMs } = deps;
    const alarm$ = new Subject<Alarm<string>>();
    const released$ = new Subject<string>();
    const resumed = resumeTerm(deps);

    const known$ = defer(() => merge(from(resumed.map(({ uid }) => uid)), inSlices(doomedPods(world))));
    const touched$ = world$.pipe(
      tap((change) => noteNoPolicy(world, change)),
      mergeMap((change) =>
        inSlices([...noteEnding(world, change, nowMs()), ...wokenBy(world, change, nowMs())]),
      ),
    );
    const due$ = alarm$.pipe(delayByKey(nowMs));
    // Known keys come last: their looks set alarms, which somebody must hear.
    return merge(due$, released$, touched$, known$).pipe(
      coalesceByKey((uid) => lookUntilQuiet(deps, uid, alarm$, released$), {
        concurrency: deps.concurrency,
        group: (uid) => namespaceOf(world, uid),
        priority: (uid) => deadlineOf(deps, uid),
      }),
    );
  });

const resumeTerm = ({ world, nowMs, defaultMinutes }: InterruptionDeps): readonly Interruption[] => {
  if (!world.beginTerm())
    for (const interruption of resumeInterruptions(world, nowMs(), defaultMinutes))
      world.record(interruption);
  const resumed = [...world.interruptions.all()];
  // Policies may have gone while nobody led.
  for (const policy of new Set(resumed.map(({ settings }) => settings.policy))) forgetSurplus(world, policy);
  return resumed;
};

// Read while the world goes on: a pod that comes meanwhile is seen here or wakes its look itself.
function* doomedPods({ pods }: World): Iterable<string> {
  for (const { annotations, uid } of pods.all()) if (eciAnnotations.spotStrategy in annotations) yield uid;
}

// Under load the earliest deadline goes first, of pods that nobody has looked at yet as well.
const deadlineOf = ({ world, nowMs, defaultMinutes }: InterruptionDeps, uid: string): number => {
  const pod = world.pods.byUid(uid);
  const known = world.interruptions.byUid(uid);
  // Of what has ended nothing can be lost any more.
  if (known?.ending) return Number.POSITIVE_INFINITY;
  const notice = known ?? (pod && noticeOf(world, pod, undefined, { defaultMinutes, nowMs: nowMs() }));
  return notice?.deadlineMs ?? Number.POSITIVE_INFINITY;
};

const namespaceOf = ({ pods, interruptions }: World, uid: string): string =>
  (pods.byUid(uid) ?? interruptions.byUid(uid))?.namespace ?? '';

// How a pod ended must not depend on how soon it is looked at: an object that failed may be removed a moment later. Gives
// those whose turn that makes it.
const noteEnding = (world: World, change: Change, nowMs: number): readonly string[] => {
  if (change.kind !== 'Pod') return [];
  const interruption = world.interruptions.byUid((change.after ?? change.before)?.uid ?? '');
  if (!interruption) return [];
  const ended = withEnding(interruption, change.after, nowMs);
  if (ended === interruption || !ended.ending) return [];
  world.record(ended);
  return turnsAfter(world, interruption, ended);
};

// Nobody reads any more what a policy that is gone had done.
const noteNoPolicy = (world: World, change: Change): void => {
  const isPolicy = change.kind === 'SpotPolicy' || change.kind === 'ClusterSpotPolicy';
  if (isPolicy && change.before && !change.after) forgetSurplus(world, policyKey(change.before));
};

/** Looks at one pod, does what the look asks for, and looks again until there is nothing to do for now. */
const lookUntilQuiet = (
  deps: InterruptionDeps,
  uid: string,
  alarm$: Subject<Alarm<string>>,
  released$: Subject<string>,
): Observable<InterruptionOutcome> =>
  defer(() => {
    const { world, nowMs } = deps;
    const options = { ...deps, nowMs: nowMs() };
    const known = knownOrBegun(deps, uid);
    if (!known) return EMPTY;
    // A new record is kept before its first look, so that what this finds is a step like any other, told and counted.
    const begun$ = recorded(world, known, released$);
    const seen = gatherCase(world, known, options);
    const { next, effect, againAtMs = Number.POSITIVE_INFINITY } = look(seen, options.nowMs);
    const looked$ = concat(begun$, recorded(world, next, released$));
    if (!effect) {
      if (Number.isFinite(againAtMs)) alarm$.next({ key: uid, atMs: againAtMs });
      return looked$;
    }
    const versions = versionsOf(seen.standings);
    const settled = (current: Interruption, answer: Answer): Interruption =>
      settle(current, { effect, answer }, versions, { nowMs: nowMs(), pauseAfter: pausing(deps.random) });
    let isAnswered = false;
    const answered$ = fromCall((signal) => deps.perform(next, effect, signal)).pipe(
      // Every call ends by itself within a minute; a timer takes no more than 24 days.
      timeout({ first: Math.min(againAtMs - options.nowMs, 60_000), with: () => of(givenUp) }),
      mergeMap((answer) => {
        isAnswered = true;
        const current = world.interruptions.byUid(uid) ?? next;
        return recorded(world, settled(current, answer), released$, { effect, answer });
      }),
      tap(() => releaseNext(deps, next, released$)),
      // The lease was lost while the call was under way. A term that goes on asks what came of it.
      finalize(() => {
        const current = isAnswered ? undefined : world.interruptions.byUid(uid);
        if (current) world.record(settled(current, givenUp));
      }),
    );
    return concat(looked$, answered$, lookUntilQuiet(deps, uid, alarm$, released$));
  });

const givenUp: Answer = { kind: 'Refused', byBudget: false, message: 'no answer in time', unsure: true };

// A pod that was not taken may come under another notice, which is another interruption.
const knownOrBegun = (deps: InterruptionDeps, uid: string): Interruption | undefined => {
  const known = deps.world.interruptions.byUid(uid);
  if (known && known.outcome !== 'NotReclaimed') return known;
  const begun = begin(deps, uid);
  if (!known || !begun) return begun ?? known;
  deps.world.forget(uid);
  // It may be the same notice after all, where ECI took the pod late.
  return { ...begun, counted: known.counted && begun.noticedAtMs <= known.noticedAtMs };
};

const begin = ({ world, nowMs, defaultMinutes }: InterruptionDeps, uid: string): Interruption | undefined => {
  const pod = world.pods.byUid(uid);
  return pod && beginInterruption(world, pod, { defaultMinutes, nowMs: nowMs(), atStart: false });
};

// The world is written when the step is taken, not when somebody reads it.
const recorded = (
  world: World,
  next: Interruption,
  released$: Subject<string>,
  called?: InterruptionOutcome['called'],
): Observable<InterruptionOutcome> => {
  const before = world.interruptions.byUid(next.uid);
  if (before && isSameStep(before, next)) return EMPTY;
  world.record(next);
  if (next.phase === 'Done') for (const policy of policiesAround(world, next)) forgetSurplus(world, policy);
  for (const uid of turnsAfter(world, before, next)) released$.next(uid);
  return of({ room: 'interruption', before, after: next, ...(called && { called }) });
};

const forgetSurplus = (world: World, policy: string): void => {
  for (const uid of surplusOf(world, policy)) world.forget(uid);
};

const isSameStep = (before: Interruption, next: Interruption): boolean =>
  (Object.keys(next) as (keyof Interruption)[]).every(
    (field) =>
      next[field] === before[field] ||
      (typeof next[field] === 'object' && JSON.stringify(next[field]) === JSON.stringify(before[field])),
  );

// A call that ended makes room under its budgets, which no watch event need tell.
const releaseNext = (
  { world, nowMs: now }: InterruptionDeps,
  { namespace, budgets }: Interruption,
  released$: Subject<string>,
): void => {
  const nowMs = now();
  for (const key of budgets) {
    const budget = world.budgets.byName(namespace, key.slice(namespace.length + 1));
    for (const { uid } of budget ? releasedBy(world, budget, nowMs) : []) released$.next(uid);
  }
};
