import { fc } from '@fast-check/vitest';
import { eciAnnotations, ourAnnotations, optOutLabel } from '../../operator/api/keys.ts';
import { precedence } from '../../operator/policy/rules.ts';
import { trimOwner } from '../../operator/world/trim-owner.ts';
import type { Change, Kind } from '../../operator/world/view.ts';
import { World } from '../../operator/world/world.ts';
import { anEvent, aPod, noonMs, ownedBy, uidOf } from '../builders/pod.ts';
import { aClusterPolicy, aPolicy } from '../builders/policy.ts';
import { aCronJob, aDeployment, aJob, aStatefulSet } from '../builders/workloads.ts';
import { aNamespace, aReplicaSet, drop, list, put, type Raw } from '../builders/world.ts';

/** Something that happens at a time; what the world made of it. */
export type Move = (world: World, nowMs: number) => readonly Change[];
const moveOf = <K extends Kind>(kind: K, raw: Raw<K>, goes: boolean): Move =>
  Object.assign((world: World, nowMs: number) => (goes ? drop : put)(world, kind, raw, nowMs), {
    [fc.toStringMethod]: () => `${goes ? 'drop' : 'put'} ${kind} ${JSON.stringify(raw)}`,
  });

const goes = fc.constantFrom(true, false, false);
const name = fc.constantFrom('a', 'b', 'c-1', 'c-2');
const virtualNode = 'virtual-kubelet-a';
const owners = [
  undefined,
  ownedBy('ReplicaSet', 'web-abc'),
  ownedBy('StatefulSet', 'db'),
  ownedBy('Pod', 'driver'),
  ownedBy('Workflow', 'flow'),
  ownedBy('DaemonSet', 'agent'),
];
const pod = fc
  .record({
    name,
    // A name may be borne by a second pod before the first one's end is told.
    uid: fc.constantFrom('first', 'second'),
    labels: fc.constantFrom({ app: 'web' }, { app: 'api' }, { app: 'web', [optOutLabel]: 'false' }),
    owner: fc.constantFrom(...owners),
    phase: fc.constantFrom('Pending' as const, 'Running' as const, 'Running' as const, 'Failed' as const),
    nodeName: fc.constantFrom(virtualNode, virtualNode, 'ordinary'),
    createdAtMs: fc.constantFrom(noonMs - 60_000, noonMs, noonMs + 60_000),
    annotations: fc.record({
      [eciAnnotations.spotStrategy]: fc.constantFrom('SpotAsPriceGo', 'SpotAsPriceGo', undefined),
      [eciAnnotations.nodeVersion]: fc.constantFrom(undefined, 'v2.8.0', 'v2.12.0'),
      [eciAnnotations.instanceId]: fc.constantFrom(undefined, 'eci-1'),
      [ourAnnotations.policy]: fc.constantFrom(undefined, 'SpotPolicy/shop/a'),
      [ourAnnotations.reason]: fc.constantFrom(undefined, 'UserValueKept'),
    }),
    deletion: fc.constantFrom(undefined, undefined, { atMs: noonMs, graceSeconds: 30 }),
  })
  .map(({ deletion, uid, ...rest }) =>
    aPod({ ...rest, uid: uidOf('Pod', `${rest.name}-${uid}`), ...(deletion && { deletion }) }),
  );

// Of a pod whose name the next one bears only its end is still to be told.
const movePod = (raw: Raw<'Pod'>, gone: boolean): Move => {
  const move = moveOf('Pod', raw, gone);
  const { uid = '', name: of = '' } = raw.metadata ?? {};
  return Object.assign(
    (world: World, nowMs: number) => {
      const isPast = world.pods.byUid(uid) && world.pods.byName('shop', of)?.uid !== uid;
      return isPast && !gone ? [] : move(world, nowMs);
    },
    { [fc.toStringMethod]: () => fc.stringify(move) },
  );
};

