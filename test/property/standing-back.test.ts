import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { type PodAnswer, type PodRequest, reviewPod } from '../../operator/injection/review.ts';
import { decideTemplate } from '../../operator/injection/template.ts';
import { coverageOf } from '../../operator/injection/webhook.ts';
import { contenders } from '../../operator/policy/rules.ts';
import { sumGoverned } from '../../operator/status/governed.ts';
import { settledCounts } from '../builders/counts.ts';
import { isSound, policyKey } from '../../operator/world/policy.ts';
import type { World } from '../../operator/world/world.ts';
import { aStamping } from '../builders/admission.ts';
import { aKnownPod, aPod, noonMs, ownedBy, type PodWishes } from '../builders/pod.ts';
import { aClusterPolicy, aPolicy, type PolicyWishes } from '../builders/policy.ts';
import { aNamespace, aReplicaSet, aWorld, drop, put } from '../builders/world.ts';
import { aDeployment } from '../builders/workloads.ts';

const namespaces = ['shop', 'bank'];
const optOut = { 'spotpolicy.dev/inject': 'false' };
const targetRefs = [{ group: 'apps', kind: 'Deployment', name: 'web' }];
const name = fc.constantFrom<string>('b', 'd', 'f');

// Whatever a policy may do to a pod, to a template or to the webhook.
const deed = fc.constantFrom<NonNullable<PolicyWishes['spec']>>(
  { strategy: 'SpotAsPriceGo' },
  { strategy: 'NoSpot' },
  { strategy: 'SpotAsPriceGo', distribution: { onDemandBase: 1, spotPercentage: 50 } },
  { strategy: 'SpotAsPriceGo', injection: { whenUnavailable: 'Fail', scheduling: 'VirtualNode' } },
  { strategy: 'SpotAsPriceGo', durationHours: 0, injection: { existing: 'Overwrite' } },
  { strategy: 'SpotAsPriceGo', injection: { at: 'Workload' } },
  { strategy: undefined, injection: { at: 'None' } },
);
const selection = {
  priority: fc.integer({ min: -1, max: 1 }),
  selector: fc.constantFrom({}, { matchLabels: { app: 'web' } }, { matchLabels: { app: 'api' } }),
};
const own = fc.record({
  ...{ kind: fc.constant('SpotPolicy' as const), name, deed },
  namespace: fc.constantFrom(...namespaces),
  selection: fc.record({ ...selection, targetRefs: fc.constantFrom(undefined, targetRefs) }),
});
const ofCluster = fc.record({
  ...{ kind: fc.constant('ClusterSpotPolicy' as const), name, deed },
  selection: fc.record({
    ...selection,
    namespaceSelector: fc.constantFrom({}, { matchLabels: { team: 'a' } }),
    precedence: fc.constantFrom('Defaults' as const, 'Overrides' as const),
  }),
});
const policy = fc.oneof(own, ofCluster);
type Drawn = typeof policy extends fc.Arbitrary<infer T> ? T : never;
type Mode = 'Enforce' | 'DryRun' | 'Disabled';

const backward = fc.constantFrom<Mode>('DryRun', 'Disabled');
// Their names come between those of the enforced ones, and none is another's.
const standingBack = fc
  .tuple(policy, backward)
  .map(([one, mode]): [Drawn, Mode] => [{ ...one, name: `${one.name}-back` }, mode]);

const tell = (how: typeof put | typeof drop, world: World, drawn: Drawn, mode: Mode): void => {
  const { kind, deed: given } = drawn;
  const metadata = { name: drawn.name, generation: mode === 'Enforce' ? 1 : 2 };
  if (kind === 'SpotPolicy') {
    const spec = { ...given, ...drawn.selection, mode };
    how(world, kind, aPolicy({ ...metadata, namespace: drawn.namespace, spec }));
  } else how(world, kind, aClusterPolicy({ ...metadata, spec: { ...given, ...drawn.selection, mode } }));
};

