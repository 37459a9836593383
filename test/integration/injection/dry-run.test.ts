import type { Deployment } from 'kubernetes-types/apps/v1.js';
import { beforeAll, expect, test } from 'vitest';
import { workloadTemplates } from '../../../cdk8s/manifests.ts';
import { aPolicy, manifestOf } from '../../builders/policy.ts';
import { aDeployment } from '../../builders/workloads.ts';
import { aNamespace, sharedCluster, waitFor } from '../harness/cluster.ts';
import { applyAll, aProgrammedPolicy, create, pathTo, readyPods, statusOf } from '../harness/objects.ts';
import { admit, aPod, governorOf, spotAnnotations } from './admitted.ts';

const cluster = await sharedCluster();
const { admin, kubectl } = cluster;

beforeAll(async () => {
  await applyAll(cluster, workloadTemplates());
});

test('a policy in DryRun tells what it would govern, and changes no answer of admission', async () => {
  const namespace = await aNamespace();
  await aProgrammedPolicy(admin, namespace, aPolicy({ name: 'web' }));
  await create(admin, namespace, aDeployment({ replicas: 2 }));
  const pods = await readyPods(admin, namespace, 'web', 2);
  const spec = { mode: 'DryRun', priority: 10, selector: {} } as const;
  await create(admin, namespace, manifestOf(aPolicy({ name: 'trial', spec })));
  const { dryRun, conditions } = await waitFor('the trial to be judged', async () => {
    const status = await statusOf(admin, namespace, 'trial');
    return status.dryRun?.pods === 2 && status;
  });
  expect(dryRun).toEqual({
    pods: 2,
    taken: [{ policy: `SpotPolicy/${namespace}/web`, pods: 2 }],
    samples: pods.map(({ metadata }) => `${namespace}/${metadata?.name}`).toSorted(),
  });
  expect(conditions?.find(({ type }) => type === 'Ready')).toMatchObject({
    status: 'True',
    reason: 'DryRun',
  });
  const { stdout } = await waitFor('the Event', async () => {
    const events = await kubectl(['-n', namespace, 'get', 'events', '--field-selector', 'reason=DryRun']);
    return /it would govern 2 pods, taking 2 from/.test(events.stdout) && events;
  });
  expect(stdout).toContain('spotpolicy/trial');
  expect(governorOf(await admit(admin, namespace, aPod()))).toBe('web');

  await admin.patch(pathTo('SpotPolicy', namespace, 'trial'), { spec: { mode: 'Enforce' } });
  await waitFor(
    'the trial to take over',
    async () => governorOf(await admit(admin, namespace, aPod())) === 'trial',
  );
  await waitFor('what it would do to be of no interest', async () => {
    const status = await statusOf(admin, namespace, 'trial');
    return status.conditions?.some(({ reason }) => reason === 'Programmed') && status.dryRun === undefined;
  });
});

test('a policy in DryRun at Workload tells what it would write into which pod template, and writes it once enforced', async () => {
  const namespace = await aNamespace();
  for (const name of ['a', 'b', 'c', 'd']) await create(admin, namespace, aDeployment({ name, replicas: 0 }));
  const spec = { mode: 'DryRun', selector: {}, injection: { at: 'Workload' } } as const;
  await create(admin, namespace, manifestOf(aPolicy({ name: 'trial', spec })));
  const judged = (generation: number) =>
    waitFor(`generation ${generation} to be judged`, async () => {
      const { observedGeneration, dryRun } = await statusOf(admin, namespace, 'trial');
      if (observedGeneration === generation && dryRun?.templates) return dryRun.templates;
      return Promise.reject(new Error(JSON.stringify(dryRun)));
    });
  const { total, samples } = await judged(1);
  expect(total).toBe(4);
  expect(samples.map(({ kind, name }) => `${kind} ${name}`)).toEqual(
    ['a', 'b', 'c'].map((name) => `Deployment ${name}`),
  );
  expect(samples[0]?.annotations).toMatchObject(spotAnnotations);
  expect(samples[0]?.labels).toEqual({ 'spotpolicy.dev/capacity': 'spot' });
  const templateOf = async (name: string) => {
    const { metadata, spec: now } = await admin.get<Deployment>(pathTo('Deployment', namespace, name));
    return { generation: metadata?.generation, metadata: now?.template.metadata };
  };

  // An edit wakes whatever may write; it was dealt with, and nothing has been written.
  await admin.patch(pathTo('SpotPolicy', namespace, 'trial'), { spec: { priority: 1 } });
  expect(await judged(2)).toEqual({ total, samples });
  expect(await templateOf('a')).toMatchObject({ generation: 1, metadata: { labels: { app: 'a' } } });
  await admin.patch(pathTo('SpotPolicy', namespace, 'trial'), { spec: { mode: 'Enforce' } });
  const written = await waitFor('the template to be written', async () => {
    const seen = await templateOf('a');
    return seen.generation === 2 ? seen : Promise.reject(new Error(JSON.stringify(seen)));
  });
  expect(written.metadata).toEqual({
    annotations: samples[0]?.annotations,
    labels: { app: 'a', ...samples[0]?.labels },
  });
});