/** What a policy names, each in a list of its own. */
export const targets = [
  { group: 'apps', kind: 'Deployment', name: 'web' },
  { group: 'sparkoperator.k8s.io', kind: 'SparkApplication', name: 'pi' },
  { group: 'argoproj.io', kind: 'CronWorkflow', name: 'nightly' },
  { group: '', kind: 'Pod', name: 'driver' },
].map((target) => [target]);
const spec = fc.record({
  mode: fc.constantFrom('Enforce' as const, 'Enforce' as const, 'DryRun' as const, 'Disabled' as const),
  priority: fc.constantFrom(0, 0, 1),
  selector: fc.constantFrom({}, { matchLabels: { app: 'web' } }),
  injection: fc.constantFrom({}, {}, { at: 'Workload' as const }, { at: 'None' as const }),
  interruption: fc.constantFrom({}, { evictor: 'VirtualNode' as const }),
  distribution: fc.constantFrom({}, { onDemandBase: 1, spotPercentage: 50 }),
});
// As the API server counts them: another spec, another generation.
const generationOf = (given: object): number =>
  Buffer.from(JSON.stringify(given)).reduce((hash, byte) => (hash * 31 + byte) % 1_000_003, 1);
const policy = fc
  .tuple(fc.constantFrom('a', 'b', 'c'), spec, fc.constantFrom(undefined, ...targets), goes)
  .map(([of, more, targetRefs, gone]) => {
    const given = { ...more, targetRefs, ...(more.injection.at === 'Workload' && { distribution: {} }) };
    return moveOf('SpotPolicy', aPolicy({ name: of, generation: generationOf(given), spec: given }), gone);
  });
const clusterPolicy = fc
  .tuple(
    spec,
    fc.constantFrom('Overrides' as const, 'Defaults' as const),
    fc.constantFrom({}, { matchLabels: { team: 'a' } }),
    goes,
  )
  .map(([more, precedence, namespaceSelector, gone]) => {
    const at = more.injection.at === 'Workload' && { distribution: {} };
    const given = { ...more, precedence, namespaceSelector, ...at };
    const all = aClusterPolicy({ name: 'all', generation: generationOf(given), spec: given });
    return moveOf('ClusterSpotPolicy', all, gone);
  });

const metadataOf = (kind: string, of: string, owner: ReturnType<typeof ownedBy> | undefined) => ({
  metadata: { name: of, namespace: 'shop', uid: uidOf(kind, of), ...(owner && { ownerReferences: [owner] }) },
});
const template = fc.constantFrom({ app: 'web' }, { app: 'api' });
const workload = fc.oneof(
  fc
    .tuple(fc.constantFrom('web', 'api', null), goes)
    .map(([deployment, gone]) => moveOf('ReplicaSet', aReplicaSet('web-abc', deployment), gone)),
  fc
    .tuple(fc.constantFrom(undefined, ownedBy('Workflow', 'flow')), template, goes)
    .map(([owner, labels, gone]) => {
      const { spec, ...raw } = aDeployment();
      const made = { ...raw, ...metadataOf('Deployment', 'web', owner) };
      const held = spec && { ...spec, template: { ...spec.template, metadata: { labels } } };
      return moveOf('Deployment', { ...made, ...(held && { spec: held }) }, gone);
    }),
  fc.tuple(fc.constantFrom(0, 1), goes).map(([start, gone]) => {
    const { spec, ...raw } = aStatefulSet();
    return moveOf('StatefulSet', { ...raw, ...(spec && { spec: { ...spec, ordinals: { start } } }) }, gone);
  }),
  fc.tuple(goes).map(([gone]) => moveOf('CronJob', aCronJob(), gone)),
  fc.tuple(fc.boolean(), goes).map(([suspend, gone]) => {
    const { spec, ...raw } = aJob();
    return moveOf('Job', { ...raw, ...(spec && { spec: { ...spec, suspend } }) }, gone);
  }),
);

// A reference may give an owner another name than it has.
const above = fc.constantFrom(undefined, ownedBy('CronWorkflow', 'nightly'), {
  ...ownedBy('CronWorkflow', 'nightly'),
  name: 'weekly',
});
const owner = fc.tuple(above, goes).map(([controller, gone]): Move => {
  const of = { group: 'argoproj.io', kind: 'Workflow' };
  const object = trimOwner(of)(metadataOf('Workflow', 'flow', controller));
  return Object.assign(
    (world: World) => world.applyOwners(of, { kind: gone ? 'deleted' : 'changed', object }),
    { [fc.toStringMethod]: () => `${gone ? 'drop' : 'put'} Workflow under ${controller?.name}` },
  );
});