const wishes: readonly PodWishes[] = namespaces.flatMap((namespace) =>
  [{ app: 'web' }, { app: 'api' }, { app: 'web', ...optOut }].flatMap((labels, index) =>
    [undefined, ownedBy('ReplicaSet', 'web-abc', namespace)].map((owner) => ({
      ...{ name: `pod-${index}-${owner ? 'owned' : 'bare'}`, namespace, labels, owner },
      annotations: index === 1 ? {} : { 'k8s.aliyun.com/eci-spot-strategy': undefined },
    })),
  ),
);
const inEach = <T extends { metadata?: object }>(make: () => T): T[] =>
  namespaces.map((namespace) => {
    const object = make();
    return { ...object, metadata: { ...object.metadata, namespace } };
  });
const aCluster = (drawn: readonly Drawn[]): World => {
  const world = aWorld({
    Namespace: [aNamespace('shop', { team: 'a' }), aNamespace('bank')],
    Deployment: inEach(aDeployment),
    Pod: wishes.map(aPod),
  });
  for (const namespace of namespaces) {
    const { metadata, ...replicaSet } = aReplicaSet();
    const ownerReferences = [ownedBy('Deployment', 'web', namespace)];
    put(world, 'ReplicaSet', { ...replicaSet, metadata: { ...metadata, namespace, ownerReferences } });
  }
  for (const one of drawn) tell(put, world, one, 'Enforce');
  return world;
};

const answerTo = (world: World, pod: PodWishes): PodAnswer => {
  const { namespace = '', name = '', metadata } = { ...pod, ...aPod(pod) };
  const request: PodRequest = { namespace, name, object: { metadata: metadata as object } };
  const reviewed = reviewPod(world, request, aStamping());
  return 'place' in reviewed ? reviewed.answer(reviewed.place(noonMs).share) : reviewed;
};

/** All that policies decide: answers, precedence, templates, whom the API server asks, and what enforced ones are told. */
const decisionsIn = (world: World) => ({
  answers: wishes.map((pod) => answerTo(world, pod)),
  precedence: wishes.map((pod) => contenders(world, aKnownPod(pod)).map(policyKey)),
  templates: [...world.workloads('Deployment').all()].map((workload) => {
    const decision = decideTemplate(world, workload);
    return decision.kind === 'Write' ? decision.owned : decision.kind;
  }),
  coverage: coverageOf(world),
  governed: [...world.policies.all()]
    .filter(isSound)
    .filter(({ spec }) => spec.mode === 'Enforce')
    .map((one) => [policyKey(one), sumGoverned(settledCounts(world), one)] as const)
    .toSorted(([a], [b]) => (a < b ? -1 : 1)),
});

describe('a policy that is tried out or disabled changes no decision', () => {
  test.prop([fc.array(policy, { maxLength: 5 }), fc.array(standingBack, { minLength: 1, maxLength: 4 })])(
    'whatever others there are, by coming, by being there first and by going',
    (enforced, back) => {
      const world = aCluster(enforced);
      const before = decisionsIn(world);
      for (const [one, mode] of back) tell(put, world, one, mode);
      expect(decisionsIn(world)).toEqual(before);
      for (const [one, mode] of back) tell(drop, world, one, mode);
      expect(decisionsIn(world)).toEqual(before);

      const late = aCluster([]);
      for (const [one, mode] of back) tell(put, late, one, mode);
      for (const one of enforced) tell(put, late, one, 'Enforce');
      expect(decisionsIn(late)).toEqual(before);
    },
  );

  test.prop([fc.array(policy, { minLength: 1, maxLength: 6 }), backward, fc.nat()])(
    'and one that is enforced no longer is as good as gone',
    (drawn, mode, which) => {
      const [edited, deleted] = [aCluster(drawn), aCluster(drawn)];
      // Asked before, so that what was remembered has to be forgotten.
      for (const world of [edited, deleted]) decisionsIn(world);
      const one = drawn[which % drawn.length];
      if (!one) return;
      tell(put, edited, one, mode);
      tell(drop, deleted, one, 'Enforce');
      expect(decisionsIn(edited)).toEqual(decisionsIn(deleted));
    },
  );
});
