import {
  catchError,
  concatMap,
  defaultIfEmpty,
  defer,
  EMPTY,
  filter,
  from,
  map,
  merge,
  mergeMap,
  type Observable,
  of,
  Subject,
  takeLast,
  takeWhile,
} from 'rxjs';
import { growingDelay } from '../runtime/backoff.ts';
import {
  afterLoss,
  afterOwnWrite,
  calmAtMs,
  type Contest,
  isContested,
  noContest,
  repairAtMs,
} from '../runtime/contest.ts';
import { coalesceByKey } from '../runtime/coalesce-by-key.ts';
import { type Alarm, delayByKey } from '../runtime/delay-by-key.ts';
import { type CallWithSignal, fromCall } from '../runtime/from-call.ts';
import type { Probe } from '../world/objects.ts';
import { namespacesOf } from '../policy/rules.ts';
import type { Namespace } from '../world/objects.ts';
import type { Policy } from '../world/policy.ts';
import type { Change, View } from '../world/view.ts';
import type { World } from '../world/world.ts';
import { probeOf, turned } from './probe.ts';
import { type Coverage, coverageOf, placesToProbe } from './webhook.ts';
import {
  afterWrite,
  rivalOf,
  stepWebhook,
  undoesRival,
  type WebhookAbout,
  type WebhookMemory,
  type WebhookStep,
} from './webhook-step.ts';

/** What this room tells: what became of the webhook configuration, or of asking admission about a policy. */
export type InjectionOutcome =
  | { readonly room: 'injection'; readonly kind: 'applied'; readonly coverage: Coverage }
  | { readonly room: 'injection'; readonly kind: 'removed' }
  /** It was written because another writer, `rival` by its field manager, had changed it; undefined where it left no trace. */
  | {
      readonly room: 'injection';
      readonly kind: 'lost';
      readonly rival: string | undefined;
      readonly change: ContestChange;
      readonly againInMs: number;
    }
  /** No other writer changes it any more. */
  | { readonly room: 'injection'; readonly kind: 'settled'; readonly change: ContestChange }
  | {
      readonly room: 'injection';
      readonly kind: 'failed';
      readonly error: unknown;
      readonly againInMs: number;
    }
  | { readonly room: 'injection'; readonly kind: 'probed'; readonly probe: Probe };

type ContestChange = Extract<Change, { kind: 'Contest' }>;

/** What the stream is made of; the calls are effects.ts with their client bound. */
export interface InjectionDeps {
  readonly world: World;
  readonly nowMs: () => number;
  /** In [0, 1): spreads retries. */
  readonly random: () => number;
  /** The field manager that this installation writes the configuration as, different from every other installation's. */
  readonly writer: string;
  /** Makes the configuration cover these namespaces; returns its resourceVersion. */
  readonly apply: (coverage: Coverage) => CallWithSignal<string>;
  readonly remove: CallWithSignal<void>;
  /** Says when the endpoint or its certificates have changed. */
  readonly endpoint$: Observable<unknown>;
  /** Asks admission about a policy in a namespace that it reaches; returns what stood in the way, or undefined. */
  readonly probe: (policy: Policy, namespace: string) => CallWithSignal<string | undefined>;
}

