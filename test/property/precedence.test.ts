import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { covers, governingPolicy, rulesOf } from '../../operator/policy/rules.ts';
import { ownerChain } from '../../operator/policy/owners.ts';
import type { SoundPolicy } from '../../operator/world/policy.ts';
import { aKnownPod } from '../builders/pod.ts';
import { aPolicy, type PolicyWishes } from '../builders/policy.ts';
import { aReplicaSet, aWorld, known } from '../builders/world.ts';
import { aDeployment } from '../builders/workloads.ts';

type Spec = NonNullable<PolicyWishes['spec']>;

const targetRefs = [{ group: 'apps', kind: 'Deployment', name: 'web' }];
const spec = (mode: fc.Arbitrary<'Enforce' | 'Disabled'>): fc.Arbitrary<Spec> =>
  fc.record({
    mode,
    priority: fc.integer({ min: -1, max: 1 }),
    selector: fc.constantFrom({}, { matchLabels: { app: 'web' } }, { matchLabels: { app: 'api' } }),
    targetRefs: fc.constantFrom(undefined, targetRefs),
  });
const specs = (mode: fc.Arbitrary<'Enforce' | 'Disabled'>, maxLength: number) =>
  fc.dictionary(fc.constantFrom(...'abcdefgh'.split('')), spec(mode), { maxKeys: maxLength });
const any = specs(fc.constantFrom('Enforce', 'Enforce', 'Enforce', 'Disabled'), 7);

const policiesOf = (of: Record<string, Spec>, prefix = '') =>
  Object.entries(of).map(([name, written]) => aPolicy({ name: `${prefix}${name}`, spec: written }));
const worldOf = (policies: readonly ReturnType<typeof aPolicy>[]) =>
  aWorld({ SpotPolicy: policies, Deployment: [aDeployment()], ReplicaSet: [aReplicaSet()] });
const pod = aKnownPod();
const winnerOf = (policies: readonly ReturnType<typeof aPolicy>[]): string | undefined =>
  governingPolicy(worldOf(policies), pod)?.name;

describe('the order of policies', () => {
  test.prop([any, fc.infiniteStream(fc.nat())])(
    'does not depend on their order of arrival',
    (of, numbers) => {
      const policies = policiesOf(of).map((policy) => known('SpotPolicy', policy));
      const shuffled = policies
        .map((policy) => ({ policy, rank: numbers.next().value ?? 0 }))
        .toSorted((a, b) => a.rank - b.rank)
        .map(({ policy }) => policy);
      const names = rulesOf(policies).map(({ name }) => name);
      expect(rulesOf(shuffled).map(({ name }) => name)).toEqual(names);
      expect(rulesOf(policies.toReversed()).map(({ name }) => name)).toEqual(names);
    },
  );

  test.prop([any])('is total: priority, then targets, then the name decide between any two', (of) => {
    const rules = rulesOf(policiesOf(of).map((policy) => known('SpotPolicy', policy)));
    const rank = ({ name, spec: { priority, targetRefs: targets } }: SoundPolicy): string =>
      [5 - priority, targets ? 0 : 1, name].join(' ');
    expect(rules.map(rank)).toEqual(rules.map(rank).toSorted());
  });
});

describe('the policy that governs a pod', () => {
  test.prop([any])('is the first that covers it, and there is one where any covers it', (of) => {
    const world = worldOf(policiesOf(of));
    const covering = world
      .rules('shop')
      .filter((rule) => covers(rule, pod.labels, () => ownerChain(world, pod)));
    expect(governingPolicy(world, pod)).toBe(covering[0]);
  });

  test.prop([any])('is the same without any one of the others', (of) => {
    const policies = policiesOf(of);
    const winner = winnerOf(policies);
    for (const { metadata } of policies)
      if (metadata.name !== winner)
        expect(winnerOf(policies.filter((policy) => policy.metadata.name !== metadata.name))).toBe(winner);
  });

  test.prop([any, specs(fc.constant('Disabled'), 3)])(
    'is the same with any disabled ones besides',
    (of, disabled) => {
      const policies = policiesOf(of);
      expect(winnerOf([...policies, ...policiesOf(disabled, '0')])).toBe(winnerOf(policies));
    },
  );
});
