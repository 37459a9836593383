import { BehaviorSubject, NEVER, of, Subject } from 'rxjs';
import { run } from '../../operator/app.ts';
import { eciAnnotations } from '../../operator/api/keys.ts';
import type { Effect } from '../../operator/interruption/look.ts';
import { createEventRecorder } from '../../operator/observe/event-recorder.ts';
import { createLog } from '../../operator/observe/log.ts';
import { createMetrics } from '../../operator/observe/metrics.ts';
import { narrate } from '../../operator/observe/narrate.ts';
import { writeMark } from '../../operator/interruption/mark.ts';
import type { Interruption } from '../../operator/world/interruption.ts';
import type { RawObject } from '../../operator/world/object.ts';
import { trimOwner } from '../../operator/world/trim-owner.ts';
import type { Change, Kind } from '../../operator/world/view.ts';
import { anInterruption } from '../builders/interruption.ts';
import { aPod, anEvent, anExpiry, ownedBy, type PodWishes } from '../builders/pod.ts';
import { aClusterPolicy, aPolicy, type PolicyWishes } from '../builders/policy.ts';
import { aComputedBudget, aNamespace, aWorld, drop, known, put, type Raw } from '../builders/world.ts';
import { aCronJob, aDeployment, aJob, aStatefulSet } from '../builders/workloads.ts';

/** Something that happens in a cluster; `index` and `what` choose to which of its objects. */
export interface Happening {
  readonly kind:
    | ('come' | 'change' | 'go' | 'doom' | 'terminate' | 'replace' | 'ready' | 'finish')
    | ('event' | 'strayEvent' | 'degrade' | 'relist' | 'restart' | 'admit' | 'fail' | 'work' | 'wait');
  readonly what?: number;
  /** For `wait` seconds. */
  readonly index: number;
}

/** Lets the clock of the test run on. */
export type Advance = (ms: number) => Promise<unknown>;

interface Held {
  readonly kind: Kind;
  readonly raw: RawObject;
}

const doomed = (atMs: number): PodWishes => ({ conditions: [anExpiry(atMs)] });
const workflow = { group: 'argoproj.io', kind: 'Workflow' };

// What the policies select that stand. Nothing is ever about to happen to such pods: finished interruptions are kept for the
// status of their policies.
const calm = { app: 'calm' };
const standingIn = 'ns-2';
const aCalmPod = (name: string, owner?: string): Raw<'Pod'> =>
  aPod({
    ...{ name, namespace: standingIn, labels: calm, nodeName: `node-of-${name}` },
    annotations: { [eciAnnotations.nodeVersion]: 'v2.12.0' },
    owner: owner === undefined ? undefined : ownedBy('ReplicaSet', owner, standingIn),
  });

/**
 * A cluster in which objects of every kind come, change and go, and the whole operator at work on it: every room, the log,
 * the metrics and the Events. In one namespace policies and a pod of theirs stand from the beginning to the end, so that
 * what is kept for as long as they stand is seen not to grow.
 */
