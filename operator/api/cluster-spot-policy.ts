import { z } from 'zod';
import { choiceRules, selectsPods } from './choice-rules.ts';
import { labelSelector } from './label-selector.ts';
import type { apiVersion, clusterSpotPolicyNames, PolicyMetadata } from './metadata.ts';
import { obeying } from './rules.ts';
import { policyFields } from './spec-fields.ts';
import type { SpotPolicyStatus } from './status.ts';

const scope = {
  namespaceSelector: labelSelector('namespace').describe(
    'The namespaces in which this policy governs pods, by their labels, followed as they change; {} takes every namespace. Never kube-system, the namespace of the operator, or one labelled spotpolicy.dev/inject: "false".',
  ),
  precedence: z
    .enum(['Defaults', 'Overrides'])
    .default('Defaults')
    .describe(
      'Defaults yields to every SpotPolicy of the namespace that takes the pod. Overrides goes before all of them and before the pod label spotpolicy.dev/inject: "false", and writes its annotations as with injection.existing Overwrite.',
    ),
};

/** The spec of a ClusterSpotPolicy: what the API server accepts, with the defaults it fills in. */
export const clusterSpotPolicySpec = obeying(z.object(policyFields(scope)), [
  selectsPods,
  ...choiceRules,
]).describe('What the policy asks for.');

/** A spec as users write it. */
export type ClusterSpotPolicySpecInput = z.input<typeof clusterSpotPolicySpec>;

/** A spec as the API server stores it, with the defaults of the objects that are there. */
export type ClusterSpotPolicySpec = z.output<typeof clusterSpotPolicySpec>;

/** A ClusterSpotPolicy as the API server hands it out. Its spec passed the schema of its time, so it is parsed again before use. */
export interface ClusterSpotPolicyObject {
  readonly apiVersion: typeof apiVersion;
  readonly kind: (typeof clusterSpotPolicyNames)['kind'];
  readonly metadata: Omit<PolicyMetadata, 'namespace'>;
  readonly spec: ClusterSpotPolicySpecInput;
  readonly status?: SpotPolicyStatus;
}
