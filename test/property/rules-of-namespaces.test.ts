import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { ownerChain } from '../../operator/policy/owners.ts';
import { covers, governingPolicy, precedence } from '../../operator/policy/rules.ts';
import { selects } from '../../operator/policy/selector.ts';
import type { Namespace } from '../../operator/world/objects.ts';
import type { Pod } from '../../operator/world/pod.ts';
import { type Policy, policyKey, type SoundPolicy } from '../../operator/world/policy.ts';
import { World } from '../../operator/world/world.ts';
import { aKnownPod, noonMs, ownedBy } from '../builders/pod.ts';
import { aClusterPolicy, aPolicy } from '../builders/policy.ts';
import { aNamespace, aReplicaSet, aWorld, drop, known, put } from '../builders/world.ts';
import { aDeployment } from '../builders/workloads.ts';

const optOut = { 'spotpolicy.dev/inject': 'false' };
const deployment = { group: 'apps', kind: 'Deployment', name: 'web' };
const namespaceNames = ['bank', 'kube-system', 'shop'];

/**
 * Who governs a pod, from nothing but api.md's sentences: every policy is asked whether it may, and each of those that
 * may is compared with each other.
 */
const governorByTheBook = (
  policies: readonly Policy[],
  namespaces: ReadonlyMap<string, Namespace>,
  pod: Pod,
  world: World,
): string | undefined => {
  const labels = namespaces.get(pod.namespace)?.labels;
  const leftAlone = pod.namespace === 'kube-system' || labels?.['spotpolicy.dev/inject'] === 'false';
  const may = policies.filter((policy): policy is SoundPolicy => {
    if (leftAlone || policy.spec?.mode !== 'Enforce') return false;
    if (pod.labels['spotpolicy.dev/inject'] === 'false' && policy.spec.precedence !== 'Overrides')
      return false;
    const here =
      policy.kind === 'SpotPolicy'
        ? policy.namespace === pod.namespace
        : labels !== undefined && selects(policy.spec.namespaceSelector, labels);
    return here && covers(policy as SoundPolicy, pod.labels, () => ownerChain(world, pod));
  });
  const level = ({ spec }: SoundPolicy): number =>
    spec.precedence === undefined ? 1 : { Overrides: 2, Defaults: 0 }[spec.precedence];
  const beats = (a: SoundPolicy, b: SoundPolicy): boolean => {
    if (level(a) !== level(b)) return level(a) > level(b);
    if (a.spec.priority !== b.spec.priority) return a.spec.priority > b.spec.priority;
    const [named, alsoNamed] = [a, b].map(({ spec }) => (spec.targetRefs ?? []).length > 0);
    return named === alsoNamed ? a.name < b.name : named === true;
  };
  const best = may.filter((one) => may.every((other) => other === one || beats(one, other)));
  if (best.length !== Math.min(may.length, 1))
    throw new Error(`${best.length} of ${may.length} policies win`);
  return best[0] && policyKey(best[0]);
};

const label = fc.constantFrom('a', 'b');
const selector = fc.oneof(
  fc.constant({}),
  fc
    .dictionary(fc.constantFrom('app', 'tier'), label, { minKeys: 1 })
    .map((matchLabels) => ({ matchLabels })),
  fc
    .record({
      key: fc.constantFrom('app', 'tier'),
      operator: fc.constantFrom('In' as const, 'NotIn' as const),
      values: fc.array(label, { minLength: 1, maxLength: 2 }),
    })
    .map((requirement) => ({ matchExpressions: [requirement] })),
  fc
    .record({
      key: fc.constantFrom('app', 'tier'),
      operator: fc.constantFrom('Exists' as const, 'DoesNotExist' as const),
    })
    .map((requirement) => ({ matchExpressions: [requirement] })),
);
const common = {
  mode: fc.constantFrom('Enforce' as const, 'Enforce' as const, 'Enforce' as const, 'Disabled' as const),
  priority: fc.integer({ min: -1, max: 1 }),
  selector,
};
const targets = [[deployment], [{ ...deployment, name: 'other' }, deployment]];
const ownSpec = fc.record({
  ...common,
  targetRefs: fc.constantFrom(undefined, undefined, ...targets),
});
const clusterSpec = fc.record({
  ...common,
  namespaceSelector: fc.oneof(
    fc.constant({}),
    fc.dictionary(fc.constant('team'), label).map((matchLabels) => ({ matchLabels })),
  ),
  precedence: fc.constantFrom('Defaults' as const, 'Overrides' as const),
});
const namespaceName = fc.constantFrom(...namespaceNames);
const policyName = fc.constantFrom('p', 'q', 'r');
const namespaceLabels = fc.oneof(fc.constant({}), fc.record({ team: label }), fc.constant(optOut));

