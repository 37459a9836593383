import { fc, test } from '@fast-check/vitest';
import type { OwnerReference } from 'kubernetes-types/meta/v1.js';
import { describe, expect } from 'vitest';
import { placeIn } from '../../operator/injection/place.ts';
import { successorsOf } from '../../operator/interruption/replacement.ts';
import { surgeOf } from '../../operator/interruption/surge.ts';
import { wokenBy } from '../../operator/interruption/woken.ts';
import { ownerChain } from '../../operator/policy/owners.ts';
import { cohortOf } from '../../operator/world/cohort.ts';
import type { Pod } from '../../operator/world/pod.ts';
import type { World } from '../../operator/world/world.ts';
import { anInterruption } from '../builders/interruption.ts';
import { aPod, at, ownedBy, type PodWishes, uidOf } from '../builders/pod.ts';
import { aPolicy } from '../builders/policy.ts';
import { aReplicaSet, aWorld, put } from '../builders/world.ts';
import { aDeployment } from '../builders/workloads.ts';

const uids = [uidOf('ReplicaSet', 'web-abc'), uidOf('Deployment', 'web')];

interface Stranger {
  readonly namespace: string;
  readonly owner: OwnerReference;
}

const claim = fc.record({
  namespace: fc.constantFrom('shop', 'bank'),
  apiVersion: fc.constantFrom('apps/v1', 'example.com/v1', 'v1'),
  kind: fc.constantFrom('ReplicaSet', 'Deployment', 'StatefulSet', 'Pod', 'Widget'),
  name: fc.constantFrom('web', 'web-abc'),
  uid: fc.constantFrom(...uids),
});
const isTrue = ({
  namespace,
  apiVersion,
  kind,
  uid,
}: typeof claim extends fc.Arbitrary<infer T> ? T : never) =>
  namespace === 'shop' &&
  apiVersion === 'apps/v1' &&
  uids.indexOf(uid) === ['ReplicaSet', 'Deployment'].indexOf(kind);
/** Who names the UID of the ReplicaSet or of the Deployment, and means an object of another namespace, group or kind. */
const stranger: fc.Arbitrary<Stranger> = claim
  .filter((each) => !isTrue(each))
  .map(({ namespace, ...owner }) => ({ namespace, owner: { ...owner, controller: true } }));

const theWorld = (): World => {
  const world = aWorld({
    SpotPolicy: [aPolicy({ spec: { distribution: { onDemandBase: 1, spotPercentage: 50 } } })],
    Deployment: [aDeployment({ replicas: 3 })],
    ReplicaSet: [{ ...aReplicaSet(), spec: { replicas: 3, selector: {} } }],
    Pod: [aPod(), aPod({ name: 'web-2' })],
  });
  return world;
};

const doomed = anInterruption({ phase: 'Replacing' });
const detached = { origin: { name: 'web-abc', uid: uidOf('ReplicaSet', 'web-abc') }, atMs: at(0), ready: 2 };
const leaving: PodWishes = { deletion: { atMs: at(10), graceSeconds: 30 } };

const podOf = (world: World, name: string): Pod => {
  const pod = world.pods.byName('shop', name);
  if (!pod) throw new Error(`there is no ${name}`);
  return pod;
};

/** All that is decided about the Deployment by who its pods are. */
const decisions = (world: World) => {
  const pod = podOf(world, 'web-1');
  const before = surgeOf(world, doomed, pod, at(0));
  const cohort = cohortOf(podOf(world, 'web-2'), '');
  const distribution = { onDemandBase: 1, spotPercentage: 50 };
  const place = placeIn(world, { nonce: 'x', cohort, distribution }, at(1));
  put(world, 'Pod', aPod({ owner: ownedBy('Deployment', 'web') }));
  const underWay = surgeOf(world, { ...doomed, detached }, podOf(world, 'web-1'), at(0));
  put(world, 'Pod', aPod({ ...leaving, owner: ownedBy('Deployment', 'web') }));
  const { candidates, serving, wanted } = successorsOf(world, { ...doomed, detached });
  return {
    before,
    place,
    underWay,
    candidates: candidates.map(({ pod: { name } }) => name),
    serving,
    wanted,
  };
};

describe('pods that name a UID and mean another object', () => {
  test.prop([fc.array(stranger, { minLength: 1, maxLength: 6 })])(
    'change nothing that is decided about the workload that has it',
    (strangers) => {
      const alone = theWorld();
      const beside = theWorld();
      for (const world of [alone, beside]) world.record(doomed);
      const woken = strangers.flatMap(({ namespace, owner }, index) => {
        const pod = aPod({ name: `stranger-${index}`, namespace, owner, createdAtMs: at(20) });
        return put(beside, 'Pod', pod).flatMap((change) => wokenBy(beside, change, at(1)));
      });
      expect(woken).toEqual([]);
      expect(decisions(beside)).toEqual(decisions(alone));
    },
  );

  test.prop([stranger])('have no other owner than the one that they name', ({ namespace, owner }) => {
    const world = theWorld();
    put(world, 'Pod', aPod({ name: 'stranger', namespace, owner }));
    const pod = world.pods.byName(namespace, 'stranger');
    const chain = pod ? ownerChain(world, pod) : [];
    expect(chain.map(({ uid }) => uid)).toEqual([owner.uid]);
    expect(chain.map((each) => each.namespace)).toEqual([namespace]);
  });
});
