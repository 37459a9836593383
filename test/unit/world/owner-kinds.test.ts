import { describe, expect, it } from 'vitest';
import { trimOwner } from '../../../operator/world/trim-owner.ts';
import type { Change } from '../../../operator/world/view.ts';
import type { World } from '../../../operator/world/world.ts';
import { aPod, ownedBy, type PodWishes, uidOf } from '../../builders/pod.ts';
import { aForeign, listForeign, putForeign } from '../../builders/foreign.ts';
import { aClusterPolicy, aPolicy, type PolicyWishes } from '../../builders/policy.ts';
import { applied } from '../../builders/template.ts';
import { aReplicaSet, aWorld, drop, put } from '../../builders/world.ts';

const spark = { group: 'sparkoperator.k8s.io', kind: 'SparkApplication' };
const workflow = { group: 'argoproj.io', kind: 'Workflow' };
const cronWorkflow = { group: 'argoproj.io', kind: 'CronWorkflow' };

const naming = (name: string, ...kinds: { group: string; kind: string }[]) =>
  aPolicy({ name, spec: { targetRefs: kinds.map((kind) => ({ ...kind, name: 'one' })) } });
/** A kind is followed exactly if what its watch says is taken in. */
const isFollowed = (world: World, kind: typeof spark): boolean =>
  world.judgeOwnerKind({ ...kind, standing: 'Forbidden', resource: '', problem: 'asked' }).length > 0;
const owner = ({ group, kind }: typeof spark) => ({ ...ownedBy(kind, 'x'), apiVersion: `${group}/v1` });
const owned = (kind: string, name = 'one') => aPod({ owner: ownedBy(kind, name) });

/** The kinds that began or ceased to be asked for. */
const kindsIn = (changes: readonly Change[]): string[] =>
  changes.flatMap((change) => {
    if (change.kind !== 'OwnerKind' || (change.before && change.after)) return [];
    return `${change.after ? '+' : '-'}${(change.after ?? change.before)?.kind}`;
  });

const listOwners = (world: World, kind: typeof spark, ...names: readonly string[]): Change[] => [
  ...world.applyOwners(kind, { kind: 'listing' }),
  ...names.flatMap((name) => {
    const metadata = { name, namespace: 'shop', uid: uidOf(kind.kind, name) };
    return world.applyOwners(kind, { kind: 'listed', object: trimOwner(kind)({ metadata }) });
  }),
  ...world.applyOwners(kind, { kind: 'synced' }),
];