const move = fc.oneof(
  fc.record({ kind: fc.constant('own' as const), namespace: namespaceName, name: policyName, spec: ownSpec }),
  fc.record({ kind: fc.constant('cluster' as const), name: policyName, spec: clusterSpec }),
  fc.record({ kind: fc.constant('namespace' as const), name: namespaceName, labels: namespaceLabels }),
  fc.record({ kind: fc.constant('drop' as const), which: fc.nat() }),
  fc.record({ kind: fc.constant('lose' as const), name: namespaceName }),
  fc.record({ kind: fc.constant('status' as const), which: fc.nat() }),
);
type Move = typeof move extends fc.Arbitrary<infer M> ? M : never;

const podLabels = [
  {},
  { app: 'a' },
  { app: 'b', tier: 'a' },
  { tier: 'b' },
  { app: 'a', tier: 'b', ...optOut },
];
const pods = namespaceNames.flatMap((namespace) =>
  podLabels.flatMap((labels) =>
    [undefined, ownedBy('ReplicaSet', 'web-abc', namespace)].map((owner) =>
      aKnownPod({ namespace, owner, labels: { 'pod-template-hash': 'abc', ...labels } }),
    ),
  ),
);

/** A world that is told of each move as a watch would, beside plain maps of what there is. */
const aCluster = () => {
  const world = aWorld();
  const policies = new Map<string, Policy>();
  const namespaces = new Map<string, Namespace>();
  let generation = 0;
  const follow = (): void => {
    policies.clear();
    for (const policy of world.policies.all()) policies.set(policyKey(policy), policy);
    namespaces.clear();
    for (const namespace of world.namespaces.all()) namespaces.set(namespace.name, namespace);
  };
  const happen = (what: Move): void => {
    generation += 1;
    const nth = (which: number) => [...policies.values()][which % Math.max(1, policies.size)];
    switch (what.kind) {
      case 'own':
        put(
          world,
          'SpotPolicy',
          aPolicy({ namespace: what.namespace, name: what.name, generation, spec: what.spec }),
        );
        break;
      case 'cluster':
        put(world, 'ClusterSpotPolicy', aClusterPolicy({ name: what.name, generation, spec: what.spec }));
        break;
      case 'namespace':
        put(world, 'Namespace', aNamespace(what.name, what.labels));
        break;
      case 'lose':
        drop(world, 'Namespace', aNamespace(what.name));
        break;
      case 'drop': {
        const policy = nth(what.which);
        if (policy) world.apply(policy.kind, { kind: 'deleted', object: policy }, noonMs);
        break;
      }
      case 'status': {
        const policy = nth(what.which);
        const object = policy && { ...policy, resourceVersion: String(generation) };
        if (object) world.apply(object.kind, { kind: 'changed', object }, noonMs);
        break;
      }
    }
    follow();
  };
  const governor = (pod: Pod): string | undefined => {
    const policy = governingPolicy(world, pod);
    return policy && policyKey(policy);
  };
  const byTheBook = (pod: Pod): string | undefined =>
    governorByTheBook([...policies.values()], namespaces, pod, world);
  return { world, happen, governor, byTheBook };
};

describe('the rules of namespaces', () => {
  test.prop([fc.array(move, { maxLength: 30 })], { numRuns: 100 })(
    'say what the book says, after every edit of policies, namespaces and labels',
    (moves) => {
      const cluster = aCluster();
      for (const what of moves) {
        cluster.happen(what);
        expect(pods.map(cluster.governor)).toEqual(pods.map(cluster.byTheBook));
      }
    },
  );

  test.prop([fc.array(move, { minLength: 5, maxLength: 30 })])(
    'do not depend on when they were asked before',
    (moves) => {
      const [asked, silent] = [aCluster(), aCluster()];
      for (const what of moves) {
        asked.happen(what);
        silent.happen(what);
        for (const pod of pods) asked.governor(pod);
      }
      expect(pods.map(asked.governor)).toEqual(pods.map(silent.governor));
    },
  );
});

const ranks = ['Overrides', undefined, 'Defaults'].flatMap((level) =>
  [1, 0].flatMap((priority) =>
    (level === undefined ? [true, false] : [false]).flatMap((targeted) =>
      ['a', 'b'].map((name) => ({ level, priority, targeted, name })),
    ),
  ),
);
type Rank = (typeof ranks)[number];

it('of every two policies the book says which one governs, whoever opts out', () => {
  // Ranks are listed from the first to the last.
  for (const [index, winner] of ranks.entries())
    for (const loser of ranks.slice(index + 1))
      for (const podLabel of [{}, optOut])
        for (const namespaceLabel of [{}, optOut]) {
          const governs = ({ level }: Rank): boolean =>
            namespaceLabel !== optOut && (podLabel !== optOut || level === 'Overrides');
          const expected = [winner, loser].find(governs);
          const content = {
            Namespace: [aNamespace('shop', namespaceLabel)],
            ReplicaSet: [aReplicaSet()],
            Deployment: [aDeployment()],
          };
          const pod = aKnownPod({ labels: podLabel });
          for (const both of [
            [winner, loser],
            [loser, winner],
          ]) {
            const world = aWorld(content);
            for (const rank of both) tell(world, rank);
            const governor = governingPolicy(world, pod);
            expect(governor && [governor.kind, governor.name]).toEqual(
              expected && [expected.level ? 'ClusterSpotPolicy' : 'SpotPolicy', nameOf(expected)],
            );
          }
        }
});

