import type { Ref } from './types.ts';

/** A verb of Kubernetes RBAC, as a ClusterRole spells it. */
export type Verb = 'get' | 'list' | 'watch' | 'create' | 'update' | 'patch' | 'delete';

/** What identifies a resource on the wire and in RBAC. */
export interface ResourceType {
  /** Empty for the core group. */
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  readonly kind: string;
  readonly namespaced: boolean;
  readonly subresource?: string;
  /**
   * Where the rights are needed: everywhere, only in the namespace the operator runs in, or everywhere but only where
   * policies write pod templates, which whoever installs the operator grants apart from the rest.
   */
  readonly scope: 'cluster' | 'own-namespace' | 'workload-templates';
  /** RBAC can restrict every verb but `create`, `list` and `watch` to these names, the defaults of the operator's flags. */
  readonly resourceNames?: readonly string[];
}

/**
 * A resource with the verbs this program uses on it. Calls ask for `Resource<'list'>`, which is any row of the table that
 * has `list`: a call with a verb that the table lacks, and the generated role with it, does not compile.
 */
export interface Resource<V extends Verb = never> extends ResourceType {
  readonly verbs: Readonly<Record<V, true>>;
}

type Row = Pick<ResourceType, 'plural' | 'kind'> & Partial<ResourceType>;

const resource = <V extends Verb>(row: Row, ...verbs: readonly V[]): Resource<V> => ({
  group: '',
  version: 'v1',
  namespaced: true,
  scope: 'cluster',
  ...row,
  verbs: Object.fromEntries(verbs.map((verb) => [verb, true])) as Record<V, true>,
});

const templates = (group: string, plural: string, kind: string, version = 'v1'): Resource<'patch'> =>
  resource({ group, version, plural, kind, scope: 'workload-templates' }, 'patch');

const clusterSpotPolicy: Row = {
  group: 'spotpolicy.dev',
  version: 'v1alpha1',
  plural: 'clusterspotpolicies',
  kind: 'ClusterSpotPolicy',
  namespaced: false,
};

/** Every resource the operator touches, with the verbs it uses there; RBAC is generated from this table. */
export const resources = {
  pods: resource({ plural: 'pods', kind: 'Pod' }, 'get', 'list', 'watch', 'patch', 'delete'),
  podEviction: resource({ plural: 'pods', kind: 'Eviction', subresource: 'eviction' }, 'create'),
  podStatus: resource({ plural: 'pods', kind: 'Pod', subresource: 'status' }, 'patch'),
  namespaces: resource({ plural: 'namespaces', kind: 'Namespace', namespaced: false }, 'list', 'watch'),
  nodes: resource({ plural: 'nodes', kind: 'Node', namespaced: false }, 'list', 'watch'),
  events: resource({ plural: 'events', kind: 'Event' }, 'list', 'watch', 'create', 'patch'),
  podDisruptionBudgets: resource(
    { group: 'policy', plural: 'poddisruptionbudgets', kind: 'PodDisruptionBudget' },
    'list',
    'watch',
  ),
  persistentVolumeClaims: resource(
    { plural: 'persistentvolumeclaims', kind: 'PersistentVolumeClaim' },
    'list',
    'watch',
  ),
  resourceQuotas: resource({ plural: 'resourcequotas', kind: 'ResourceQuota' }, 'list', 'watch'),
  replicaSets: resource({ group: 'apps', plural: 'replicasets', kind: 'ReplicaSet' }, 'list', 'watch'),
  deployments: resource({ group: 'apps', plural: 'deployments', kind: 'Deployment' }, 'list', 'watch'),
  statefulSets: resource({ group: 'apps', plural: 'statefulsets', kind: 'StatefulSet' }, 'list', 'watch'),
  jobs: resource({ group: 'batch', plural: 'jobs', kind: 'Job' }, 'list', 'watch'),
  cronJobs: resource({ group: 'batch', plural: 'cronjobs', kind: 'CronJob' }, 'list', 'watch'),
  deploymentTemplates: templates('apps', 'deployments', 'Deployment'),
  replicaSetTemplates: templates('apps', 'replicasets', 'ReplicaSet'),
  statefulSetTemplates: templates('apps', 'statefulsets', 'StatefulSet'),
  jobTemplates: templates('batch', 'jobs', 'Job'),
  cronJobTemplates: templates('batch', 'cronjobs', 'CronJob'),
  knativeServiceTemplates: templates('serving.knative.dev', 'services', 'Service'),
  argoRolloutTemplates: templates('argoproj.io', 'rollouts', 'Rollout', 'v1alpha1'),
  argoWorkflowTemplates: templates('argoproj.io', 'workflowtemplates', 'WorkflowTemplate', 'v1alpha1'),
  argoCronWorkflowTemplates: templates('argoproj.io', 'cronworkflows', 'CronWorkflow', 'v1alpha1'),
  spotPolicies: resource(
    { group: 'spotpolicy.dev', version: 'v1alpha1', plural: 'spotpolicies', kind: 'SpotPolicy' },
    'list',
    'watch',
  ),
  spotPolicyStatus: resource(
    {
      group: 'spotpolicy.dev',
      version: 'v1alpha1',
      plural: 'spotpolicies',
      kind: 'SpotPolicy',
      subresource: 'status',
    },
    'patch',
  ),
  clusterSpotPolicies: resource(clusterSpotPolicy, 'list', 'watch'),
  clusterSpotPolicyStatus: resource({ ...clusterSpotPolicy, subresource: 'status' }, 'patch'),
  customResourceDefinitions: resource(
    {
      group: 'apiextensions.k8s.io',
      plural: 'customresourcedefinitions',
      kind: 'CustomResourceDefinition',
      namespaced: false,
    },
    'list',
    'watch',
  ),
  mutatingWebhookConfigurations: resource(
    {
      group: 'admissionregistration.k8s.io',
      plural: 'mutatingwebhookconfigurations',
      kind: 'MutatingWebhookConfiguration',
      namespaced: false,
      resourceNames: ['spotpolicy'],
    },
    'get',
    'list',
    'watch',
    'create',
    'patch',
    'delete',
  ),
  secrets: resource(
    {
      plural: 'secrets',
      kind: 'Secret',
      scope: 'own-namespace',
      resourceNames: ['spotpolicy-certificates'],
    },
    'get',
    'list',
    'watch',
    'create',
    'update',
  ),
  leases: resource(
    {
      group: 'coordination.k8s.io',
      plural: 'leases',
      kind: 'Lease',
      scope: 'own-namespace',
      resourceNames: ['spotpolicy'],
    },
    'get',
    'create',
    'patch',
  ),
} as const;

/** The `apiVersion` of a resource, as objects carry it. */
export const apiVersionOf = ({ group, version }: ResourceType): string =>
  group === '' ? version : `${group}/${version}`;

/** The path of a collection, of one object by its name, or of its subresource; without a namespace across all of them. */
export const pathOf = (resource: ResourceType, { namespace, name }: Partial<Ref>): string => {
  const root = resource.group === '' ? 'api' : 'apis';
  const within = resource.namespaced && namespace !== undefined ? ['namespaces', namespace] : [];
  const object = name === undefined ? [] : [name, ...(resource.subresource ? [resource.subresource] : [])];
  const parts = [root, ...apiVersionOf(resource).split('/'), ...within, resource.plural, ...object];
  return `/${parts.map(encodeURIComponent).join('/')}`;
};
