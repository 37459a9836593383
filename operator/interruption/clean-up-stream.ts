import { catchError, defer, EMPTY, map, merge, mergeMap, type Observable, of, Subject } from 'rxjs';
import { isLeftover } from '../policy/leftover.ts';
import { namespacesOfAny } from '../policy/rules.ts';
import { growingDelay } from '../runtime/backoff.ts';
import { coalesceByKey } from '../runtime/coalesce-by-key.ts';
import { type Alarm, delayByKey } from '../runtime/delay-by-key.ts';
import { type CallWithSignal, fromCall } from '../runtime/from-call.ts';
import { inSlices } from '../runtime/in-slices.ts';
import type { Pod } from '../world/pod.ts';
import type { Change, View } from '../world/view.ts';
import { removalOf } from './clean-up.ts';

/** What this stream tells: the object of a released pod was removed, or could not be. */
export type CleanUpOutcome = { readonly room: 'clean-up'; readonly pod: Pod; readonly policy: string } & (
  | { readonly kind: 'removed' }
  | { readonly kind: 'failed'; readonly error: unknown; readonly againInMs: number }
);

/** What the stream is made of; `removeLeftover` is effects.ts with its client bound. */
export interface CleanUpDeps {
  readonly world: View;
  readonly nowMs: () => number;
  /** Numbers in [0, 1), for the pauses between tries. */
  readonly random: () => number;
  readonly defaultMinutes: number;
  readonly removeLeftover: (pod: Pod) => CallWithSignal<void>;
}

// Evictions have a deadline and this has not: a storm's remains leave them most of the connections.
const concurrency = 4;
// Whoever waits longer is looked at in between, so that nothing is remembered for days of pods that others removed.
const longestMs = 600_000;
// Five hundred pods that may not be removed are then less than one call a second.
const retryLimits = { baseMs: 1_000, ceilingMs: longestMs };

/**
 * Removes what ECI leaves behind of pods, as their policies say. Emits each removal, and each that failed, which is tried
 * again. Never completes. `changes$` tells of interruptions too.
 */
export const cleanUpStream = (deps: CleanUpDeps, changes$: Observable<Change>): Observable<CleanUpOutcome> =>
  defer(() => {
    const alarm$ = new Subject<Alarm<string>>();
    const memory: Memory = { failures: new Map(), removed: new Set() };
    const known$ = defer(() => inSlices(leftovers(deps.world.pods.all())));
    const touched$ = changes$.pipe(mergeMap((change) => inSlices(touchedBy(deps.world, change))));
    // Known keys come last: their looks set alarms, which somebody must hear.
    return merge(alarm$.pipe(delayByKey(deps.nowMs)), touched$, known$).pipe(
      coalesceByKey((uid) => lookAt(deps, uid, memory, alarm$), { concurrency }),
    );
  });

/** By UID of the pod, until it is no leftover any more. */
interface Memory {
  readonly failures: Map<string, number>;
  /** Those whose removal was accepted: until the watch shows it they look as before. */
  readonly removed: Set<string>;
}

const lookAt = (
  deps: CleanUpDeps,
  uid: string,
  { failures, removed }: Memory,
  alarm$: Subject<Alarm<string>>,
): Observable<CleanUpOutcome> =>
  defer(() => {
    const { world, nowMs, random, removeLeftover } = deps;
    const pod = world.pods.byUid(uid);
    const removal = pod && removalOf(world, pod, { ...deps, nowMs: nowMs() });
    if (!removal) {
      failures.delete(uid);
      removed.delete(uid);
      return EMPTY;
    }
    if (removed.has(uid)) return EMPTY;
    const { policy, fromMs } = removal;
    if (nowMs() < fromMs) {
      alarm$.next({ key: uid, atMs: Math.min(fromMs, nowMs() + longestMs) });
      return EMPTY;
    }
    const told = { room: 'clean-up', pod, policy } as const;
    return fromCall(removeLeftover(pod)).pipe(
      map(() => {
        removed.add(uid);
        return { ...told, kind: 'removed' } as const;
      }),
      catchError((error: unknown) => {
        const failed = (failures.get(uid) ?? 0) + 1;
        failures.set(uid, failed);
        const againInMs = growingDelay(failed, random, retryLimits);
        alarm$.next({ key: uid, atMs: nowMs() + againInMs });
        return of({ ...told, kind: 'failed', error, againInMs } as const);
      }),
    );
  });

/** The pods, by UID, that a change gives reason to look at. */
const touchedBy = (view: View, change: Change): Iterable<string> => {
  switch (change.kind) {
    case 'Pod':
      return new Set(leftovers([change.before, change.after]));
    case 'Interruption': {
      const { before, after } = change;
      return after?.marked === 'Ended' && before?.marked !== 'Ended' ? [after.uid] : [];
    }
    case 'SpotPolicy':
    case 'ClusterSpotPolicy': {
      const { before, after } = change;
      // Every status write comes by here: only an edit is news.
      const edited = before?.generation !== after?.generation;
      return edited ? inNamespaces(view, namespacesOfAny(view, [before, after])) : [];
    }
    case 'Namespace':
      return inNamespaces(view, [(change.after ?? change.before)?.name ?? '']);
    case 'OwnerKind':
      return leftovers(view.pods.all());
    default:
      return [];
  }
};

function* inNamespaces(view: View, namespaces: readonly string[]): Iterable<string> {
  for (const namespace of namespaces) yield* leftovers(view.pods.group('namespace', namespace));
}

function* leftovers(pods: Iterable<Pod | undefined>): Iterable<string> {
  for (const pod of pods) if (pod && isLeftover(pod)) yield pod.uid;
}