export const changingCluster = () => {
  const world = aWorld({ Namespace: [aNamespace('default')] });
  const objects = new Map<string, Held>();
  const standing = new Set<string>();
  const pods = new Map<string, PodWishes & { readonly name: string }>();
  const owners = new Map<string, string>();
  const change$ = new Subject<Change>();
  const leader$ = new BehaviorSubject(true);
  const metrics = createMetrics();
  const log = createLog('error', 'test');
  let count = 0;
  let fails = false;

  const tell = (changes: readonly Change[]): void => changes.forEach((change) => change$.next(change));
  const set = <K extends Kind>(kind: K, raw: Raw<K>): void => {
    const { namespace = '', name = '', uid = '' } = raw.metadata ?? {};
    objects.set(`${kind}/${namespace}/${name}/${uid}`, { kind, raw });
    tell(put(world, kind, raw));
  };
  const remove = (key: string): void => {
    const held = objects.get(key);
    if (!held || standing.has(key)) return;
    objects.delete(key);
    pods.delete(key);
    tell(drop(world, held.kind, held.raw as never));
  };
  const setPod = (wishes: PodWishes & { readonly name: string }): void => {
    const raw = aPod(wishes);
    const { namespace, name, uid } = raw.metadata ?? {};
    pods.set(`Pod/${namespace}/${name}/${uid}`, wishes);
    set('Pod', raw);
  };
  const changePod = (index: number, more: PodWishes): void => {
    const pod = [...pods.values()].at(-1 - index);
    if (pod) setPod({ ...pod, ...more });
  };

  const answer = ({ name }: Interruption, { kind }: Effect) => {
    const byBudget = kind === 'Evict' && name.startsWith('b-');
    return fails || byBudget
      ? ({ kind: 'Refused', byBudget, message: 'no' } as const)
      : ({ kind: 'Done' } as const);
  };
  const events = createEventRecorder({
    calls: { create: () => Promise.resolve(), patch: () => Promise.resolve('patched') },
    instance: 'test',
    nowMs: Date.now,
    suffix: () => String(++count),
    log,
    dropped: () => undefined,
  });
  const policies = new Map<string, Raw<'SpotPolicy'>>();
  const subscription = run({
    world,
    nowMs: Date.now,
    sources: [() => change$],
    leader$,
    defaultMinutes: 3,
    trustEvents: false,
    concurrency: 8,
    endpoint$: NEVER,
    jumped$: NEVER,
    offsetMs$: of(0),
    random: () => 0.5,
    writer: 'test',
    perform: (pod, effect) => Promise.resolve(answer(pod, effect)),
    removeLeftover: () => () => (fails ? Promise.reject(new Error('no')) : Promise.resolve()),
    apply: () => () => (fails ? Promise.reject(new Error('no')) : Promise.resolve('1')),
    remove: () => Promise.resolve(),
    probe: () => () => Promise.resolve(fails ? 'no' : undefined),
    writeTemplate: () => () =>
      Promise.resolve(
        fails
          ? ({ kind: 'Refused', reason: 'Refused', message: 'no', forGood: false } as const)
          : ({ kind: 'Written' } as const),
      ),
    write: (policy, parts) => () => {
      const raw = policies.get(policy.uid);
      if (fails || !raw) return Promise.resolve({ kind: 'Stale' } as const);
      const status = { ...policy.status, ...parts } as NonNullable<typeof raw.status>;
      policies.set(policy.uid, { ...raw, status });
      if (objects.has(`SpotPolicy/${policy.namespace}/${policy.name}/${policy.uid}`))
        set('SpotPolicy', { ...raw, status });
      return Promise.resolve({ kind: 'Written', resourceVersion: '' } as const);
    },
  }).subscribe((outcome) =>
    narrate(
      { log, metrics, events, world, nowMs: Date.now, self: { namespace: 'operator', name: 'spotpolicy' } },
      outcome,
    ),
  );

  const setPolicy = (wishes: PolicyWishes): void => {
    const raw = aPolicy(wishes);
    policies.set(raw.metadata.uid, raw);
    set('SpotPolicy', raw);
  };
  const writing: PolicyWishes['spec'] = { selector: {}, injection: { at: 'Workload' } };
  const specs: readonly PolicyWishes['spec'][] = [
    { selector: {} },
    { selector: {}, interruption: { replacement: 'AfterEviction', onDeadline: 'Leave' } },
    { selector: {}, mode: 'DryRun' },
    writing,
    { targetRefs: [{ group: 'a.example', kind: 'Bogus', name: 'x' }], selector: undefined },
    { selector: {}, distribution: { onDemandBase: 1, spotPercentage: 50 } },
  ];

  const come = (what: number, index: number): void => {
    const n = ++count;
    const namespace = `ns-${index % 3}`;
    const inNamespace = <T extends RawObject>(raw: T): T => ({
      ...raw,
      metadata: { ...raw.metadata, namespace },
    });
    switch (what % 15) {
      case 0:
        return set('Namespace', aNamespace(`ns-${index % 2}`, { n: `${n}` }));
      case 1:
      case 2:
        return setPolicy({ name: `p-${n}`, namespace, uid: `policy-${n}`, spec: specs[n % specs.length] });
      case 3:
        return set('ClusterSpotPolicy', aClusterPolicy({ name: `c-${n}`, uid: `cluster-${n}` }));
      case 4:
      case 5: {
        const name = `web-${n}`;
        set('Deployment', inNamespace(aDeployment({ name, replicas: 2 })));
        const owner = ownedBy('Deployment', name, namespace);
        set('ReplicaSet', {
          metadata: { name: `${name}-abc`, namespace, ownerReferences: [owner] },
          spec: { replicas: 2, selector: {} },
        });
        for (const id of [1, 2])
          setPod({
            name: `${name}-abc-${id}`,
            namespace,
            owner: ownedBy('ReplicaSet', `${name}-abc`, namespace),
          });
        return;
      }
      case 6:
        set('StatefulSet', inNamespace(aStatefulSet({ name: `db-${n % 4}` })));
        return setPod({
          ...{ name: `db-${n % 4}-0`, namespace, uid: `db-pod-${n}` },
          owner: ownedBy('StatefulSet', `db-${n % 4}`, namespace),
        });
      case 7:
        set('Job', inNamespace(aJob({ name: `job-${n}` })));
        return setPod({ name: `job-${n}-x`, namespace, owner: ownedBy('Job', `job-${n}`, namespace) });
      case 8:
        // Templates are only written where a policy asks for it.
        setPolicy({ name: `p-${n}`, namespace, uid: `policy-${n}`, spec: writing });
        set('CronJob', inNamespace(aCronJob({ name: `cron-${n}` })));
        set('Job', {
          ...inNamespace(aJob({ name: `held-${n}` })),
          spec: { template: { spec: { containers: [] } }, suspend: true },
        });
        return;
      case 9: {
        // Its pod is doomed, and asked for, and the budget refuses it.
        const name = `b-${n}`;
        setPolicy({ name: `p-${n}`, namespace, uid: `policy-${n}`, spec: { selector: {} } });
        set('PodDisruptionBudget', inNamespace(aComputedBudget({ name, app: name, allowed: 1 })));
        const owner = ownedBy('StatefulSet', name, namespace);
        return setPod({ ...doomed(Date.now()), name: `${name}-0`, namespace, owner, labels: { app: name } });
      }
      case 10:
        set('PersistentVolumeClaim', { metadata: { name: `claim-${n}`, namespace }, spec: {} });
        set('ResourceQuota', { metadata: { name: `quota-${n}`, namespace }, spec: { hard: { pods: '9' } } });
        set('Node', { metadata: { name: `node-${n}`, labels: {} } });
        return;
      case 11:
        return setPod({
          ...{ name: `odd-${n}`, namespace },
          owner: {
            apiVersion: `odd-${n}.example/v1`,
            kind: 'Odd',
            name: 'o',
            uid: `odd-${n}`,
            controller: true,
          },
        });
      case 12: {
        // What ECI left behind, whose removal the watch does not show until it goes.
        const name = `left-${n}`;
        const uid = `uid-of-${name}`;
        const spec: PolicyWishes['spec'] = { selector: {}, interruption: { failedPodTTLSeconds: 0 } };
        setPolicy({ name: `p-${n}`, namespace, uid: `policy-${n}`, spec });
        const { settings, ...record } = anInterruption({ name, namespace, uid });
        const policy = `SpotPolicy/${namespace}/p-${n}`;
        const mark = writeMark({ ...record, settings: { ...settings, policy }, outcome: 'Missed' });
        return setPod({
          ...{ name, namespace, uid, owner: ownedBy('ReplicaSet', name, namespace) },
          ...{ annotations: { 'spotpolicy.dev/interruption': mark }, phase: 'Failed', reason: 'BidFailed' },
        });
      }
      case 13: {
        const name = `calm-${n}`;
        set('Pod', aCalmPod(name, name));
        const workload = aDeployment({ name, labels: calm });
        return set('Deployment', { ...workload, metadata: { name, namespace: standingIn } });
      }
      default: {
        const name = `flow-${n}`;
        setPod({ name: `${name}-x`, namespace, owner: ownedBy('Workflow', name, namespace) });
        owners.set(name, namespace);
        tellOwner(name, 'changed');
      }
    }
  };
  const tellOwner = (name: string, kind: 'changed' | 'deleted'): void => {
    const namespace = owners.get(name) ?? '';
    const owner = ownedBy('CronWorkflow', `cron-${name}`, namespace);
    const metadata = {
      name,
      namespace,
      uid: `uid-of-Workflow-${namespace}-${name}`,
      ownerReferences: [owner],
    };
    tell(world.applyOwners(workflow, { kind, object: trimOwner(workflow)({ metadata }) }));
  };

  const listing = (kind: Kind): void => {
    tell(world.apply(kind, { kind: 'listing' }, Date.now()));
    for (const held of [...objects.values()].filter((each) => each.kind === kind))
      tell(world.apply(kind, { kind: 'listed', object: known(kind, held.raw as never) }, Date.now()));
    tell(world.apply(kind, { kind: 'synced' }, Date.now()));
  };

  const happen = async ({ kind, what = 0, index }: Happening, advance: Advance): Promise<void> => {
    const key = [...objects.keys()].at(-1 - (index % Math.max(1, objects.size))) ?? '';
    const pod = [...pods.values()].at(-1 - index);
    switch (kind) {
      case 'come':
        come(what, index);
        break;
      case 'change': {
        const held = objects.get(key);
        if (held) tell(put(world, held.kind, held.raw as never));
        break;
      }
      case 'go':
        remove(key);
        break;
      case 'doom':
        changePod(index, doomed(Date.now()));
        break;
      case 'terminate':
        changePod(index, { deletion: { atMs: Date.now() + 30_000, graceSeconds: 30 } });
        break;
      case 'ready':
        changePod(index, { ready: true, readyAtMs: Date.now() });
        break;
      case 'finish':
        changePod(index, index % 2 ? { phase: 'Failed', reason: 'BidFailed' } : { phase: 'Succeeded' });
        for (const [each, { kind: of, raw }] of objects) {
          if (of !== 'Job') continue;
          const status = { conditions: [{ type: 'Complete', status: 'True' }] };
          objects.set(each, { kind: 'Job', raw: { ...raw, status } as RawObject });
          tell(put(world, 'Job', { ...raw, status }));
          break;
        }
        break;
      case 'replace':
        if (pod) {
          const { uid: _, ...like } = pod;
          setPod({ ...like, name: `new-${++count}`, ready: false, conditions: [], createdAtMs: Date.now() });
        }
        break;
      case 'event':
      case 'degrade': {
        const reason = kind === 'event' ? 'SpotToBeReleased' : 'SpotDegraded';
        const { name = 'none', namespace = 'shop' } = pod ?? {};
        const of = { name: `e-${++count}`, pod: name, namespace, firstAtMs: Date.now(), reason };
        set(kind === 'event' ? 'ReclaimEvent' : 'DegradeEvent', anEvent({ ...of, uid: '' }));
        break;
      }
      case 'strayEvent':
        set('ReclaimEvent', anEvent({ name: `e-${++count}`, pod: `nobody-${count}`, firstAtMs: Date.now() }));
        break;
      case 'relist':
        listing(
          (['Pod', 'ReclaimEvent', 'Deployment', 'Job', 'SpotPolicy', 'Namespace'] as const)[index % 6] ??
            'Pod',
        );
        break;
      case 'restart':
        leader$.next(false);
        leader$.next(true);
        break;
      case 'admit':
        world.reservations.add({ nonce: `${++count}`, cohort: `c-${count}`, spot: true, atMs: Date.now() });
        break;
      case 'fail':
      case 'work':
        fails = kind === 'fail';
        break;
      case 'wait':
        await advance(index * 1000);
        return;
    }
    await advance(index * 10);
  };

  const standingSpecs: Readonly<Record<string, PolicyWishes['spec']>> = {
    first: { selector: { matchLabels: calm }, interruption: { evictor: 'VirtualNode' } },
    second: { selector: { matchLabels: calm }, distribution: { onDemandBase: 1, spotPercentage: 50 } },
    trial: { ...writing, selector: { matchLabels: calm }, mode: 'DryRun', priority: 9 },
  };
  // Without a status: it is written anew, and what is kept of writes is the same after each history.
  const setStanding = (generation: number): void => {
    for (const [name, spec] of Object.entries(standingSpecs))
      setPolicy({ name, namespace: standingIn, uid: `policy-${name}`, generation, spec });
  };
  const stand = (): void => {
    set('Namespace', aNamespace(standingIn));
    setStanding(1);
    set('Pod', aCalmPod('standing'));
    for (const key of objects.keys()) standing.add(key);
    // Totals are kept of the policies that a leader finds.
    leader$.next(false);
    leader$.next(true);
  };
  stand();

  /** Something happens that every cluster knows: a namespace changes, and an Event is recorded. */
  const beat = async (): Promise<void> => {
    tell(put(world, 'Namespace', aNamespace('default', { beat: `${++count}` })));
    events.record({
      subject: { apiVersion: 'v1', kind: 'Namespace', namespace: '', name: 'default', uid: 'd' },
      ...{ type: 'Normal', reason: 'Beat', message: 'beat' },
    });
    await events.settled();
  };

  return {
    world,
    happen,
    beat,
    /** Deletes all objects but those that stand, in some order, and lets an hour pass: as long as Events are kept. */
    end: async (order: Iterable<number>, advance: Advance): Promise<void> => {
      // What is there is looked at before it goes, while calls fail in every other history.
      await advance(5_000);
      fails = false;
      const numbers = order[Symbol.iterator]();
      while (objects.size > standing.size) {
        const keys = [...objects.keys()].filter((key) => !standing.has(key));
        remove(keys[(numbers.next().value ?? 0) % keys.length] ?? '');
        await advance(20);
      }
      for (const name of owners.keys()) tellOwner(name, 'deleted');
      setStanding(2);
      for (const ms of [700_000, 3_600_000, 1_000]) {
        await advance(ms);
        await beat();
      }
    },
    stop: (): void => subscription.unsubscribe(),
  };
};
