import type { Pod } from 'kubernetes-types/core/v1.js';
import { expect, test } from 'vitest';
import { workloadRights, workloadTemplates } from '../../../cdk8s/manifests.ts';
import { startReplica } from '../../../hack/cluster/operator.ts';
import { aPolicy, manifestOf } from '../../builders/policy.ts';
import { aNamespace } from '../harness/cluster.ts';
import { applyAll, create, pathTo } from '../harness/objects.ts';
import { anOwnCluster } from '../harness/operator.ts';
import type { Condition } from '../../../operator/api/index.ts';
import { aPod } from './admitted.ts';
import { isWritten, lookUntil, programmedOnce } from './pod-templates.ts';
import { createForeign, define, foreign, pathToForeign, wholeSpec } from '../workloads/foreign-kinds.ts';

// A cluster of its own, in which nothing is opened to the operator, and one of the definitions is a minimal one.
const cluster = await anOwnCluster();
const { admin } = cluster;

/** What whoever installs the operator adds: the rights to read Argo's kinds and to write pod templates. */
const open = (): Promise<unknown> =>
  applyAll(cluster, [...workloadRights('argoproj.io'), ...workloadTemplates()]);

const workflow = { entrypoint: 'main', templates: [{ name: 'main' }] };
const policy = manifestOf(aPolicy({ name: 'spot', spec: { selector: {}, injection: { at: 'Workload' } } }));

const patience = { timeoutMs: 60_000 };

const cronWorkflowBecomes = (namespace: string, name: string, written: boolean): Promise<unknown> => {
  const path = pathToForeign(foreign('CronWorkflow'), namespace, name);
  return lookUntil(admin, 'CronWorkflow', path, (seen) => isWritten(seen) === written, patience);
};

test('templates that may not be read are named with the role that opens them, and those that have no parts are left alone', async () => {
  const replica = await startReplica(cluster);
  const cronWorkflow = foreign('CronWorkflow');
  const template = { ...foreign('WorkflowTemplate'), spec: wholeSpec };
  await define(cluster, [cronWorkflow, template]);
  const namespace = await aNamespace({ cluster });
  await createForeign(cluster, namespace, template, { name: 'minimal', spec: workflow });
  await createForeign(cluster, namespace, cronWorkflow, { name: 'full', spec: { workflowSpec: workflow } });
  await create(admin, namespace, policy);
  const programmed = async (part: string): Promise<string> => {
    const says = ({ status, message }: Condition) => status === 'True' && message.includes(part);
    return (await programmedOnce(admin, namespace, says, patience)).message;
  };
  const role = workloadRights('argoproj.io').find(({ kind }) => kind === 'ClusterRole')?.metadata.name;
  expect(await programmed('not seen')).toContain(
    `not seen: WorkflowTemplate.argoproj.io, CronWorkflow.argoproj.io, which the operator may read only with the ClusterRole ${role}`,
  );

  await open();
  const message = await programmed('not touched');
  expect(message).toContain(
    `not touched: WorkflowTemplate ${namespace}/minimal (its spec can only be written as a whole)`,
  );
  await cronWorkflowBecomes(namespace, 'full', true);
  const minimal = pathToForeign(template, namespace, 'minimal');
  expect(await admin.get(minimal)).toMatchObject({
    metadata: { generation: 1 },
    spec: workflow,
  });

  // Why it is left alone: whoever applies one key there means all of it, and takes the rest away where nobody objects.
  const body = {
    ...{ apiVersion: 'argoproj.io/v1alpha1', kind: 'WorkflowTemplate', metadata: { name: 'minimal' } },
    spec: { podMetadata: { annotations: { a: '1' } } },
  };
  const path = `${minimal}?fieldManager=somebody`;
  await expect(admin.patch(path, body, 'apply')).rejects.toThrow(/conflict/);
  await admin.patch(`${path}&force=true`, body, 'apply');
  expect(await admin.get(minimal)).toMatchObject({ spec: body.spec });
  expect(await admin.get(minimal)).not.toHaveProperty('spec.entrypoint');
  await replica.end('SIGTERM');
  // The next operator is to find no policy.
  await admin.delete(pathTo('SpotPolicy', namespace, 'spot'));
});

test('a template whose policy goes while no operator runs is released by the next one', async () => {
  const kinds = [foreign('CronWorkflow'), foreign('Workflow')] as const;
  await define(cluster, kinds);
  await open();
  const namespace = await aNamespace({ cluster });
  const spec = { workflowSpec: workflow };
  const owner = await createForeign(cluster, namespace, kinds[0], { name: 'nightly', spec });
  const run = await createForeign(cluster, namespace, kinds[1], { name: 'nightly-1', owner, spec: workflow });
  // The pod is what leads to the Workflow, and that to the CronWorkflow.
  await create(admin, namespace, aPod({ owner: run }) as Pod & { kind: string });
  const first = await startReplica(cluster);
  await create(admin, namespace, policy);
  await cronWorkflowBecomes(namespace, 'nightly', true);
  await first.end('SIGTERM');
  await admin.delete(pathTo('SpotPolicy', namespace, 'spot'));
  const next = await startReplica(cluster);
  await cronWorkflowBecomes(namespace, 'nightly', false);
  await next.end('SIGTERM');
});