describe('a kind is asked for', () => {
  it('once, when a controller of it is first seen, whatever it controls', () => {
    const world = aWorld();
    expect(kindsIn(put(world, 'Pod', owned('SparkApplication')))).toEqual(['+SparkApplication']);
    expect(kindsIn(put(world, 'Pod', owned('SparkApplication', 'two')))).toEqual([]);
    const metadata = { name: 'web-abc', ownerReferences: [ownedBy('Rollout', 'web')] };
    expect(kindsIn(put(world, 'ReplicaSet', { ...aReplicaSet(), metadata }))).toEqual(['+Rollout']);
    expect(world.ownerKind(spark)).toMatchObject({ standing: 'Sought', problem: '' });
  });

  it('when an object of another such kind is controlled by it', () => {
    const world = aWorld({ Pod: [owned('Workflow')] });
    const metadata = { name: 'one', namespace: 'shop', ownerReferences: [ownedBy('CronWorkflow', 'one')] };
    const object = trimOwner(workflow)({ metadata });
    expect(kindsIn(world.applyOwners(workflow, { kind: 'changed', object }))).toEqual(['+CronWorkflow']);
  });

  it('not where the world holds it anyway, or where the pod goes with its node', () => {
    const world = aWorld();
    for (const kind of ['ReplicaSet', 'Pod', 'DaemonSet', 'Node'])
      expect(kindsIn(put(world, 'Pod', owned(kind)))).toEqual([]);
    const deployment = { group: 'apps', kind: 'Deployment' };
    expect(kindsIn(put(world, 'SpotPolicy', naming('web', deployment)))).toEqual([]);
  });

  it('while a policy names it, and no longer', () => {
    const world = aWorld();
    expect(kindsIn(put(world, 'SpotPolicy', naming('a', spark, workflow)))).toEqual([
      ...['+SparkApplication', '+Workflow'],
    ]);
    expect(kindsIn(put(world, 'SpotPolicy', naming('b', spark)))).toEqual([]);
    expect(kindsIn(put(world, 'SpotPolicy', naming('a', workflow)))).toEqual([]);
    expect(kindsIn(put(world, 'SpotPolicy', naming('a')))).toEqual(['-Workflow']);
    expect(kindsIn(drop(world, 'SpotPolicy', naming('b', spark)))).toEqual(['-SparkApplication']);
    expect(world.ownerKind(spark)).toBeUndefined();
  });

  it('also after the policy that names it went, while a chain of owners leads to it, and no longer', () => {
    const world = aWorld({ SpotPolicy: [naming('a', spark)] });
    expect(kindsIn(put(world, 'Pod', owned('SparkApplication')))).toEqual([]);
    expect(kindsIn(drop(world, 'SpotPolicy', naming('a', spark)))).toEqual([]);
    expect(world.ownerKind(spark)).toBeDefined();
    expect(kindsIn(drop(world, 'Pod', owned('SparkApplication')))).toEqual(['-SparkApplication']);
    expect(world.ownerKind(spark)).toBeUndefined();
  });

  it('as long as any of the pods that it controls is there, and above it what it is controlled by', () => {
    const world = aWorld({ Pod: [owned('Workflow', 'one')] });
    const metadata = { name: 'one', namespace: 'shop', ownerReferences: [ownedBy('CronWorkflow', 'one')] };
    world.applyOwners(workflow, { kind: 'changed', object: trimOwner(workflow)({ metadata }) });
    const other = aPod({ name: 'web-2', owner: ownedBy('Workflow', 'two') });
    put(world, 'Pod', other);
    expect(kindsIn(drop(world, 'Pod', other))).toEqual([]);
    expect(kindsIn(put(world, 'Pod', owned('ReplicaSet')))).toEqual(['-Workflow', '-CronWorkflow']);
    expect(world.ownerKind(cronWorkflow)).toBeUndefined();
  });
});

describe('the 64 places', () => {
  const invented = (index: number, namespace: string): PodWishes => ({
    name: `odd-${index}`,
    namespace,
    owner: {
      apiVersion: `odd-${index}.example/v1`,
      kind: 'Odd',
      name: 'x',
      uid: `odd-${index}`,
      controller: true,
    },
  });
  const flood = (world: World, count: number, namespace = 'tenant') =>
    Array.from({ length: count }, (_, index) => put(world, 'Pod', aPod(invented(index, namespace)))).flat();
  const odd = (index: number) => ({ group: `odd-${index}.example`, kind: 'Odd' });
  const judge = (world: World, of: typeof spark, standing: 'Absent' | 'Readable') =>
    world.judgeOwnerKind({ ...of, standing, resource: '', problem: '' });
  const followed = (changes: readonly Change[]): Set<string> => {
    const kinds = new Set<string>();
    for (const change of changes) {
      if (change.kind !== 'OwnerKind') continue;
      const { group } = change.after ?? change.before ?? { group: '' };
      if (change.after) kinds.add(group);
      else kinds.delete(group);
    }
    return kinds;
  };
  const widget = { group: 'widgets.example', kind: 'Widget' };

  it('are for kinds that are not well known; those have a place each', () => {
    const world = aWorld();
    expect(followed(flood(world, 100)).size).toBe(64);
    const known = ['SparkApplication', 'CloneSet', 'Workflow', 'Revision', 'Rollout'];
    for (const kind of known)
      expect(kindsIn(put(world, 'Pod', aPod({ name: kind, owner: ownedBy(kind, 'x') })))).toEqual([
        `+${kind}`,
      ]);
  });

  it('are shared by namespaces: a flood in one takes none from another, in either order', () => {
    const world = aWorld();
    const changes = [...flood(world, 100)];
    changes.push(...put(world, 'SpotPolicy', naming('a', widget)));
    changes.push(...put(world, 'Pod', aPod(invented(200, 'shop'))));
    changes.push(...flood(world, 100));
    expect([...followed(changes)]).toEqual(expect.arrayContaining([widget.group, 'odd-200.example']));
    expect(followed(changes).size).toBe(64);
  });

  it('are not taken from a namespace that has no more of them', () => {
    const world = aWorld();
    flood(world, 32);
    for (let index = 100; index < 132; index++) put(world, 'Pod', aPod(invented(index, 'shop')));
    expect(kindsIn(put(world, 'Pod', aPod(invented(200, 'shop'))))).toEqual([]);
  });

  it('are not kept by kinds that do not exist: each is tried once, and gives way', () => {
    const world = aWorld();
    const changes = [...flood(world, 100)];
    for (let index = 0; index < 100; index++) changes.push(...judge(world, odd(index), 'Absent'));
    const tried = changes.flatMap((change) =>
      change.kind === 'OwnerKind' ? (change.after?.group ?? []) : [],
    );
    expect(new Set(tried).size).toBe(100);
    expect(followed(changes).size).toBe(64);
    // The namespace of the flood has one that exists, too.
    const late = put(world, 'Pod', aPod({ ...invented(0, 'tenant'), name: 'late', owner: owner(widget) }));
    expect(kindsIn(late)).toContain('+Widget');
  });

  it('are kept by kinds that can be read', () => {
    const world = aWorld();
    put(world, 'SpotPolicy', naming('a', widget));
    judge(world, widget, 'Readable');
    const changes = flood(world, 100);
    for (let index = 0; index < 100; index++) changes.push(...judge(world, odd(index), 'Absent'));
    expect(kindsIn(changes)).not.toContain('-Widget');
    expect(world.ownerKind(widget)).toMatchObject({ standing: 'Readable' });
  });

  it('go to what waits when they are free, and to a kind that gave way when it is defined', () => {
    const world = aWorld();
    flood(world, 65);
    expect(kindsIn(drop(world, 'Pod', aPod(invented(0, 'tenant'))))).toEqual(['-Odd', '+Odd']);
    for (let index = 1; index < 65; index++) judge(world, odd(index), 'Absent');
    put(world, 'Pod', aPod(invented(65, 'tenant')));
    const [gone] = Array.from({ length: 66 }, (_, index) => odd(index)).filter(
      (kind) => world.ownerKind(kind)?.standing === 'Absent' && !isFollowed(world, kind),
    );
    const defined = put(world, 'CustomResourceDefinition', { metadata: { name: `odds.${gone?.group}` } });
    expect(followed(defined)).toContain(gone?.group);
  });

  it('are taken by no kind whose name no definition can have', () => {
    const world = aWorld();
    const long = { group: 'a.example', kind: 'K'.repeat(64) };
    expect(kindsIn(put(world, 'Pod', aPod({ owner: owner(long) })))).toEqual([]);
  });
});

