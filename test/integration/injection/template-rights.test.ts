import { expect, test } from 'vitest';
import { workloadTemplates } from '../../../cdk8s/manifests.ts';
import { startReplica } from '../../../hack/cluster/operator.ts';
import { aPolicy } from '../../builders/policy.ts';
import { aDeployment } from '../../builders/workloads.ts';
import { aNamespace } from '../harness/cluster.ts';
import { applyAll, create, pathTo } from '../harness/objects.ts';
import { anOwnCluster } from '../harness/operator.ts';
import { programmedOnce } from './pod-templates.ts';

// What the shared cluster grants for good is not there at first: whoever installs the operator chooses it.
test('without the right to patch workloads a policy says which ClusterRole it lacks, until that is installed', async () => {
  const cluster = await anOwnCluster();
  const { admin } = cluster;
  await startReplica(cluster);
  const namespace = await aNamespace({ cluster });
  const deployment = await create(admin, namespace, aDeployment());
  const spec = { selector: {}, injection: { at: 'Workload' } as const };
  const { apiVersion, kind, ...policy } = aPolicy({ name: 'spot', spec });
  await create(admin, namespace, { apiVersion, kind, metadata: { name: 'spot' }, spec: policy.spec });
  const { status, message } = await programmedOnce(admin, namespace, ({ reason }) => reason === 'Forbidden');
  expect(status).toBe('False');
  expect(message).toContain(`Deployment ${namespace}/web`);
  const items = workloadTemplates();
  const role = items.find((item) => item.kind === 'ClusterRole')?.metadata.name;
  expect(message).toContain(`install the ClusterRole ${role}`);
  const untouched = await admin.get<typeof deployment>(pathTo('Deployment', namespace, 'web'));
  expect(untouched.metadata?.generation).toBe(1);

  await applyAll(cluster, items);
  await programmedOnce(admin, namespace, ({ reason }) => reason === 'Programmed', { timeoutMs: 90_000 });
  const written = await admin.get<typeof deployment>(pathTo('Deployment', namespace, 'web'));
  expect(written.spec?.template.metadata?.annotations).toMatchObject({
    'spotpolicy.dev/policy': `SpotPolicy/${namespace}/spot`,
  });
});
