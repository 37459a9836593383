import { z } from 'zod';
import type { apiVersion, PolicyMetadata, spotPolicyNames } from './metadata.ts';
import { dnsSubdomain, matching, obeying } from './rules.ts';
import { policyFields } from './spec-fields.ts';
import { choiceRules, selectsSomething } from './choice-rules.ts';
import type { SpotPolicyStatus } from './status.ts';

// Kubernetes bounds the names of objects and API groups at 253 characters and those of kinds at 63.
const targetRef = z
  .object({
    group: obeying(z.string().max(253), [
      matching(
        `^(${dnsSubdomain})?$`,
        'must be an API group such as "apps", without its version; "" is the core group',
      ),
    ]).describe('The API group of the workload, without its version; "" is the core group.'),
    kind: obeying(z.string().max(63), [
      matching('^[A-Za-z]([A-Za-z0-9-]*[A-Za-z0-9])?$', 'must be a kind such as "Deployment"'),
    ]).describe('The kind of the workload, as "Deployment".'),
    name: obeying(z.string().max(253), [
      matching(`^${dnsSubdomain}$`, 'must be the name of an object: lower-case letters, digits, "-" and "."'),
    ]).describe('The name of the workload, in the namespace of the policy.'),
  })
  .describe('A workload whose pods the policy governs.');

const targetRefs = z
  .array(targetRef)
  .max(16)
  .meta({ 'x-kubernetes-list-type': 'atomic' })
  .describe(
    'The workloads whose pods this policy governs, at most 16, each the top of its chain of owners: a Deployment rather than its ReplicaSet, a CronJob rather than its Job. With a selector, a pod must satisfy both.',
  );

/** The spec of a SpotPolicy: what the API server accepts, with the defaults it fills in. */
export const spotPolicySpec = obeying(z.object(policyFields({ targetRefs: targetRefs.exactOptional() })), [
  selectsSomething,
  ...choiceRules,
]).describe('What the policy asks for.');

/** A spec as users write it. */
export type SpotPolicySpecInput = z.input<typeof spotPolicySpec>;

/** A spec as the API server stores it, with the defaults of the objects that are there. */
export type SpotPolicySpec = z.output<typeof spotPolicySpec>;

/** A SpotPolicy as the API server hands it out. Its spec passed the schema of its time, so it is parsed again before use. */
export interface SpotPolicyObject {
  readonly apiVersion: typeof apiVersion;
  readonly kind: (typeof spotPolicyNames)['kind'];
  readonly metadata: PolicyMetadata;
  readonly spec: SpotPolicySpecInput;
  readonly status?: SpotPolicyStatus;
}