describe('an object of such a kind', () => {
  it('is found by its UID, and by its name once all have been listed', () => {
    const world = aWorld({ SpotPolicy: [naming('a', spark)] });
    const reference = { ...spark, namespace: 'shop', uid: uidOf('SparkApplication', 'one') };
    expect(world.hasWorkload(spark, 'shop', 'one')).toBeUndefined();
    listOwners(world, spark, 'one');
    expect(world.owner(reference)).toMatchObject({ name: 'one' });
    expect(world.owner({ ...reference, namespace: 'bank' })).toBeUndefined();
    expect(['one', 'two'].map((name) => world.hasWorkload(spark, 'shop', name))).toEqual([true, false]);
    listOwners(world, spark);
    expect(world.hasWorkload(spark, 'shop', 'one')).toBe(false);
  });

  it('is not there where its kind is not', () => {
    const world = aWorld({ SpotPolicy: [naming('a', spark)] });
    world.judgeOwnerKind({ ...spark, standing: 'Absent', resource: '', problem: '' });
    expect(world.hasWorkload(spark, 'shop', 'one')).toBe(false);
    expect(world.hasWorkload(cronWorkflow, 'shop', 'one')).toBeUndefined();
  });

  it('is nobody’s business where its kind is not asked for', () => {
    const world = aWorld();
    expect(listOwners(world, spark, 'one')).toEqual([]);
    expect(world.judgeOwnerKind({ ...spark, standing: 'Readable', resource: '', problem: '' })).toEqual([]);
  });
});

it('a kind that stands as before makes no step', () => {
  const world = aWorld({ SpotPolicy: [naming('a', spark)] });
  const readable = { ...spark, standing: 'Readable', resource: 'x', problem: '' } as const;
  expect(world.judgeOwnerKind(readable)).toHaveLength(1);
  expect(world.judgeOwnerKind(readable)).toEqual([]);
  expect(world.judgeOwnerKind({ ...readable, standing: 'Forbidden', problem: 'no' })).toMatchObject([
    { before: { standing: 'Readable' }, after: { standing: 'Forbidden', problem: 'no' } },
  ]);
});

