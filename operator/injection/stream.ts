import { catchError, defer, EMPTY, filter, map, merge, mergeMap, type Observable, of, Subject } from 'rxjs';
import { coalesceByKey } from '../runtime/coalesce-by-key.ts';
import { type Alarm, delayByKey } from '../runtime/delay-by-key.ts';
import { type CallWithSignal, fromCall } from '../runtime/from-call.ts';
import type { Probe } from '../world/objects.ts';
import { namespacesOf } from '../policy/rules.ts';
import type { Namespace } from '../world/objects.ts';
import type { Policy } from '../world/policy.ts';
import type { Change, View } from '../world/view.ts';
import type { World } from '../world/world.ts';
import { type Coverage, coverageOf } from './webhook.ts';

/** What this room tells: what became of the webhook configuration, or of asking admission about a policy. */
export type InjectionOutcome =
  | { readonly room: 'injection'; readonly kind: 'applied'; readonly coverage: Coverage }
  | { readonly room: 'injection'; readonly kind: 'removed' }
  | {
      readonly room: 'injection';
      readonly kind: 'failed';
      readonly error: unknown;
      readonly againInMs: number;
    }
  | { readonly room: 'injection'; readonly kind: 'probed'; readonly probe: Probe };

/** What the stream is made of; the calls are effects.ts with their client bound. */
export interface InjectionDeps {
  readonly world: World;
  readonly nowMs: () => number;
  /** Says when the endpoint or its certificates have changed. */
  readonly endpoint$: Observable<unknown>;
  /** Makes the configuration cover these namespaces; returns its resourceVersion. */
  readonly apply: (coverage: Coverage) => CallWithSignal<string>;
  readonly remove: CallWithSignal<void>;
  /** Asks admission about a policy in a namespace that it reaches; returns what stood in the way, or undefined. */
  readonly probe: (policy: Policy, namespace: string) => CallWithSignal<string | undefined>;
}

const webhook = 'webhook';
// Many edits in a row are looked at together: each look reads the rules of every namespace that they touch.
const gatherMs = 50;
const firstPauseMs = 100;
const longestPauseMs = 5_000;
// Admission that was reached once may be cut off later: a policy must not say Programmed for ever.
const recheckMs = 300_000;

/**
 * Keeps the webhook configuration as narrow as the policies, and asks for each policy whether admission is reached.
 * Emits what it did. Never completes; a failed call is an outcome and is tried again.
 */
export const injectionStream = (
  deps: InjectionDeps,
  world$: Observable<Change>,
): Observable<InjectionOutcome> =>
  defer(() => {
    const alarm$ = new Subject<Alarm<string>>();
    const state: WebhookState = { resourceVersion: undefined, coverage: undefined, failures: 0 };
    const rush$ = deps.endpoint$.pipe(
      map(() => {
        state.coverage = undefined;
        return webhook;
      }),
    );
    const known$ = defer(() => [webhook, ...[...deps.world.policies.all()].map(({ uid }) => uid)]);
    const touched$ = world$.pipe(
      mergeMap((change) => touchedBy(deps.world, change)),
      map((key) => ({ key, atMs: deps.nowMs() + gatherMs })),
    );
    const due$ = merge(alarm$, touched$).pipe(delayByKey(deps.nowMs));
    // Known keys come last: their looks set alarms, which somebody must hear.
    return merge(due$, rush$, known$).pipe(
      coalesceByKey(
        (key) => (key === webhook ? lookAtWebhook(deps, state, alarm$) : lookAtPolicy(deps, key, alarm$)),
        {
          // Probes wait for the configuration they ask about, and many edits at once must not crowd out anything else.
          concurrency: 8,
          priority: (key) => (key === webhook ? 0 : 1),
        },
      ),
    );
  });

interface WebhookState {
  resourceVersion: string | undefined;
  coverage: string | undefined;
  failures: number;
}

