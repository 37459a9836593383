import type { CustomResourceDefinition } from 'kubernetes-types/apiextensions/v1.js';
import type { OwnerReference } from 'kubernetes-types/meta/v1.js';
import { workloadRights } from '../../../cdk8s/manifests.ts';
import type { ForeignGroup } from '../../../cdk8s/workload-rights.ts';
import type { Access } from '../../../hack/cluster/access.ts';
import type { KubernetesObject } from '../../../hack/cluster/client.ts';
import { waitFor } from '../../../hack/cluster/wait-for.ts';

/** A kind that some other operator brings along. */
export interface ForeignKind {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly plural: string;
}

const kindsOf = (group: string, version: string, plurals: Readonly<Record<string, string>>): ForeignKind[] =>
  Object.entries(plurals).map(([kind, plural]) => ({ group, version, kind, plural }));

/** The kinds above pods of Knative Serving, the Spark operator and Argo Workflows, as they are served today. */
export const foreignKinds: readonly ForeignKind[] = [
  ...kindsOf('serving.knative.dev', 'v1', {
    Service: 'services',
    Configuration: 'configurations',
    Revision: 'revisions',
  }),
  ...kindsOf('sparkoperator.k8s.io', 'v1beta2', { SparkApplication: 'sparkapplications' }),
  ...kindsOf('argoproj.io', 'v1alpha1', { Workflow: 'workflows', CronWorkflow: 'cronworkflows' }),
];

/** The definition of a kind: whatever its own operator would check of spec and status is not checked. */
const aDefinition = ({ group, version, kind, plural }: ForeignKind): CustomResourceDefinition => {
  const anything = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };
  const schema = { openAPIV3Schema: { type: 'object', properties: { spec: anything, status: anything } } };
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
  { admin, kubectl }: Pick<Access, 'admin' | 'kubectl'>,
  kinds: readonly ForeignKind[],
  groups: readonly ForeignGroup[] = [],
): Promise<void> => {
  const items = [...kinds.map(aDefinition), ...groups.flatMap(workloadRights)];
  const list = JSON.stringify({ apiVersion: 'v1', kind: 'List', items });
  await kubectl(['apply', '--server-side', '-f', '-'], list);
  // Not `kubectl wait`, which fails at a definition that has no conditions yet.
  await Promise.all(kinds.map((kind) => waitFor(`${kind.kind} to be served`, () => isServed(admin, kind))));
};

const isServed = async (admin: Access['admin'], { group, plural }: ForeignKind): Promise<boolean> => {
  const path = `/apis/apiextensions.k8s.io/v1/customresourcedefinitions/${plural}.${group}`;
  const { status } = await admin.get<CustomResourceDefinition>(path);
  return (status?.conditions ?? []).some((each) => each.type === 'Established' && each.status === 'True');
};

/** Creates an object of such a kind in a namespace; `owner` controls it. */
export const createForeign = async (
  { admin }: Pick<Access, 'admin'>,
  namespace: string,
  { group, version, kind, plural }: ForeignKind,
  { name, owner, labels = {} }: { name: string; owner?: OwnerReference; labels?: Record<string, string> },
): Promise<OwnerReference> => {
  const created = await admin.post<KubernetesObject>(
    `/apis/${group}/${version}/namespaces/${namespace}/${plural}`,
    {
      apiVersion: `${group}/${version}`,
      kind,
      metadata: { name, labels, ...(owner && { ownerReferences: [owner] }) },
      spec: {},
    },
  );
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
