import type { OwnerReference } from 'kubernetes-types/meta/v1.js';
import { describe, expect, it } from 'vitest';
import { ownerChain, topWorkload } from '../../../operator/policy/owners.ts';
import type { WorkloadReference } from '../../../operator/world/interruption.ts';
import { aKnownPod, ownedBy } from '../../builders/pod.ts';
import { aReplicaSet, aWorld, type Content } from '../../builders/world.ts';
import { aCronJob, aDeployment, aJob, aStatefulSet } from '../../builders/workloads.ts';

const chainOf = (owner: OwnerReference | undefined, content: Content, labels: Record<string, string> = {}) =>
  ownerChain(aWorld(content), aKnownPod({ owner, labels }));
const written = (chain: readonly WorkloadReference[]): string[] =>
  chain.map(({ group, kind, name, uid }) => `${group}/${kind}/${name}${uid ? '' : ' (guessed)'}`);

describe('the chain of owners', () => {
  it('goes from the nearest controller to the top', () => {
    const content = { Deployment: [aDeployment()], ReplicaSet: [aReplicaSet()] };
    const chain = chainOf(ownedBy('ReplicaSet', 'web-abc'), content);
    expect(written(chain)).toEqual(['apps/ReplicaSet/web-abc', 'apps/Deployment/web']);
    expect(topWorkload(chain)).toEqual(chain[1]);
  });

  it('is empty for a bare pod', () => {
    expect(chainOf(undefined, {})).toEqual([]);
    expect(topWorkload([])).toBeUndefined();
  });

  it('ends with a workload that nothing controls', () => {
    const statefulSet = chainOf(ownedBy('StatefulSet', 'db'), { StatefulSet: [aStatefulSet()] });
    expect(written(statefulSet)).toEqual(['apps/StatefulSet/db']);
    const bare = chainOf(
      ownedBy('ReplicaSet', 'web-abc'),
      { ReplicaSet: [aReplicaSet('web-abc', null)] },
      {
        'pod-template-hash': 'abc',
      },
    );
    expect(written(bare)).toEqual(['apps/ReplicaSet/web-abc']);
  });

  it('names a controller of a kind the world does not hold, and knows nothing above it', () => {
    expect(written(chainOf(ownedBy('SparkApplication', 'pi'), {}))).toEqual([
      'sparkoperator.k8s.io/SparkApplication/pi',
    ]);
  });

  it('ends where owners own each other', () => {
    const one = {
      ...aReplicaSet('one', null),
      metadata: { name: 'one', ownerReferences: [ownedBy('ReplicaSet', 'two')] },
    };
    const two = {
      ...aReplicaSet('two', null),
      metadata: { name: 'two', ownerReferences: [ownedBy('ReplicaSet', 'one')] },
    };
    expect(chainOf(ownedBy('ReplicaSet', 'one'), { ReplicaSet: [one, two] })).toHaveLength(8);
  });
});

describe('an owner the world has not seen yet', () => {
  it('is guessed from the name of a ReplicaSet and its pod-template-hash', () => {
    const chain = chainOf(ownedBy('ReplicaSet', 'my-web-5d9'), {}, { 'pod-template-hash': '5d9' });
    expect(written(chain)).toEqual(['apps/ReplicaSet/my-web-5d9', 'apps/Deployment/my-web (guessed)']);
  });

  it('is not guessed without the hash, or with another one', () => {
    expect(chainOf(ownedBy('ReplicaSet', 'web-5d9'), {})).toHaveLength(1);
    expect(chainOf(ownedBy('ReplicaSet', 'web-5d9'), {}, { 'pod-template-hash': 'd9' })).toHaveLength(1);
    const rollout = { 'rollouts-pod-template-hash': '5d9' };
    expect(chainOf(ownedBy('ReplicaSet', 'web-5d9'), {}, rollout)).toHaveLength(1);
  });

  it('is not guessed from a ReplicaSet of another group', () => {
    const other = { ...ownedBy('ReplicaSet', 'web-5d9'), apiVersion: 'example.com/v1' };
    expect(chainOf(other, {}, { 'pod-template-hash': '5d9' })).toHaveLength(1);
  });

  it('is guessed from the name of a Job that a CronJob made', () => {
    const chain = chainOf(ownedBy('Job', 'nightly-29553120'), {});
    expect(written(chain)).toEqual(['batch/Job/nightly-29553120', 'batch/CronJob/nightly (guessed)']);
    for (const name of ['batch', 'batch-1', 'nightly-2955312x', '-29553120'])
      expect(chainOf(ownedBy('Job', name), {})).toHaveLength(1);
  });

  it('is not guessed where the world knows better', () => {
    const job = { ...aJob(), metadata: { name: 'nightly-29553120' } };
    expect(chainOf(ownedBy('Job', 'nightly-29553120'), { Job: [job] })).toHaveLength(1);
    const owned = {
      ...aJob(),
      metadata: { name: 'by-hand', ownerReferences: [ownedBy('CronJob', 'nightly')] },
    };
    const chain = chainOf(ownedBy('Job', 'by-hand'), { Job: [owned], CronJob: [aCronJob()] });
    expect(written(chain)).toEqual(['batch/Job/by-hand', 'batch/CronJob/nightly']);
  });
});
