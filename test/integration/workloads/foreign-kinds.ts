import type { CustomResourceDefinition } from 'kubernetes-types/apiextensions/v1.js';
import type { OwnerReference } from 'kubernetes-types/meta/v1.js';
import { workloadRights } from '../../../cdk8s/manifests.ts';
import type { ForeignGroup } from '../../../cdk8s/workload-rights.ts';
import type { Access } from '../../../hack/cluster/access.ts';
import type { KubernetesObject } from '../../../hack/cluster/client.ts';
import { waitFor } from '../../../hack/cluster/wait-for.ts';
import { applyAll } from '../harness/objects.ts';

/** A kind that some other operator brings along. */
export interface ForeignKind {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly plural: string;
  /** What its definition says of `spec`; without it everything is taken as it comes. */
  readonly spec?: object;
}

const texts = { type: 'object', additionalProperties: { type: 'string' } };
const metadata = { type: 'object', properties: { annotations: texts, labels: texts } };

/** The schema of an object with these properties, others as they come; the definitions of other systems are much longer. */
const having = (properties: object): object => ({
  type: 'object',
  properties,
  'x-kubernetes-preserve-unknown-fields': true,
});

// As in config/core/300-resources of Knative Serving, manifests/crds of Argo Rollouts, manifests/base/crds/full of Argo Workflows from 4.0 on, and
// config/crd/bases of the Spark operator.
const specs: Readonly<Record<string, object>> = {
  Service: having({
    template: having({ metadata: having({ ...metadata.properties, name: { type: 'string' } }) }),
  }),
  Rollout: having({ template: having({ metadata }) }),
  WorkflowTemplate: having({ podMetadata: metadata }),
  CronWorkflow: having({ workflowSpec: having({ podMetadata: metadata }) }),
  Workflow: having({ podMetadata: metadata }),
  SparkApplication: having({ executor: having(metadata.properties) }),
};

/** The spec of a definition that has all of it as one whole, as in manifests/base/crds/minimal of Argo Workflows. */
export const wholeSpec = {
  type: 'object',
  'x-kubernetes-map-type': 'atomic',
  'x-kubernetes-preserve-unknown-fields': true,
};

const kindsOf = (group: string, version: string, plurals: Readonly<Record<string, string>>): ForeignKind[] =>
  Object.entries(plurals).map(([kind, plural]) => {
    const spec = specs[kind];
    return { group, version, kind, plural, ...(spec && { spec }) };
  });

/** The kinds above pods of Knative Serving, the Spark operator and Argo Workflows, as they are served today. */
export const foreignKinds: readonly ForeignKind[] = [
  ...kindsOf('serving.knative.dev', 'v1', {
    Service: 'services',
    Configuration: 'configurations',
    Revision: 'revisions',
  }),
  ...kindsOf('sparkoperator.k8s.io', 'v1beta2', { SparkApplication: 'sparkapplications' }),
  ...kindsOf('argoproj.io', 'v1alpha1', {
    Workflow: 'workflows',
    CronWorkflow: 'cronworkflows',
    WorkflowTemplate: 'workflowtemplates',
    Rollout: 'rollouts',
  }),
];

/** The definition of a kind: whatever its own operator would check of spec and status is not checked. */
const aDefinition = ({ group, version, kind, plural, spec }: ForeignKind): CustomResourceDefinition => {
  const anything = having({});
  const properties = { spec: spec ?? anything, status: anything };
  const schema = { openAPIV3Schema: { type: 'object', properties } };
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: {
      name: `${plural}.${group}`,
      // Without it the API server takes no kinds in groups below k8s.io.
      annotations: { 'api-approved.kubernetes.io': 'unapproved, stands in for another operator in tests' },
    },
    spec: {
      group,
      names: { kind, plural, singular: kind.toLowerCase(), listKind: `${kind}List` },
      scope: 'Namespaced',
      versions: [{ name: version, served: true, storage: true, schema }],
    },
  };
};

/** Defines kinds and waits until they are served; `groups` are opened to the operator as an installation would do it. */
export const define = async (
  access: Pick<Access, 'admin' | 'kubectl'>,
  kinds: readonly ForeignKind[],
  groups: readonly ForeignGroup[] = [],
): Promise<void> => {
  await applyAll(access, [...kinds.map(aDefinition), ...groups.flatMap(workloadRights)]);
  // Not `kubectl wait`, which fails at a definition that has no conditions yet.
  await Promise.all(
    kinds.map((kind) => waitFor(`${kind.kind} to be served`, () => isServed(access.admin, kind))),
  );
};

const isServed = async (
  admin: Access['admin'],
  { group, version, plural }: ForeignKind,
): Promise<boolean> => {
  const path = `/apis/apiextensions.k8s.io/v1/customresourcedefinitions/${plural}.${group}`;
  const { status } = await admin.get<CustomResourceDefinition>(path);
  if (!(status?.conditions ?? []).some((each) => each.type === 'Established' && each.status === 'True'))
    return false;
  // Requests are refused for a moment longer, until the storage is there.
  await admin.get(`/apis/${group}/${version}/${plural}?limit=1`);
  return true;
};

/** What a test wants of an object of such a kind. */
export interface ForeignWishes {
  readonly name: string;
  readonly owner?: OwnerReference;
  readonly labels?: Record<string, string>;
  readonly spec?: object;
}

/** The path of the objects of such a kind in a namespace, or of one of them. */
export const pathToForeign = (
  { group, version, plural }: ForeignKind,
  namespace: string,
  name?: string,
): string =>
  `/apis/${group}/${version}/namespaces/${namespace}/${plural}${name === undefined ? '' : `/${name}`}`;

/** Creates an object of such a kind in a namespace; `owner` controls it. */
export const createForeign = async (
  { admin }: Pick<Access, 'admin'>,
  namespace: string,
  foreignKind: ForeignKind,
  { name, owner, labels = {}, spec = {} }: ForeignWishes,
): Promise<OwnerReference> => {
  const { group, version, kind } = foreignKind;
  const created = await admin.post<KubernetesObject>(pathToForeign(foreignKind, namespace), {
    apiVersion: `${group}/${version}`,
    kind,
    metadata: { name, labels, ...(owner && { ownerReferences: [owner] }) },
    spec,
  });
  return controlling(created);
};

/** The owner reference by which an object, as the API server gave it out, controls another. */
export const controlling = ({
  apiVersion = '',
  kind = '',
  metadata,
}: {
  apiVersion?: string;
  kind?: string;
  metadata?: { name?: string; uid?: string };
}): OwnerReference => ({
  ...{ apiVersion, kind, name: metadata?.name ?? '', uid: metadata?.uid ?? '' },
  ...{ controller: true, blockOwnerDeletion: true },
});

/** The kind of this name among those of `foreignKinds`; throws where there is none. */
export const foreign = (kind: string): ForeignKind => {
  const found = foreignKinds.find((each) => each.kind === kind);
  if (!found) throw new Error(`foreignKinds has no kind ${kind}; add it`);
  return found;
};