// Two of one name and level cannot be there at once: the other differences are part of the name, after its first letter.
const nameOf = ({ name, priority, targeted, level }: Rank): string =>
  `${name}-${priority}-${targeted ? 'z' : 'y'}-${level ?? 'own'}`.toLowerCase();

const tell = (world: World, rank: Rank): void => {
  const { level, priority, targeted } = rank;
  const name = nameOf(rank);
  if (level === undefined)
    put(
      world,
      'SpotPolicy',
      aPolicy({ name, spec: { priority, selector: {}, ...(targeted && { targetRefs: [deployment] }) } }),
    );
  else
    put(
      world,
      'ClusterSpotPolicy',
      aClusterPolicy({ name, spec: { priority, precedence: level as 'Defaults' } }),
    );
};

describe('what an edit costs', () => {
  const counting = (namespaces: number) => {
    let made = 0;
    const order: typeof precedence.order = (policies) => {
      made += 1;
      return precedence.order(policies);
    };
    const world = new World({ ...precedence, order });
    const names = Array.from({ length: namespaces }, (_, index) => `ns-${index}`);
    for (const [index, name] of names.entries())
      put(world, 'Namespace', aNamespace(name, { team: index % 2 === 0 ? 'even' : 'odd' }));
    const askAll = (): number => {
      made = 0;
      for (const name of names) world.rules(name);
      return made;
    };
    askAll();
    return { world, askAll };
  };

  it('is one namespace for a policy of a namespace, those it touches for one of the cluster, none for a status', () => {
    const { world, askAll } = counting(100);
    put(world, 'SpotPolicy', aPolicy({ namespace: 'ns-7' }));
    expect(askAll()).toBe(1);
    const even = { namespaceSelector: { matchLabels: { team: 'even' } } };
    put(world, 'ClusterSpotPolicy', aClusterPolicy({ spec: even }));
    expect(askAll()).toBe(50);
    put(world, 'ClusterSpotPolicy', aClusterPolicy({ spec: even, status: { observedGeneration: 1 } }));
    put(world, 'SpotPolicy', aPolicy({ namespace: 'ns-7', status: { observedGeneration: 1 } }));
    expect(askAll()).toBe(0);
    // From the even ones to the odd ones: both are touched.
    const odd = { namespaceSelector: { matchLabels: { team: 'odd' } } };
    put(world, 'ClusterSpotPolicy', aClusterPolicy({ spec: odd, generation: 2 }));
    expect(askAll()).toBe(100);
  });

  it('is one namespace when its labels change, and none when anything else of it does', () => {
    const { world, askAll } = counting(100);
    put(world, 'Namespace', aNamespace('ns-7', { team: 'even' }));
    expect(askAll()).toBe(1);
    put(world, 'Namespace', {
      metadata: { ...aNamespace('ns-7', { team: 'even' }).metadata, resourceVersion: '9' },
    });
    expect(askAll()).toBe(0);
  });

  it('is one making for a burst of any number of edits', () => {
    const { world, askAll } = counting(10);
    for (let index = 0; index < 500; index++)
      put(world, 'SpotPolicy', aPolicy({ namespace: `ns-${index % 10}`, name: `p-${index}` }));
    expect(askAll()).toBe(10);
  });
});

test.prop([
  fc.array(fc.tuple(policyName, clusterSpec), { maxLength: 4 }),
  fc.array(fc.tuple(policyName, ownSpec), { maxLength: 4 }),
])('no loser is missed and no disabled policy is noticed', (ofCluster, own) => {
  const worldOf = (keep: (key: string) => boolean): World => {
    const world = aWorld({ Namespace: [aNamespace('shop', { team: 'a' })] });
    for (const [name, spec] of ofCluster) {
      const policy = known('ClusterSpotPolicy', aClusterPolicy({ name, spec }));
      if (keep(policyKey(policy)))
        world.apply('ClusterSpotPolicy', { kind: 'changed', object: policy }, noonMs);
    }
    for (const [name, spec] of own) {
      const policy = known('SpotPolicy', aPolicy({ name, spec }));
      if (keep(policyKey(policy))) world.apply('SpotPolicy', { kind: 'changed', object: policy }, noonMs);
    }
    return world;
  };
  const all = worldOf(() => true);
  const here = pods.filter(({ namespace }) => namespace === 'shop');
  for (const policy of all.policies.all()) {
    const without = worldOf((key) => key !== policyKey(policy));
    for (const pod of here) {
      const winner = governingPolicy(all, pod)?.uid;
      if (winner !== policy.uid) expect(governingPolicy(without, pod)?.uid).toBe(winner);
    }
  }
});
