import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { countGoverned } from '../../operator/status/governed.ts';
import { Members } from '../../operator/status/members.ts';
import { isSound, policyKey } from '../../operator/world/policy.ts';
import type { Change, Kind } from '../../operator/world/view.ts';
import type { World } from '../../operator/world/world.ts';
import { aPod, ownedBy, uidOf } from '../builders/pod.ts';
import { aClusterPolicy, aPolicy } from '../builders/policy.ts';
import { aNamespace, aReplicaSet, aWorld, drop, put, type Raw } from '../builders/world.ts';

/** An object that comes, changes or goes. */
type Move = (world: World) => readonly Change[];
const moveOf =
  <K extends Kind>(kind: K, raw: Raw<K>, goes: boolean): Move =>
  (world) =>
    (goes ? drop : put)(world, kind, raw);

const goes = fc.boolean();
const app = fc.constantFrom('web', 'api');
const name = fc.constantFrom('a', 'b', 'c', 'd');
// The driver of `pi` is a pod that owns others; whose a ReplicaSet is can change, too.
const owner = fc.constantFrom(undefined, ownedBy('ReplicaSet', 'web-abc'), ownedBy('Pod', 'driver'));
const application = ownedBy('SparkApplication', 'pi');
const targets = [
  { group: 'apps', kind: 'Deployment', name: 'web' },
  { group: 'apps', kind: 'Deployment', name: 'api' },
  { group: 'sparkoperator.k8s.io', kind: 'SparkApplication', name: 'pi' },
].map((target) => [target]);

const aMove = fc.oneof(
  fc
    .tuple(name, app, owner, fc.constantFrom('Pending' as const, 'Running' as const), goes)
    .map(([pod, label, of, phase, gone]) =>
      moveOf('Pod', aPod({ name: pod, labels: { app: label }, owner: of, phase }), gone),
    ),
  fc
    .tuple(fc.constantFrom(undefined, application), goes)
    .map(([of, gone]) => moveOf('Pod', aPod({ name: 'driver', owner: of }), gone)),
  fc
    .tuple(fc.constantFrom('web', 'api', null), goes)
    .map(([deployment, gone]) => moveOf('ReplicaSet', aReplicaSet('web-abc', deployment), gone)),
  fc
    .record({
      policy: name,
      generation: fc.nat({ max: 3 }),
      selector: fc.constantFrom({}, { matchLabels: { app: 'web' } }),
      targetRefs: fc.constantFrom(undefined, ...targets),
      gone: goes,
    })
    .map(({ policy, generation, gone, ...spec }) =>
      moveOf('SpotPolicy', aPolicy({ name: policy, generation, spec }), gone),
    ),
  fc
    .tuple(fc.nat({ max: 3 }), fc.constantFrom('Overrides' as const, 'Defaults' as const), goes)
    .map(([generation, precedence, gone]) =>
      moveOf(
        'ClusterSpotPolicy',
        aClusterPolicy({ name: 'all', generation, spec: { precedence, namespaceSelector: {} } }),
        gone,
      ),
    ),
  fc
    .tuple(fc.constantFrom({}, { 'spotpolicy.dev/inject': 'false' }), goes)
    .map(([labels, gone]) => moveOf('Namespace', aNamespace('shop', labels), gone)),
);

const governedBy = (members: Members) =>
  [...members.view.policies.all()]
    .filter(isSound)
    .map((policy) => [policyKey(policy), countGoverned(members, policy)]);

describe('the members of policies, kept in step with the world', () => {
  test.prop([fc.array(aMove, { minLength: 1, maxLength: 30 })], { numRuns: 500 })(
    'are those that are found anew, whatever comes, changes and goes',
    (moves) => {
      const world = aWorld({
        Namespace: [aNamespace()],
        SpotPolicy: [aPolicy({ name: 'a', generation: 9, spec: { targetRefs: targets[2] } })],
        Pod: [aPod({ name: 'a', owner: ownedBy('Pod', 'driver'), uid: uidOf('Pod', 'a') })],
      });
      const kept = new Members(world);
      for (const move of moves) {
        for (const change of move(world)) kept.note(change);
        expect(governedBy(kept)).toEqual(governedBy(new Members(world)));
      }
    },
  );
});
