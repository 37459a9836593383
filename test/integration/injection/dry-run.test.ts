import { expect, test } from 'vitest';
import { aPolicy, manifestOf } from '../../builders/policy.ts';
import { aDeployment } from '../../builders/workloads.ts';
import { aNamespace, sharedCluster, waitFor } from '../harness/cluster.ts';
import { aProgrammedPolicy, create, pathTo, readyPods, statusOf } from '../harness/objects.ts';
import { admit, aPod, governorOf } from './admitted.ts';

const { admin, kubectl } = await sharedCluster();

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