const event = fc
  .tuple(
    name,
    fc.constantFrom('a-first', 'a-second', 'b-first', 'c-2-first'),
    fc.constantFrom('x', 'y'),
    goes,
  )
  .map(([of, about, which, gone]) =>
    moveOf(
      'DegradeEvent',
      anEvent({ name: which, pod: of, uid: uidOf('Pod', about), lastAtMs: noonMs + 120_000 }),
      gone,
    ),
  );
const node = fc
  .tuple(fc.constantFrom(virtualNode, 'ordinary'), fc.constantFrom({}, { type: 'virtual-kubelet' }), goes)
  .map(([of, labels, gone]) => moveOf('Node', { metadata: { name: of, labels } }, gone));
const namespace = fc
  .tuple(fc.constantFrom({}, { team: 'a' }, { [optOutLabel]: 'false' }), goes)
  .map(([labels, gone]) => moveOf('Namespace', aNamespace('shop', labels), gone));
const driver = fc
  .tuple(
    fc.constantFrom(undefined, ownedBy('SparkApplication', 'pi')),
    fc.constantFrom({ app: 'web' }, { app: 'api' }),
    goes,
  )
  .map(([of, labels, gone]) => moveOf('Pod', aPod({ name: 'driver', owner: of, labels }), gone));
/** The first listing of Nodes has one, which is virtual. */
export const nodesListed: Move = (world, nowMs) =>
  list(world, 'Node', [{ metadata: { name: virtualNode, labels: { type: 'virtual-kubelet' } } }], nowMs);

/** Something that happens to what the status of policies counts. */
export const move = fc.oneof(
  { weight: 6, arbitrary: fc.tuple(pod, goes).map(([raw, gone]) => movePod(raw, gone)) },
  { weight: 1, arbitrary: fc.oneof(policy, clusterPolicy) },
  { weight: 6, arbitrary: fc.oneof({ weight: 3, arbitrary: workload }, owner, driver) },
  { weight: 4, arbitrary: event },
  { weight: 2, arbitrary: fc.oneof(node, namespace, fc.constant(nodesListed)) },
);

type Spec = NonNullable<Parameters<typeof aClusterPolicy>[0]>['spec'];

/** What most histories leave as it is: a policy of each kind of counts. */
export const beginning = fc.constantFrom<Spec>(
  {},
  { distribution: { onDemandBase: 1, spotPercentage: 50 } },
  { injection: { at: 'Workload' } },
  { injection: { at: 'Workload' }, mode: 'DryRun', selector: { matchLabels: { app: 'web' } } },
  { interruption: { evictor: 'VirtualNode' } },
);

const listedKinds: readonly Kind[] = [
  ...(['Pod', 'SpotPolicy', 'ClusterSpotPolicy', 'Namespace', 'DegradeEvent'] as const),
  ...(['Deployment', 'ReplicaSet', 'StatefulSet', 'Job', 'CronJob'] as const),
];

/** Pods of three owners below two policies of such a spec, where all but the Nodes is known. */
export const aCluster = (spec: Spec): World => {
  const world = new World(precedence);
  for (const kind of listedKinds) list(world, kind, [], noonMs);
  put(world, 'Namespace', aNamespace());
  put(world, 'SpotPolicy', aPolicy({ name: 'a', spec: { ...spec, targetRefs: targets[2], selector: {} } }));
  put(world, 'ClusterSpotPolicy', aClusterPolicy({ name: 'all', spec: { ...spec, namespaceSelector: {} } }));
  const owned = {
    a: ownedBy('Pod', 'driver'),
    b: ownedBy('Workflow', 'flow'),
    'c-2': ownedBy('StatefulSet', 'db'),
  };
  for (const [of, owner] of Object.entries(owned))
    put(world, 'Pod', aPod({ name: of, owner, uid: uidOf('Pod', `${of}-first`) }));
  put(world, 'StatefulSet', aStatefulSet());
  return world;
};
