import { beforeAll, describe, expect, test } from 'vitest';
import type { SpotPolicySpecInput } from '../../../operator/api/spot-policy.ts';
import { aPolicy } from '../../builders/policy.ts';
import { aCronJob, aDeployment } from '../../builders/workloads.ts';
import { aNamespace, sharedCluster, waitFor } from '../harness/cluster.ts';
import { aProgrammedPolicy, create, pathTo, podsOf } from '../harness/objects.ts';
import { admit, aPod, governorOf, type PodWishes } from './admitted.ts';

const { admin, kubectl } = await sharedCluster();

const of = (app: string): Pick<SpotPolicySpecInput, 'selector'> => ({ selector: { matchLabels: { app } } });
const target = (kind: 'Deployment' | 'CronJob', name: string): Pick<SpotPolicySpecInput, 'targetRefs'> => ({
  targetRefs: [{ group: kind === 'Deployment' ? 'apps' : 'batch', kind, name }],
});
const targetOnly = { selector: undefined };

// Names are chosen so that the alphabet would decide otherwise wherever another rule should.
const specs: Readonly<Record<string, NonNullable<Parameters<typeof aPolicy>[0]>['spec']>> = {
  'a-low': of('by-priority'),
  'b-negative': { ...of('by-priority'), ...target('Deployment', 'by-priority'), priority: -1 },
  'z-high': { ...of('by-priority'), priority: 1 },
  'a-selecting': of('by-target'),
  'z-targeting': { ...targetOnly, ...target('Deployment', 'by-target') },
  first: of('by-name'),
  second: of('by-name'),
  'a-disabled': { ...of('by-mode'), mode: 'Disabled', priority: 1000 },
  'z-enforced': of('by-mode'),
  cron: { ...targetOnly, ...target('CronJob', 'nightly') },
  both: { ...of('by-both'), ...target('Deployment', 'by-both') },
};

let namespace: string;
beforeAll(async () => {
  namespace = await aNamespace();
  const { 'a-disabled': disabled, ...governing } = specs;
  await create(admin, namespace, {
    ...aPolicy(),
    metadata: { name: 'a-disabled' },
    spec: aPolicy({ spec: disabled }).spec,
  });
  await Promise.all(
    Object.entries(governing).map(([name, spec]) =>
      aProgrammedPolicy(admin, namespace, aPolicy({ name, spec })),
    ),
  );
});

const governorOfNew = async (wishes: PodWishes): Promise<string | undefined> =>
  governorOf(await admit(admin, namespace, aPod(wishes)));

const replicaSet = (name: string): PodWishes['owner'] => ({
  apiVersion: 'apps/v1',
  kind: 'ReplicaSet',
  name,
});
const hash = (value: string): Record<string, string> => ({ 'pod-template-hash': value });

describe.concurrent('of several policies on one pod governs', () => {
  test('the one of the highest priority, whatever else speaks for another', async () => {
    expect(await governorOfNew({ app: 'by-priority' })).toBe('z-high');
  });

  test('the one that names the workload before one that only selects', async () => {
    const ofDeployment = { owner: replicaSet('by-target-5d4f'), labels: hash('5d4f') };
    expect(await governorOfNew({ app: 'by-target', ...ofDeployment })).toBe('z-targeting');
    expect(await governorOfNew({ app: 'by-target' })).toBe('a-selecting');
  });

  test('the first by name where nothing else tells them apart', async () => {
    expect(await governorOfNew({ app: 'by-name' })).toBe('first');
  });

  test('none that is disabled', async () => {
    expect(await governorOfNew({ app: 'by-mode' })).toBe('z-enforced');
  });

  test('only one that selects the pod and names its workload, where it asks for both', async () => {
    const owner = replicaSet('by-both-5d4f');
    expect(await governorOfNew({ app: 'by-both', owner, labels: hash('5d4f') })).toBe('both');
    expect(await governorOfNew({ app: 'other', owner, labels: hash('5d4f') })).toBeUndefined();
    expect(await governorOfNew({ app: 'by-both' })).toBeUndefined();
  });
});

describe.concurrent('a policy that names a workload governs its pods', () => {
  test('the first pod of a Deployment, created milliseconds after it', async () => {
    await create(admin, namespace, aDeployment({ name: 'by-target', replicas: 3 }));
    const pods = await waitFor('pods of the Deployment', async () => {
      const found = await podsOf(admin, namespace, 'by-target');
      return found.length === 3 && found;
    });
    expect(pods.map(governorOf)).toEqual(Array(3).fill('z-targeting'));
  });

  test('the pods of a CronJob, whether the Job was started by the clock or by a person', async () => {
    const cronJob = aCronJob();
    await create(admin, namespace, { ...cronJob, spec: { ...cronJob.spec, suspend: true } });
    const start = (job: string) => kubectl(['-n', namespace, 'create', 'job', job, '--from=cronjob/nightly']);
    await start('nightly-29000001');
    const [pod] = await waitFor('a pod of the CronJob', async () => {
      const found = await podsOf(admin, namespace, 'nightly');
      return found.length > 0 && found;
    });
    expect(pod && governorOf(pod)).toBe('cron');

    await start('by-hand');
    const { metadata } = await admin.get(pathTo('Job', namespace, 'by-hand'));
    const owner = { apiVersion: 'batch/v1', kind: 'Job', name: 'by-hand', uid: metadata?.uid ?? '' };
    // Its name says nothing of the CronJob: until the Job has been seen, nobody can know.
    await waitFor('its pods to be governed', async () => (await governorOfNew({ owner })) === 'cron');
  });

  test('before the ReplicaSet or Job has been seen: by the names that their controllers give', async () => {
    const job = (name: string) => ({ apiVersion: 'batch/v1', kind: 'Job', name });
    expect(await governorOfNew({ owner: job('nightly-29000002') })).toBe('cron');
    expect(await governorOfNew({ owner: job('nightly') })).toBeUndefined();
    expect(await governorOfNew({ owner: job('nightly-report-29000002') })).toBeUndefined();
    expect(
      await governorOfNew({ owner: replicaSet('by-target-extra-5d4f'), labels: hash('5d4f') }),
    ).toBeUndefined();
    expect(await governorOfNew({ owner: replicaSet('by-target-5d4f') })).toBeUndefined();
    const rollout = { apiVersion: 'argoproj.io/v1alpha1', kind: 'ReplicaSet', name: 'by-target-5d4f' };
    expect(await governorOfNew({ owner: rollout, labels: hash('5d4f') })).toBeUndefined();
  });
});

test('when the governing policy goes, the next one takes its place', async () => {
  const remove = (name: string) => admin.delete(pathTo('SpotPolicy', namespace, name));
  await remove('z-high');
  await waitFor(
    'the next policy to govern',
    async () => (await governorOfNew({ app: 'by-priority' })) === 'a-low',
  );
  await remove('a-low');
  await waitFor('the last policy to govern', async () => {
    const owner = replicaSet('by-priority-5d4f');
    return (await governorOfNew({ app: 'by-priority', owner, labels: hash('5d4f') })) === 'b-negative';
  });
});
