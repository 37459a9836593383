import type { Kube } from '../kube/kube.ts';
import { isForbidden, isNotFound, KubeError } from '../kube/errors.ts';
import { type Resource, resources } from '../kube/resources.ts';
import type { KubeObject } from '../kube/types.ts';
import { generationIn, probeName } from './probe.ts';
import type { Owned, Recovery } from '../policy/template-gift.ts';
import { appliedObject, removalPatch } from './template.ts';
import type { TemplateAnswer, TemplateRefusal } from './template-step.ts';
import type { Policy } from '../world/policy.ts';
import { type Templated, type TemplateKind, templateManager } from '../world/template.ts';
import type { WebhookConfiguration } from './webhook.ts';

/**
 * Makes the configuration what it should be, whatever others wrote into it; returns its resourceVersion. `fieldManager` is the
 * name that the API server keeps of the writer. Throws KubeError.
 */
export const applyWebhook = async (
  kube: Kube,
  body: WebhookConfiguration,
  fieldManager: string,
  signal: AbortSignal,
): Promise<string> => {
  const { mutatingWebhookConfigurations: resource } = resources;
  const { name } = body.metadata;
  const options = { fieldManager, signal };
  try {
    // A merge patch replaces the list of webhooks as a whole; server-side apply would keep what others added to it.
    const patched = await kube.patch<KubeObject>(resource, { name }, { type: 'merge', body }, options);
    return patched.metadata.resourceVersion;
  } catch (error) {
    if (!isNotFound(error)) throw error;
    return (await kube.create<KubeObject>(resource, body, options)).metadata.resourceVersion;
  }
};

/** Takes the configuration away; one that is not there is fine. Throws KubeError. */
export const removeWebhook = async (kube: Kube, name: string, signal: AbortSignal): Promise<void> => {
  try {
    await kube.delete(resources.mutatingWebhookConfigurations, { name }, { signal });
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
};

/** Asks the API server for the dry-run eviction, in a namespace of the policy, that only our webhook refuses. Returns what stood in the way, or undefined. */
export const probeAdmission = async (
  kube: Kube,
  policy: Policy,
  namespace: string,
  nonce: string,
  signal: AbortSignal,
): Promise<string | undefined> => {
  const name = probeName(policy, nonce);
  const answer = await kube.evict({ namespace, name }, { uid: nonce, dryRun: true, signal });
  const text = 'message' in answer ? answer.message : '';
  const generation = generationIn(text, name);
  if (generation === undefined) {
    return `the API server does not reach admission yet (a dry-run eviction answered ${answer.kind}${text && `: ${text}`})`;
  }
  return generation >= policy.generation
    ? undefined
    : 'admission has not seen this generation of the policy yet';
};

// Of the others no template is ever written, and no right to do so is asked for.
const templateResources: Readonly<Partial<Record<TemplateKind, Resource<'patch'>>>> = {
  Deployment: resources.deploymentTemplates,
  ReplicaSet: resources.replicaSetTemplates,
  StatefulSet: resources.statefulSetTemplates,
  Job: resources.jobTemplates,
  CronJob: resources.cronJobTemplates,
  Service: resources.knativeServiceTemplates,
  Rollout: resources.argoRolloutTemplates,
  WorkflowTemplate: resources.argoWorkflowTemplates,
  CronWorkflow: resources.argoCronWorkflowTemplates,
};

/**
 * Makes our field manager own exactly `owned` of the workload's template, and takes away what `recovery` names. Only values
 * that are ours are forced, and only in the version of the object that was decided on. Whatever happens is an answer; it
 * never throws.
 */
export const writeTemplate = async (
  kube: Kube,
  workload: Templated,
  { owned, recovery }: { readonly owned: Owned; readonly recovery: Recovery | undefined },
  signal: AbortSignal,
): Promise<TemplateAnswer> => {
  const force = recovery?.force === true;
  const body = appliedObject(workload, owned, force);
  try {
    const resource = templateResources[workload.kind];
    if (!resource) throw new Error(`the template of a ${workload.kind} cannot be written`);
    await kube.patch(
      resource,
      workload,
      { type: 'apply', body, fieldManager: templateManager, force },
      { signal },
    );
    const removal = recovery ? removalPatch(workload, recovery.removed) : [];
    // One that only tests the UID has nothing to take away.
    if (removal.length > 1) await kube.patch(resource, workload, { type: 'json', body: removal }, { signal });
    return { kind: 'Written' };
  } catch (error) {
    return refusalOf(error);
  }
};

const refusalOf = (error: unknown): TemplateRefusal => {
  const causes = error instanceof KubeError ? error.causes : [];
  const conflicts = causes.filter(({ reason }) => reason === 'FieldManagerConflict');
  if (conflicts.length > 0) {
    const message = conflicts.map(({ message: who, field }) => `${field}: ${who}`).join(', ');
    return { kind: 'Refused', reason: 'FieldManagerConflict', message, forGood: true };
  }
  const message = error instanceof Error ? error.message : String(error);
  return { kind: 'Refused', reason: isForbidden(error) ? 'Forbidden' : 'Refused', message, forGood: false };
};
