import type { OwnerReference } from 'kubernetes-types/meta/v1.js';
import { describe, expect, it } from 'vitest';
import { isSparkDriver, ownerChain, topWorkload } from '../../../operator/policy/owners.ts';
import type { WorkloadReference } from '../../../operator/world/interruption.ts';
import { aKnownPod, aPod, ownedBy } from '../../builders/pod.ts';
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
  });

  it('is guessed to be a Rollout by the label that Argo Rollouts writes, whatever else is there', () => {
    const labels = { 'rollouts-pod-template-hash': '5d9', 'pod-template-hash': '5d9' };
    expect(written(chainOf(ownedBy('ReplicaSet', 'web-5d9'), {}, labels))).toEqual([
      'apps/ReplicaSet/web-5d9',
      'argoproj.io/Rollout/web (guessed)',
    ]);
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

describe('what other systems write tells', () => {
  const knative = (revision: string, service?: string): Record<string, string> => ({
    'pod-template-hash': '5d9',
    'serving.knative.dev/revision': revision,
    'serving.knative.dev/configuration': 'hello',
    ...(service && { 'serving.knative.dev/service': service }),
  });
  const above = ['Revision/hello-00001', 'Configuration/hello', 'Service/hello'].map(
    (owner) => `serving.knative.dev/${owner} (guessed)`,
  );

  it('the Knative Service of a pod whose Deployment has not been seen', () => {
    const owner = ownedBy('ReplicaSet', 'hello-00001-deployment-5d9');
    const chain = chainOf(owner, {}, knative('hello-00001', 'hello'));
    expect(written(chain).slice(2)).toEqual(above);
    // One made without a Service ends at its Configuration.
    expect(written(chainOf(owner, {}, knative('hello-00001'))).slice(2)).toEqual(above.slice(0, 2));
  });

  it('the Revision also where the name of its Deployment was shortened', () => {
    const revision = `${'a-long-name-'.repeat(4)}hello-00001`;
    const deployment = `${revision.slice(0, 20)}${'0'.repeat(32)}-deployment`;
    const chain = chainOf(ownedBy('ReplicaSet', `${deployment}-5d9`), {}, knative(revision));
    expect(written(chain)[2]).toBe(`serving.knative.dev/Revision/${revision} (guessed)`);
  });

  it('the Service above a Revision that may not be read', () => {
    const deployment = {
      ...aDeployment(),
      metadata: { name: 'web', ownerReferences: [ownedBy('Revision', 'hello-00001')] },
    };
    const content = { Deployment: [deployment], ReplicaSet: [aReplicaSet()] };
    const chain = chainOf(ownedBy('ReplicaSet', 'web-abc'), content, knative('hello-00001', 'hello'));
    expect(written(chain).slice(2)).toEqual(['serving.knative.dev/Revision/hello-00001', ...above.slice(1)]);
  });

  it('nothing of a Deployment that Knative did not make', () => {
    const labels = knative('hello-00001', 'hello');
    expect(chainOf(ownedBy('ReplicaSet', 'web-5d9'), {}, labels)).toHaveLength(2);
    const seen = { Deployment: [aDeployment()], ReplicaSet: [aReplicaSet()] };
    expect(chainOf(ownedBy('ReplicaSet', 'web-abc'), seen, labels)).toHaveLength(2);
    expect(chainOf(ownedBy('StatefulSet', 'hello-00001-deployment'), {}, labels)).toHaveLength(1);
  });

  const executor = { 'spark-role': 'executor', 'sparkoperator.k8s.io/app-name': 'pi' };

  it('the application of an executor, by its driver or by its label', () => {
    const driver = aPod({ name: 'pi-driver', owner: ownedBy('SparkApplication', 'pi') });
    const owner = ownedBy('Pod', 'pi-driver');
    const seen = chainOf(owner, { Pod: [driver] });
    expect(written(seen)).toEqual(['/Pod/pi-driver', 'sparkoperator.k8s.io/SparkApplication/pi']);
    expect(written(chainOf(owner, {}, executor))[1]).toBe(
      'sparkoperator.k8s.io/SparkApplication/pi (guessed)',
    );
  });

  it('no application of a pod that is no executor', () => {
    const owner = ownedBy('Pod', 'pi-driver');
    expect(chainOf(owner, {}, { ...executor, 'spark-role': 'driver' })).toHaveLength(1);
    expect(chainOf(ownedBy('StatefulSet', 'db'), {}, executor)).toHaveLength(1);
    const alone = aPod({ name: 'pi-driver', owner: undefined });
    expect(chainOf(owner, { Pod: [alone] }, executor)).toHaveLength(1);
  });

  it('the CronWorkflow of a Workflow, by the second in its name', () => {
    expect(written(chainOf(ownedBy('Workflow', 'etl-hourly-1893456000'), {}))[1]).toBe(
      'argoproj.io/CronWorkflow/etl-hourly (guessed)',
    );
    for (const name of ['etl', 'etl-x7k2p', 'etl-189345600'])
      expect(chainOf(ownedBy('Workflow', name), {})).toHaveLength(1);
  });
});

it('the driver of a Spark application is known by its label, if nothing else than an application controls it', () => {
  const isDriver = (owner: OwnerReference | undefined, role = 'driver') =>
    isSparkDriver(aKnownPod({ owner, labels: { 'spark-role': role } }));
  expect(isDriver(ownedBy('SparkApplication', 'pi'))).toBe(true);
  expect(isDriver(undefined)).toBe(true);
  expect(isDriver(undefined, 'executor')).toBe(false);
  expect(isDriver(ownedBy('StatefulSet', 'db'))).toBe(false);
  expect(isDriver({ ...ownedBy('SparkApplication', 'pi'), apiVersion: 'example.com/v1' })).toBe(false);
});
