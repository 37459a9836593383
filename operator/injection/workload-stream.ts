import { concat, defer, EMPTY, from, map, merge, mergeMap, type Observable, of, Subject } from 'rxjs';
import { pausing } from '../runtime/backoff.ts';
import { coalesceByKey } from '../runtime/coalesce-by-key.ts';
import { type Alarm, delayByKey } from '../runtime/delay-by-key.ts';
import { type CallWithSignal, fromCall } from '../runtime/from-call.ts';
import { inSlices } from '../runtime/in-slices.ts';
import { namespacesOfAny } from '../policy/rules.ts';
import type { SoundPolicy } from '../world/policy.ts';
import { type Templated, type TemplateKind, templateKinds, type TemplateTrouble } from '../world/template.ts';
import type { Change, View } from '../world/view.ts';
import type { World } from '../world/world.ts';
import type { Owned, Recovery } from '../policy/template-gift.ts';
import { decideTemplate, type TemplateDecision } from './template.ts';
import {
  type Memory,
  settleTemplate,
  type Step,
  stepTemplate,
  type TemplateAnswer,
} from './template-step.ts';

/** What this stream tells: an answer to a write of a template, or that what stands in the way of one has changed. */
export type TemplateOutcome =
  | {
      readonly room: 'injection';
      readonly kind: 'templated';
      readonly workload: Templated;
      /** Undefined where the template was released. */
      readonly policy: SoundPolicy | undefined;
      readonly answer: TemplateAnswer;
    }
  | { readonly room: 'injection'; readonly kind: 'troubled'; readonly change: Change };

/** What the stream is made of; `writeTemplate` is effects.ts with its client bound and rejects for nothing. */
export interface TemplateDeps {
  readonly world: World;
  readonly nowMs: () => number;
  /** Numbers in [0, 1), for the pauses between tries. */
  readonly random: () => number;
  readonly writeTemplate: (
    workload: Templated,
    owned: Owned,
    recovery?: Recovery,
  ) => CallWithSignal<TemplateAnswer>;
}

// Rollouts begin one after the other, so that a policy over many workloads does not flood the scheduler.
const concurrency = 8;
// Many edits in a row are looked at together, and before the status of their policies is.
const gatherMs = 50;

/**
 * Keeps the pod templates of workloads what policies with `injection.at: Workload` ask for, and lets go of what none asks
 * for any more. Emits each write and each change of what stands in its way. Never completes.
 */
export const templateStream = (deps: TemplateDeps, world$: Observable<Change>): Observable<TemplateOutcome> =>
  defer(() => {
    const alarm$ = new Subject<Alarm<string>>();
    const memories = new Map<string, Memory>();
    const known$ = defer(() => inSlices(everywhere(deps.world)));
    const touched$ = world$.pipe(
      mergeMap((change) => touchedBy(deps.world, change, memories)),
      map((key) => ({ key, atMs: deps.nowMs() + gatherMs })),
    );
    const due$ = merge(alarm$, touched$).pipe(delayByKey(deps.nowMs));
    // Known keys come last: their looks set alarms, which somebody must hear.
    return merge(due$, known$).pipe(
      coalesceByKey((key) => lookAt(deps, key, memories, alarm$), { concurrency }),
    );
  });

const lookAt = (
  deps: TemplateDeps,
  key: string,
  memories: Map<string, Memory>,
  alarm$: Subject<Alarm<string>>,
): Observable<TemplateOutcome> =>
  defer(() => {
    const { world, nowMs, random, writeTemplate } = deps;
    const times = () => ({ nowMs: nowMs(), pauseAfter: pausing(random) });
    const [kind, uid] = partsOf(key);
    const workload = world.templated(kind).byUid(uid);
    // Nothing is written there any more.
    if (!workload?.template) {
      memories.delete(key);
      return told(world, uid, undefined);
    }
    const decision = decideTemplate(world, workload);
    const look = (): Step => {
      const [next, step] = stepTemplate(memories.get(key) ?? {}, decision, workload.template, times());
      if (Object.keys(next).length > 0) memories.set(key, next);
      else memories.delete(key);
      if (step.kind === 'Wait') alarm$.next({ key, atMs: step.untilMs });
      return step;
    };
    const step = look();
    if (step.kind !== 'Write' || decision.kind !== 'Write') {
      return told(world, uid, troubleOf(workload, decision, step));
    }
    const { owned, policy, recovery } = decision;
    return fromCall(writeTemplate(workload, owned, recovery)).pipe(
      mergeMap((answer) => {
        const about = { owned, template: workload.template };
        memories.set(key, settleTemplate(memories.get(key) ?? {}, about, answer, times()));
        const after = answer.kind === 'Written' ? undefined : troubleOf(workload, decision, look());
        return concat(
          of({ room: 'injection', kind: 'templated', workload, policy, answer } as const),
          told(world, uid, after),
        );
      }),
    );
  });