it('workloads that were always known are found by name in their own kind', () => {
  const world = aWorld({ Pod: [owned('SparkApplication')], ReplicaSet: [aReplicaSet()] });
  const has = (group: string, kind: string, name: string) => world.hasWorkload({ group, kind }, 'shop', name);
  expect([has('', 'Pod', 'web-1'), has('apps', 'ReplicaSet', 'web-abc')]).toEqual([true, true]);
  expect([has('', 'Pod', 'web-2'), has('apps', 'Deployment', 'web-abc')]).toEqual([false, false]);
  expect(has('example.com', 'Pod', 'web-1')).toBeUndefined();
});

describe('kinds with pod templates are read whole', () => {
  const writing = (spec: PolicyWishes['spec'] = {}, generation = 1) =>
    aPolicy({ name: 'writer', generation, spec: { injection: { at: 'Workload' }, ...spec } });
  const wholeIn = (changes: readonly Change[]): string[] =>
    changes.flatMap((change) => {
      if (change.kind !== 'OwnerKind' || change.before?.whole === change.after?.whole) return [];
      return `${change.after?.kind ?? `-${change.before?.kind}`}${change.after?.whole ? ' whole' : ''}`;
    });
  const all = ['Service', 'Rollout', 'WorkflowTemplate', 'CronWorkflow', 'Workflow', 'SparkApplication'];

  it.each(['Enforce', 'DryRun'] as const)('while a policy in %s writes templates, and no longer', (mode) => {
    const world = aWorld();
    const began = wholeIn(put(world, 'SpotPolicy', writing({ mode })));
    expect(began).toEqual(all.map((kind) => `${kind} whole`));
    expect(wholeIn(put(world, 'SpotPolicy', writing({ mode })))).toEqual([]);
    const ended = wholeIn(put(world, 'SpotPolicy', writing({ mode, injection: { at: 'Pod' } }, 2)));
    expect(ended).toEqual(all.map((kind) => `-${kind}`));
  });

  it('by a policy of the cluster as well, but by none that is disabled or annotates pods', () => {
    const world = aWorld();
    expect(wholeIn(put(world, 'SpotPolicy', aPolicy()))).toEqual([]);
    expect(wholeIn(put(world, 'SpotPolicy', writing({ mode: 'Disabled' })))).toEqual([]);
    const ofCluster = aClusterPolicy({ spec: { injection: { at: 'Workload' } } });
    expect(wholeIn(put(world, 'ClusterSpotPolicy', ofCluster))).toHaveLength(all.length);
  });

  it('and as metadata again where chains of owners still lead to them', () => {
    const world = aWorld({ Pod: [owned('SparkApplication')] });
    expect(wholeIn(put(world, 'SpotPolicy', writing()))).toContain('SparkApplication whole');
    expect(world.ownerKind(spark)).toMatchObject({ whole: true });
    expect(wholeIn(drop(world, 'SpotPolicy', writing()))).toContain('SparkApplication');
    expect(world.ownerKind(spark)).toMatchObject({ whole: false });
  });

  it('until what is ours there has been released', () => {
    const world = aWorld({ SpotPolicy: [writing()] });
    const written = applied(aForeign('Service'), { annotations: { 'spotpolicy.dev/policy': 'x' } });
    listForeign(world, 'Service', [written]);
    expect(wholeIn(drop(world, 'SpotPolicy', writing()))).not.toContain('-Service');
    expect([...world.templated('Service').group('template', 'shop')]).toHaveLength(1);
    expect(wholeIn(putForeign(world, aForeign('Service')))).toEqual(['-Service']);
  });

  it('also where their metadata tells after a restart that something of ours was left', () => {
    const world = aWorld({ Pod: [owned('CronWorkflow', 'hello')] });
    const left = applied(aForeign('CronWorkflow'), { annotations: { 'spotpolicy.dev/policy': 'x' } });
    expect(wholeIn(listForeign(world, 'CronWorkflow', [left], false))).toEqual(['CronWorkflow whole']);
    expect(wholeIn(listForeign(world, 'CronWorkflow', [left]))).toEqual([]);
    expect(wholeIn(putForeign(world, aForeign('CronWorkflow')))).toEqual(['CronWorkflow']);
  });
});