const touchedBy = (view: View, change: Change): readonly string[] => {
  switch (change.kind) {
    case 'SpotPolicy':
    case 'ClusterSpotPolicy': {
      const policy = change.after ?? change.before;
      // Every status write comes by here: only an edit is news.
      const edited = change.before?.generation !== change.after?.generation;
      return policy && edited ? [webhook, policy.uid] : [];
    }
    case 'Namespace': {
      const { before, after } = change;
      const gained = after ? reaching(view, after) : [];
      const lost = before ? reaching(view, before) : [];
      // What reaches it as before learns nothing.
      const moved = [...gained, ...lost].filter((uid) => gained.includes(uid) !== lost.includes(uid));
      return moved.length > 0 ? [webhook, ...moved] : [];
    }
    case 'Webhook':
      return [webhook];
    default:
      return [];
  }
};

const reaching = (view: View, namespace: Namespace): string[] =>
  [...view.policies.group('namespace', namespace.name), ...view.policies.group('namespace', '')]
    .filter((policy) => view.reaches(policy, namespace))
    .map(({ uid }) => uid);

const lookAtWebhook = (
  { world, nowMs, apply, remove }: InjectionDeps,
  state: WebhookState,
  alarm$: Subject<Alarm<string>>,
): Observable<InjectionOutcome> =>
  defer(() => {
    const coverage = coverageOf(world);
    const isEmpty = coverage.ignore.length + coverage.fail.length === 0;
    const wanted = JSON.stringify(coverage);
    const [present] = world.webhooks.all();
    if (state.coverage === wanted && present?.resourceVersion === state.resourceVersion) return EMPTY;
    if (isEmpty && !present) return EMPTY;
    const call$: Observable<InjectionOutcome> = isEmpty
      ? fromCall(remove).pipe(map(() => ({ room: 'injection', kind: 'removed' }) as const))
      : fromCall(apply(coverage)).pipe(
          map((resourceVersion) => {
            Object.assign(state, { resourceVersion, coverage: wanted });
            return { room: 'injection', kind: 'applied', coverage } as const;
          }),
        );
    return call$.pipe(
      map((outcome) => {
        state.failures = 0;
        return outcome;
      }),
      catchError((error: unknown) => {
        const againInMs = pauseAfter(state.failures);
        state.failures += 1;
        alarm$.next({ key: webhook, atMs: nowMs() + againInMs });
        return of({ room: 'injection', kind: 'failed', error, againInMs } as const);
      }),
    );
  });

const lookAtPolicy = (
  { world, nowMs, probe }: InjectionDeps,
  uid: string,
  alarm$: Subject<Alarm<string>>,
): Observable<InjectionOutcome> =>
  defer(() => {
    const policy = world.policies.byUid(uid);
    const asked = policy?.spec?.mode === 'Enforce' && policy.spec.injection.at === 'Pod';
    const [place] = policy ? namespacesOf(world, policy) : [];
    if (!policy || !asked || place === undefined) return EMPTY;
    const earlier = world.probes.byUid(uid);
    return fromCall(probe(policy, place)).pipe(
      catchError((error: unknown) => of(error instanceof Error ? error.message : String(error))),
      filter(() => world.policies.byUid(uid) !== undefined),
      map((problem) => {
        const reached = problem === undefined;
        const failures = reached ? 0 : (earlier?.failures ?? 0) + 1;
        const { namespace, name, generation } = policy;
        const result: Probe = {
          uid,
          namespace,
          name,
          generation,
          reached,
          problem: problem ?? '',
          atMs: nowMs(),
          failures,
        };
        world.recordProbe(result);
        alarm$.next({ key: uid, atMs: nowMs() + (reached ? recheckMs : pauseAfter(failures - 1)) });
        return { room: 'injection', kind: 'probed', probe: result } as const;
      }),
    );
  });

const pauseAfter = (failures: number): number => Math.min(longestPauseMs, firstPauseMs * 2 ** failures);