const troubleOf = (
  { kind, uid, namespace, name }: Templated,
  decision: TemplateDecision,
  step: Step,
): TemplateTrouble | undefined => {
  if (decision.kind === 'Nothing' || !decision.policy) return undefined;
  const identity = { uid, namespace, name, kind, policy: decision.policy.uid };
  if (decision.kind === 'Fixed') return { ...identity, reason: 'Fixed', message: decision.message };
  if (step.kind !== 'Wait') return undefined;
  if (step.why === 'Quiet') return { ...identity, reason: 'Waiting', message: 'not written yet' };
  if (step.why === 'Lost') {
    const message = 'somebody takes away what was written there; it is written again, each time later';
    return { ...identity, reason: 'Waiting', message };
  }
  return { ...identity, reason: step.why.reason, message: step.why.message };
};

const told = (world: World, uid: string, after: TemplateTrouble | undefined): Observable<TemplateOutcome> => {
  if (JSON.stringify(world.templateTroubles.byUid(uid)) === JSON.stringify(after)) return EMPTY;
  return of({ room: 'injection', kind: 'troubled', change: world.recordTrouble(uid, after) } as const);
};

const keyOf = (kind: string, uid: string): string => `${kind}/${uid}`;
const partsOf = (key: string): [kind: TemplateKind, uid: string] => {
  const [kind, uid = ''] = key.split('/');
  return [kind as TemplateKind, uid];
};

const touchedBy = (
  view: View,
  change: Change,
  remembered: ReadonlyMap<string, unknown>,
): Observable<string> => {
  switch (change.kind) {
    case 'Deployment':
    case 'ReplicaSet':
    case 'StatefulSet':
    case 'Job':
    case 'CronJob':
    case 'Owner': {
      const { before, after } = change;
      const workload = after ?? before;
      if (!workload) return EMPTY;
      const key = keyOf(workload.kind, workload.uid);
      const isKnown = remembered.has(key) || view.templateTroubles.byUid(workload.uid) !== undefined;
      return isKnown || (workload.template ?? before?.template) ? of(key) : EMPTY;
    }
    case 'OwnerKind': {
      if (change.after) return EMPTY;
      // With a kind go all its objects, without a word about each.
      const gone = `${change.before?.kind ?? ''}/`;
      const troubled = [...view.templateTroubles.all()].map(({ kind, uid }) => keyOf(kind, uid));
      return from([...remembered.keys(), ...troubled].filter((key) => key.startsWith(gone)));
    }
    case 'SpotPolicy':
    case 'ClusterSpotPolicy': {
      const { before, after } = change;
      // Every status write comes by here: only an edit is news.
      const edited = before?.generation !== after?.generation;
      return edited ? inNamespaces(view, namespacesOfAny(view, [before, after])) : EMPTY;
    }
    case 'Probe': {
      const { before, after } = change;
      const news = after?.reached && !(before?.reached && before.generation === after.generation);
      const policy = news ? view.policies.byUid(after.uid) : undefined;
      return policy ? inNamespaces(view, namespacesOfAny(view, [policy])) : EMPTY;
    }
    case 'Namespace':
      return inNamespaces(view, [(change.after ?? change.before)?.name ?? '']);
    case 'Synced':
      // Nothing is released before these are known.
      return change.of === 'SpotPolicy' || change.of === 'ClusterSpotPolicy' || change.of === 'Namespace'
        ? from(everywhere(view))
        : EMPTY;
    default:
      return EMPTY;
  }
};

const inNamespaces = (view: View, namespaces: readonly string[]): Observable<string> =>
  from(namespaces).pipe(
    mergeMap((namespace) =>
      templateKinds.flatMap((kind) =>
        [...view.templated(kind).group('template', namespace)].map(({ uid }) => keyOf(kind, uid)),
      ),
    ),
  );

const everywhere = (view: View): readonly string[] =>
  templateKinds.flatMap((kind) =>
    [...view.templated(kind).all()].filter(({ template }) => template).map(({ uid }) => keyOf(kind, uid)),
  );
