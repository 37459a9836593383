import type { OwnerReference } from 'kubernetes-types/meta/v1.d.ts';
import { optOutLabel } from '../api/keys.ts';
import { namespacesOf } from '../policy/rules.ts';
import { nodeBound } from '../world/object.ts';
import type { Policy } from '../world/policy.ts';
import type { View } from '../world/view.ts';
import { probeCondition } from './probe.ts';

/** How the API server finds admission: by URL from outside the cluster, by the Service inside. */
export type Endpoint =
  { readonly url: string } | { readonly service: { readonly namespace: string; readonly name: string } };

/** What the configuration is made of besides the policies. */
export interface WebhookInputs {
  readonly name: string;
  readonly endpoint: Endpoint;
  /** Certificates that the API server trusts, PEM. */
  readonly bundlePem: string;
  /** How long the API server waits for an answer, 1 to 30. */
  readonly timeoutSeconds: number;
  /** What the configuration goes with when the operator is uninstalled. */
  readonly owner: OwnerReference | undefined;
}

/** Namespaces, sorted, by what happens to their new pods while admission cannot be reached; none is in both lists. */
export interface Coverage {
  readonly ignore: readonly string[];
  readonly fail: readonly string[];
}

/** The namespaces whose pods are annotated at admission; every other one is left alone by the API server. */
export const coverageOf = (view: View): Coverage => {
  const reached = new Set([...view.policies.all()].flatMap((policy) => namespacesOf(view, policy)));
  return divide(view, [...reached].toSorted());
};

const divide = (view: View, namespaces: readonly string[]): Coverage => {
  const coverage: { ignore: string[]; fail: string[] } = { ignore: [], fail: [] };
  for (const name of namespaces) {
    const injecting = view.rules(name).filter(({ spec }) => spec.injection.at === 'Pod');
    if (injecting.some(({ spec }) => spec.injection.whenUnavailable === 'Fail')) coverage.fail.push(name);
    else if (injecting.length > 0) coverage.ignore.push(name);
  }
  return coverage;
};

/**
 * Where to ask whether admission is reached for a policy: of each webhook of the configuration the namespaces in which the
 * policy governs. The API server refuses every creation in a terminating namespace before it calls a webhook, so those
 * are left out; a webhook without any other is left out too.
 */
export const placesToProbe = (view: View, policy: Policy): readonly (readonly string[])[] => {
  const open = namespacesOf(view, policy).filter((name) => !view.namespaces.byName('', name)?.terminating);
  const { ignore, fail } = divide(view, open);
  return [ignore, fail].filter((places) => places.length > 0);
};

/** The whole configuration for these namespaces; the API server calls us for nothing else. */
export const webhookConfiguration = (coverage: Coverage, inputs: WebhookInputs) => ({
  apiVersion: 'admissionregistration.k8s.io/v1',
  kind: 'MutatingWebhookConfiguration',
  metadata: {
    name: inputs.name,
    labels: { 'app.kubernetes.io/name': 'spotpolicy', 'app.kubernetes.io/managed-by': 'spotpolicy' },
    ...(inputs.owner && { ownerReferences: [inputs.owner] }),
  },
  webhooks: [
    ...(coverage.ignore.length > 0
      ? [webhook('pods.spotpolicy.dev', 'Ignore', coverage.ignore, inputs)]
      : []),
    // Whoever is refused reads this name in the API server's message.
    ...(coverage.fail.length > 0
      ? [webhook('required.pods.spotpolicy.dev', 'Fail', coverage.fail, inputs)]
      : []),
  ],
});

const webhook = (
  name: string,
  failurePolicy: 'Ignore' | 'Fail',
  namespaces: readonly string[],
  { endpoint, bundlePem, timeoutSeconds }: WebhookInputs,
) => ({
  name,
  admissionReviewVersions: ['v1'],
  clientConfig: { ...clientConfig(endpoint), caBundle: btoa(bundlePem) },
  rules: [
    {
      apiGroups: [''],
      apiVersions: ['v1'],
      operations: ['CREATE'],
      resources: ['pods', 'pods/eviction'],
    },
  ],
  namespaceSelector: {
    matchExpressions: [
      { key: 'kubernetes.io/metadata.name', operator: 'In', values: [...namespaces] },
      { key: optOutLabel, operator: 'NotIn', values: ['false'] },
    ],
  },
  // Only what no other webhook changes may be tested here: one that is skipped on its turn is not called again.
  matchConditions: [
    { name: 'not-an-eviction', expression: probeCondition },
    { name: 'not-bound-to-a-node', expression: ownerCondition },
  ],
  failurePolicy,
  reinvocationPolicy: 'IfNeeded',
  // What is remembered of a pod until it is seen; of a dry run nothing is.
  sideEffects: 'NoneOnDryRun',
  matchPolicy: 'Equivalent',
  timeoutSeconds,
});

/** The MutatingWebhookConfiguration as it is applied. */
export type WebhookConfiguration = ReturnType<typeof webhookConfiguration>;

const ownedBy = nodeBound.map(({ group, kind }) => {
  const version = group === '' ? "owner.apiVersion == 'v1'" : `owner.apiVersion.startsWith('${group}/')`;
  return `(owner.kind == '${kind}' && ${version})`;
});
const ownerCondition = `!has(object.metadata.ownerReferences) || !object.metadata.ownerReferences.exists(owner, has(owner.controller) && owner.controller && (${ownedBy.join(' || ')}))`;

const clientConfig = (endpoint: Endpoint): object =>
  'url' in endpoint
    ? { url: endpoint.url }
    : { service: { ...endpoint.service, path: '/mutate', port: 443 } };
