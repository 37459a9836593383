import type { Pod as RawPod } from 'kubernetes-types/core/v1.d.ts';
import { controllerOf } from './object.ts';

/** What Argo makes of the end of the pod that runs one step of a Workflow. */
export interface WorkflowStep {
  /** The ends that it retries, as its `retryPolicy` names them; undefined where it retries none. */
  readonly retries: string | undefined;
  /** Argo keeps a deleted pod until it has read how its containers ended: the step has Failed then, and is no Error. */
  readonly isReadToTheEnd: boolean;
}

/** The step that a pod runs; undefined for a pod of no Workflow. Never throws. */
export const workflowStepOf = ({ metadata, spec }: RawPod): WorkflowStep | undefined => {
  const controller = controllerOf(metadata);
  if (controller?.kind !== 'Workflow' || controller.group !== 'argoproj.io') return undefined;
  const containers = [...(spec?.initContainers ?? []), ...(spec?.containers ?? [])];
  const [template] = containers.flatMap(({ env }) => env?.find(({ name }) => name === 'ARGO_TEMPLATE') ?? []);
  return {
    retries: retriesOf(template?.value),
    isReadToTheEnd: metadata?.finalizers?.includes('workflows.argoproj.io/status') ?? false,
  };
};

// Argo writes a longer one into a ConfigMap (its maxEnvVarLen).
const longestTemplate = 131_072;

const retriesOf = (template: string | undefined): string | undefined => {
  if (!template || template.length > longestTemplate) return undefined;
  try {
    const { retryStrategy } = JSON.parse(template) as { readonly retryStrategy?: RetryStrategy };
    if (!retryStrategy) return undefined;
    // As RetryPolicyActual of argo-workflows has it.
    const { retryPolicy, expression } = retryStrategy;
    return typeof retryPolicy === 'string' && retryPolicy ? retryPolicy : expression ? 'Always' : 'OnFailure';
  } catch {
    return undefined;
  }
};

interface RetryStrategy {
  readonly retryPolicy?: unknown;
  readonly expression?: unknown;
}