const webhook = 'webhook';
// Many edits in a row are looked at together: each look reads the rules of every namespace that they touch.
const gatherMs = 50;
const retryLimits = { baseMs: 100, ceilingMs: 5_000 };
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
    const state: WebhookState = { memory: noMemory, contest: noContest, failures: 0 };
    const rush$ = deps.endpoint$.pipe(
      map(() => {
        state.memory = { ...state.memory, coverage: undefined };
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
  memory: WebhookMemory;
  contest: Contest;
  failures: number;
}

const noMemory: WebhookMemory = { coverage: undefined, resourceVersion: undefined, removed: undefined };

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
      if (moved.length > 0) return [webhook, ...moved];
      // Admission may have been asked in one that no longer lets pods be created.
      return before?.terminating === after?.terminating ? [] : gained;
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
  deps: InjectionDeps,
  state: WebhookState,
  alarm$: Subject<Alarm<string>>,
): Observable<InjectionOutcome> =>
  defer(() => {
    const { world, nowMs, random } = deps;
    const [present] = world.webhooks.all();
    const times = { nowMs: nowMs(), repairAtMs: repairAtMs(state.contest) };
    const step = stepWebhook(state.memory, coverageOf(world), present, times);
    const again = (atMs: number): void => alarm$.next({ key: webhook, atMs });
    switch (step.kind) {
      case 'Rest':
        if (!world.contests.current) return EMPTY;
        if (nowMs() >= calmAtMs(state.contest)) return of(settle(world));
        again(calmAtMs(state.contest));
        return EMPTY;
      case 'Wait':
        again(step.untilMs);
        return EMPTY;
      case 'Write':
      case 'Remove':
        return write(deps, step).pipe(
          mergeMap((version) => {
            state.failures = 0;
            return afterwards(deps, state, step, version);
          }),
          catchError((error: unknown) => {
            state.failures += 1;
            const againInMs = growingDelay(state.failures, random, retryLimits);
            again(nowMs() + againInMs);
            return of({ room: 'injection', kind: 'failed', error, againInMs } as const);
          }),
        );
    }
  });

type WriteStep = Extract<WebhookStep, { about: WebhookAbout }>;

// Emits the version that is there afterwards.
const write = (
  { apply, remove }: InjectionDeps,
  { kind, about }: WriteStep,
): Observable<string | undefined> =>
  kind === 'Remove' ? fromCall(remove).pipe(map(() => undefined)) : fromCall(apply(about.coverage));

const afterwards = (
  { world, nowMs, random, writer }: InjectionDeps,
  state: WebhookState,
  { kind, about }: WriteStep,
  version: string | undefined,
): readonly InjectionOutcome[] => {
  const isLoss = undoesRival(about, version);
  state.memory = afterWrite(about, version);
  state.contest = isLoss ? afterLoss(state.contest, nowMs(), random) : afterOwnWrite(state.contest, nowMs());
  const { losses, pauseMs: againInMs } = state.contest;
  const done: InjectionOutcome =
    kind === 'Remove'
      ? { room: 'injection', kind: 'removed' }
      : { room: 'injection', kind: 'applied', coverage: about.coverage };
  if (!isLoss) return [done];
  const rival = rivalOf(about.present, writer);
  // Both by name, so that two installations say the same in the status of a policy and do not fight over that as well.
  const writers = rival === undefined ? [] : [writer, rival].toSorted();
  const change = world.contests.record(isContested(state.contest) ? { writers, losses } : undefined);
  return [done, { room: 'injection', kind: 'lost', rival, change, againInMs }];
};

const settle = (world: World): InjectionOutcome => ({
  room: 'injection',
  kind: 'settled',
  change: world.contests.record(undefined),
});

const lookAtPolicy = (
  { world, nowMs, random, probe }: InjectionDeps,
  uid: string,
  alarm$: Subject<Alarm<string>>,
): Observable<InjectionOutcome> =>
  defer(() => {
    const policy = world.policies.byUid(uid);
    const asked = policy?.spec?.mode === 'Enforce' && policy.spec.injection.at === 'Pod';
    if (!policy || !asked || namespacesOf(world, policy).length === 0) return EMPTY;
    const earlier = world.probes.byUid(uid);
    const failures = earlier?.generation === policy.generation ? earlier.failures : 0;
    const tries = placesToProbe(world, policy).map((places) => turned(places, failures));
    return askEach(tries, (place) => probe(policy, place)).pipe(
      filter(() => world.policies.byUid(uid) !== undefined),
      map((problem) => {
        const result = probeOf(policy, problem, nowMs(), failures);
        const pauseMs = result.reached ? recheckMs : growingDelay(failures + 1, random, retryLimits);
        alarm$.next({ key: uid, atMs: nowMs() + pauseMs });
        world.recordProbe(result);
        return { room: 'injection', kind: 'probed', probe: result } as const;
      }),
    );
  });

/** Asks in one place of each webhook, and in the next where that fails. Emits the problem that stays, undefined without one. */
const askEach = (
  tries: readonly (readonly string[])[],
  ask: (place: string) => CallWithSignal<string | undefined>,
): Observable<string | undefined> =>
  from(tries).pipe(
    concatMap((places) => askInTurn(places, ask)),
    takeWhile((problem) => problem === undefined, true),
    // Without any place no pod can be created, so nothing stands in its way.
    defaultIfEmpty(undefined),
    takeLast(1),
  );

const askInTurn = (
  places: readonly string[],
  ask: (place: string) => CallWithSignal<string | undefined>,
): Observable<string | undefined> =>
  from(places).pipe(
    concatMap((place) =>
      fromCall(ask(place)).pipe(
        catchError((error: unknown) => of(error instanceof Error ? error.message : String(error))),
      ),
    ),
    takeWhile((problem) => problem !== undefined, true),
    takeLast(1),
  );
