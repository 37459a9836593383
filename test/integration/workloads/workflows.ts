import type { Pod } from 'kubernetes-types/core/v1.js';
import type { Access } from '../../../hack/cluster/access.ts';
import { create, pathTo } from '../harness/objects.ts';
import { kinder, podTemplate, spotAnnotations } from '../harness/pods.ts';
import { controlling, createForeign, foreign, pathToForeign } from './foreign-kinds.ts';
import { playController } from './stand-in.ts';

/** What a test wants of the one step of a Workflow. */
export interface StepWishes {
  readonly retryStrategy?: { readonly limit?: string; readonly retryPolicy?: string };
  /** Argo keeps a deleted pod until it has read how its containers ended. */
  readonly isReadToTheEnd?: boolean;
}

interface Workflow {
  readonly metadata: {
    readonly name: string;
    readonly uid: string;
    readonly labels?: Record<string, string>;
  };
  readonly spec: StepWishes;
}

const kind = foreign('Workflow');
const finalizer = 'workflows.argoproj.io/status';
const completed = 'workflows.argoproj.io/completed';
const graceSeconds = 2;

/** Creates a Workflow of one step, whose pods nobody creates unless `playWorkflows` does. */
export const createWorkflow = async (
  access: Pick<Access, 'admin'>,
  namespace: string,
  name: string,
  spec: StepWishes,
): Promise<void> => void (await createForeign(access, namespace, kind, { name, spec }));

const aStepOf = ({ metadata, spec }: Workflow, attempt: number): Pod => {
  const { retryStrategy, isReadToTheEnd } = spec;
  const env = [{ name: 'ARGO_TEMPLATE', value: JSON.stringify({ name: 'main', retryStrategy }) }];
  const containers = [{ name: 'main', image: 'example/main:1', env }];
  return {
    ...{ apiVersion: 'v1', kind: 'Pod' },
    ...podTemplate({
      spec: { containers, restartPolicy: 'Never', terminationGracePeriodSeconds: graceSeconds },
    }),
    metadata: {
      name: `${metadata.name}-${attempt}`,
      labels: { app: metadata.name, 'workflows.argoproj.io/workflow': metadata.name, [completed]: 'false' },
      annotations: { ...spotAnnotations, ...kinder.killedBySigterm },
      ownerReferences: [controlling({ apiVersion: 'argoproj.io/v1alpha1', kind: 'Workflow', metadata })],
      ...(isReadToTheEnd && { finalizers: [finalizer] }),
    },
  };
};

type End = 'Succeeded' | 'Failed' | 'Error';

/** Stands in for Argo Workflows 3.7 in a namespace until the end of the file, as it was measured beside virtual nodes. */
export const playWorkflows = (admin: Access['admin'], namespace: string): void => {
  /** How many pods of a Workflow there have been, by its name. */
  const attempts = new Map<string, number>();
  const start = async (workflow: Workflow): Promise<void> => {
    const attempt = attempts.get(workflow.metadata.name) ?? 0;
    attempts.set(workflow.metadata.name, attempt + 1);
    await create(admin, namespace, aStepOf(workflow, attempt));
  };
  playController(admin, namespace, kind, async (workflow: Workflow, pods: readonly Pod[]) => {
    const { name, labels = {} } = workflow.metadata;
    if (labels[completed] === 'true') return;
    const attempt = attempts.get(name);
    if (attempt === undefined) return start(workflow);
    const last = pods.find(({ metadata }) => metadata?.name === `${name}-${attempt - 1}`);
    const end = endOf(last);
    if (!end) return;
    if (last?.metadata?.finalizers?.includes(finalizer))
      await admin.patch(pathTo('Pod', namespace, last.metadata.name), { metadata: { finalizers: null } });
    if (isRetried(workflow.spec, end, attempt)) return start(workflow);
    await admin.patch(pathToForeign(kind, namespace, name), {
      metadata: { labels: { [completed]: 'true', 'workflows.argoproj.io/phase': end } },
    });
  });
};

// A pod that somebody deletes is read only where its finalizer keeps it: of others Argo says "pod deleted".
const endOf = (pod: Pod | undefined): End | undefined => {
  if (!pod) return 'Error';
  const { metadata, status } = pod;
  if (metadata?.deletionTimestamp && !metadata.finalizers?.includes(finalizer)) return undefined;
  return status?.phase === 'Failed' || status?.phase === 'Succeeded' ? status.phase : undefined;
};

// As processNodeRetries of Argo's workflow/controller/operator.go has it.
const isRetried = ({ retryStrategy }: StepWishes, end: End, attempts: number): boolean => {
  if (!retryStrategy || end === 'Succeeded') return false;
  const { limit = '100', retryPolicy = 'OnFailure' } = retryStrategy;
  if (attempts > Number(limit)) return false;
  return retryPolicy === 'Always' || retryPolicy === (end === 'Failed' ? 'OnFailure' : 'OnError');
};
