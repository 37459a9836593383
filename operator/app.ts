import { defer, map, merge, mergeMap, type Observable, share, startWith, switchMap, tap, timer } from 'rxjs';
import { type ClockOutcome, clockOutcomes } from './observe/clock-story.ts';
import { type CleanUpDeps, type CleanUpOutcome, cleanUpStream } from './interruption/clean-up-stream.ts';
import { type InjectionDeps, type InjectionOutcome, injectionStream } from './injection/stream.ts';
import { type TemplateDeps, type TemplateOutcome, templateStream } from './injection/workload-stream.ts';
import {
  type InterruptionDeps,
  type InterruptionOutcome,
  interruptionStream,
} from './interruption/stream.ts';
import { afterSynced } from './runtime/after-synced.ts';
import { anewAfter } from './runtime/anew-after.ts';
import { whileLeader } from './runtime/while-leader.ts';
import { allKinds, requiredKinds, type Source } from './sources.ts';
import { type StatusDeps, type StatusOutcome, statusStream } from './status/stream.ts';
import type { Change, Kind } from './world/view.ts';
import type { World } from './world/world.ts';

/** What the program saw and did, for logs, metrics and Events. Nothing is decided by it. */
export type Outcome =
  | { readonly room: 'world'; readonly change: Change }
  | InjectionOutcome
  | TemplateOutcome
  | InterruptionOutcome
  | CleanUpOutcome
  | StatusOutcome
  | ClockOutcome;

/** What the flow is made of. */
export interface Deps extends InjectionDeps, TemplateDeps, InterruptionDeps, CleanUpDeps, StatusDeps {
  readonly world: World;
  readonly sources: readonly Source[];
  /** Whether this replica holds the lease; subscribing takes part in the election. */
  readonly leader$: Observable<boolean>;
  /** `nowMs` has jumped. */
  readonly jumped$: Observable<unknown>;
  /** This machine's clock minus the API server's, in milliseconds. */
  readonly offsetMs$: Observable<number>;
}

// A source that cannot be listed for so long counts as unknown and holds nobody up.
const patienceMs = 30_000;

/**
 * The whole flow: watch streams -> world -> keys that need a look -> decisions -> calls -> status.
 *
 * Every replica keeps the world, from which it answers admission. Only the leader acts, and not before the first lists.
 * A lease that nobody else has held goes on where it was lost. When the clock jumps the leader begins anew, as another leader
 * would: nothing that was timed before is kept.
 */
export const run = (deps: Deps): Observable<Outcome> => {
  const { world } = deps;
  const change$ = merge(...deps.sources.map((source) => source(world))).pipe(share());
  const leading$ = defer(() => {
    const handled$ = interruptionStream(deps, change$).pipe(share()); // notices -> evictions and replacements
    const ended$ = handled$.pipe(mergeMap(toChange));
    const cleaned$ = cleanUpStream(deps, merge(change$, ended$)); // what ECI leaves behind -> deletions
    const injected$ = injectionStream(deps, change$).pipe(share()); // policies -> what the API server sends us
    const probed$ = injected$.pipe(mergeMap(toChange));
    const templated$ = templateStream(deps, merge(change$, probed$)).pipe(share()); // policies -> pod templates
    const done$ = merge(handled$, injected$, templated$).pipe(mergeMap(toChange));
    const told$ = statusStream(deps, merge(change$, done$)); // what users read
    return merge(handled$, cleaned$, injected$, templated$, told$);
  });
  return merge(
    change$.pipe(map((change): Outcome => ({ room: 'world', change }))),
    merge(
      leading$.pipe(anewAfter(deps.jumped$.pipe(tap(() => world.endTerm()))), whileLeader(deps.leader$)),
      clockOutcomes(deps.offsetMs$),
    ).pipe(afterSynced(untilSynced(world, change$))),
  );
};

const untilSynced = (world: World, change$: Observable<Change>): Observable<boolean> => {
  const knows = (kinds: readonly Kind[]) => kinds.every((kind) => world.synced(kind));
  return merge(
    change$.pipe(map(() => knows(allKinds))),
    timer(patienceMs).pipe(
      switchMap(() => change$.pipe(startWith(undefined))),
      map(() => knows(requiredKinds)),
    ),
  );
};

// What a room did to the world, as the others read it.
const toChange = (outcome: InterruptionOutcome | InjectionOutcome | TemplateOutcome): Change[] => {
  if (outcome.room === 'interruption') {
    return [{ kind: 'Interruption', before: outcome.before, after: outcome.after }];
  }
  if (outcome.kind === 'troubled' || outcome.kind === 'lost' || outcome.kind === 'settled')
    return [outcome.change];
  return outcome.kind === 'probed' ? [{ kind: 'Probe', before: undefined, after: outcome.probe }] : [];
};
