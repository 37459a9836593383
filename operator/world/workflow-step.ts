import type { Pod as RawPod } from 'kubernetes-types/core/v1.d.ts';
import { controllerOf } from './object.ts';

const retryPolicies = ['Always', 'OnFailure', 'OnError', 'OnTransientError'] as const;

/** Which ends of a pod Argo retries. */
export type RetryPolicy = (typeof retryPolicies)[number];

/** What Argo makes of the end of the pod that runs one step of a Workflow. */
export interface WorkflowStep {
  /** Its `retryPolicy`; null where its template has no retryStrategy, undefined where the template cannot be read. */
  readonly retries: RetryPolicy | null | undefined;
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

const retriesOf = (template: string | undefined): WorkflowStep['retries'] => {
  if (!template || template.length > longestTemplate) return undefined;
  try {
    const { retryStrategy } = JSON.parse(template) as { readonly retryStrategy?: RetryStrategy };
    if (!retryStrategy) return null;
    // As RetryPolicyActual of argo-workflows has it.
    const policy = retryStrategy.retryPolicy || (retryStrategy.expression ? 'Always' : 'OnFailure');
    return retryPolicies.find((each) => each === policy);
  } catch {
    return undefined;
  }
};

interface RetryStrategy {
  readonly retryPolicy?: unknown;
  readonly expression?: unknown;
}
