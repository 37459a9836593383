import { expect, test } from 'vitest';
import { workloadTemplates } from '../../../cdk8s/manifests.ts';
import { startReplica } from '../../../hack/cluster/operator.ts';
import { aPolicy } from '../../builders/policy.ts';
import { aDeployment } from '../../builders/workloads.ts';
import { aNamespace, waitFor } from '../harness/cluster.ts';
import { create, pathTo, statusOf } from '../harness/objects.ts';
import { anOwnCluster } from '../harness/operator.ts';

// What the shared cluster grants for good is not there at first: whoever installs the operator chooses it.
test('without the right to patch workloads a policy says which ClusterRole it lacks, until that is installed', async () => {
  const cluster = await anOwnCluster();
  const { admin, kubectl } = cluster;
  await startReplica(cluster);
  const namespace = await aNamespace({ cluster });
  const deployment = await create(admin, namespace, aDeployment());
  const spec = { selector: {}, injection: { at: 'Workload' } as const };
  const { apiVersion, kind, ...policy } = aPolicy({ name: 'spot', spec });
  await create(admin, namespace, { apiVersion, kind, metadata: { name: 'spot' }, spec: policy.spec });
  const conditionOf = async (reason: string) => {
    const { conditions = [] } = await statusOf(admin, namespace, 'spot');
    const found = conditions.find(({ type }) => type === 'Programmed');
    return found?.reason === reason ? found : Promise.reject(new Error(JSON.stringify(conditions)));
  };

  const { status, message } = await waitFor('the missing right to be told', () => conditionOf('Forbidden'));
  expect(status).toBe('False');
  expect(message).toContain(`Deployment ${namespace}/web`);
  const items = workloadTemplates();
  const role = items.find((item) => item.kind === 'ClusterRole')?.metadata.name;
  expect(message).toContain(`install the ClusterRole ${role}`);
  const untouched = await admin.get<typeof deployment>(pathTo('Deployment', namespace, 'web'));
  expect(untouched.metadata?.generation).toBe(1);

  await kubectl(
    ['apply', '--server-side', '-f', '-'],
    JSON.stringify({ apiVersion: 'v1', kind: 'List', items }),
  );
  await waitFor('the right to be used', () => conditionOf('Programmed'), { timeoutMs: 90_000 });
  const written = await admin.get<typeof deployment>(pathTo('Deployment', namespace, 'web'));
  expect(written.spec?.template.metadata?.annotations).toMatchObject({
    'spotpolicy.dev/policy': `SpotPolicy/${namespace}/spot`,
  });
});
