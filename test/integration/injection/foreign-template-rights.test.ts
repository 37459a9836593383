import type { ObjectMeta } from 'kubernetes-types/meta/v1.js';
import { expect, test } from 'vitest';
import { workloadRights, workloadTemplates } from '../../../cdk8s/manifests.ts';
import { startReplica } from '../../../hack/cluster/operator.ts';
import { aPolicy, manifestOf } from '../../builders/policy.ts';
import { aNamespace, waitFor } from '../harness/cluster.ts';
import { create, statusOf } from '../harness/objects.ts';
import { anOwnCluster } from '../harness/operator.ts';
import { createForeign, define, foreign, wholeSpec } from '../workloads/foreign-kinds.ts';

// A cluster of its own, in which nothing is opened to the operator, and one of the definitions is a minimal one.
test('templates that may not be read are named with the role that opens them, and those that have no parts are left alone', async () => {
  const cluster = await anOwnCluster();
  const { admin, kubectl } = cluster;
  await startReplica(cluster);
  const cronWorkflow = foreign('CronWorkflow');
  const template = { ...foreign('WorkflowTemplate'), spec: wholeSpec };
  await define(cluster, [cronWorkflow, template]);
  const namespace = await aNamespace({ cluster });
  const workflow = { entrypoint: 'main', templates: [{ name: 'main' }] };
  await createForeign(cluster, namespace, template, { name: 'minimal', spec: workflow });
  await createForeign(cluster, namespace, cronWorkflow, { name: 'full', spec: { workflowSpec: workflow } });
  const spec = { selector: {}, injection: { at: 'Workload' } as const };
  await create(admin, namespace, manifestOf(aPolicy({ name: 'spot', spec })));
  const programmed = (part: string): Promise<string> =>
    waitFor(
      `Programmed to say ${part}`,
      async () => {
        const { conditions = [] } = await statusOf(admin, namespace, 'spot');
        const { status, message = '' } = conditions.find(({ type }) => type === 'Programmed') ?? {};
        return status === 'True' && message.includes(part)
          ? message
          : Promise.reject(new Error(JSON.stringify(conditions)));
      },
      { timeoutMs: 60_000 },
    );
  const role = workloadRights('argoproj.io').find(({ kind }) => kind === 'ClusterRole')?.metadata.name;
  expect(await programmed('not seen')).toContain(
    `not seen: WorkflowTemplate.argoproj.io, CronWorkflow.argoproj.io, which the operator may read only with the ClusterRole ${role}`,
  );

  const items = [...workloadRights('argoproj.io'), ...workloadTemplates()];
  const list = JSON.stringify({ apiVersion: 'v1', kind: 'List', items });
  await kubectl(['apply', '--server-side', '-f', '-'], list);
  const message = await programmed('not touched');
  expect(message).toContain(
    `not touched: WorkflowTemplate ${namespace}/minimal (its spec can only be written as a whole)`,
  );
  const pathOf = (plural: string, name: string) =>
    `/apis/argoproj.io/v1alpha1/namespaces/${namespace}/${plural}/${name}`;
  await waitFor('the other one to be written', async () => {
    const { spec: now } = await admin.get<{ spec: { workflowSpec: { podMetadata?: ObjectMeta } } }>(
      pathOf('cronworkflows', 'full'),
    );
    return now.workflowSpec.podMetadata?.annotations?.['spotpolicy.dev/policy'] !== undefined;
  });
  expect(await admin.get(pathOf('workflowtemplates', 'minimal'))).toMatchObject({
    metadata: { generation: 1 },
    spec: workflow,
  });

  // Why it is left alone: whoever applies one key there means all of it, and takes the rest away where nobody objects.
  const body = {
    ...{ apiVersion: 'argoproj.io/v1alpha1', kind: 'WorkflowTemplate', metadata: { name: 'minimal' } },
    spec: { podMetadata: { annotations: { a: '1' } } },
  };
  const path = `${pathOf('workflowtemplates', 'minimal')}?fieldManager=somebody`;
  await expect(admin.patch(path, body, 'apply')).rejects.toThrow(/conflict/);
  await admin.patch(`${path}&force=true`, body, 'apply');
  expect(await admin.get(pathOf('workflowtemplates', 'minimal'))).toMatchObject({ spec: body.spec });
  expect(await admin.get(pathOf('workflowtemplates', 'minimal'))).not.toHaveProperty('spec.entrypoint');
});
