import { ApiObject, Chart } from 'cdk8s';
import type { Construct } from 'constructs';
import { virtualNodes } from '../operator/api/keys.ts';
import { addConfinement } from './confinement.ts';
import { rulesFor } from './rights.ts';
import { addUserRoles } from './user-roles.ts';
import { aggregationLabel } from './workload-rights.ts';

/** Names that the manifests and the operator's defaults agree on. */
export const installation = {
  namespace: 'spotpolicy-system',
  name: 'spotpolicy-operator',
  webhookService: 'spotpolicy-webhook',
  image: 'spotpolicy/operator:0.1.0',
  admissionPort: 8443,
  healthPort: 8080,
  // Measured with 1,000 pods: 174 MiB resident instead of 225 with V8's own 16, of which the first lists fill all three
  // parts; 8 gives 182, 2 no less than 4.
  nodeFlags: ['--max-semi-space-size=4'],
} as const;

const labels = { 'app.kubernetes.io/name': 'spotpolicy', 'app.kubernetes.io/component': 'operator' };
const subject = { kind: 'ServiceAccount', name: installation.name, namespace: installation.namespace };
const rbac = 'rbac.authorization.k8s.io';

const roleRef = (kind: 'Role' | 'ClusterRole', name: string = installation.name) => ({
  apiGroup: rbac,
  kind,
  name,
});

/** What has no namespace: the namespace itself, the ClusterRoles of the operator and their bindings, the roles of users. */
export class ClusterChart extends Chart {
  constructor(scope: Construct, id: string) {
    super(scope, id, { disableResourceNameHashes: true });
    const { name, namespace } = installation;
    new ApiObject(this, 'namespace', {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: {
        name: namespace,
        labels: { ...labels, 'pod-security.kubernetes.io/enforce': 'restricted' },
      },
    });
    new ApiObject(this, 'cluster-role', {
      apiVersion: `${rbac}/v1`,
      kind: 'ClusterRole',
      metadata: { name, labels },
      rules: rulesFor('cluster'),
    });
    new ApiObject(this, 'cluster-role-binding', {
      apiVersion: `${rbac}/v1`,
      kind: 'ClusterRoleBinding',
      metadata: { name, labels },
      roleRef: roleRef('ClusterRole'),
      subjects: [subject],
    });
    this.#addAggregatedRole();
    addUserRoles(this, labels);
    addConfinement(this, labels, {
      namespace,
      serviceAccount: name,
      exemptNamespaces: ['kube-system', namespace],
      webhookConfiguration: 'spotpolicy',
    });
  }

  // Beside the operator's own role, so that its own rights never wait for the controller that fills this one.
  #addAggregatedRole(): void {
    const name = `${installation.name}-workloads`;
    new ApiObject(this, 'workloads-cluster-role', {
      apiVersion: `${rbac}/v1`,
      kind: 'ClusterRole',
      metadata: { name, labels },
      aggregationRule: { clusterRoleSelectors: [{ matchLabels: { [aggregationLabel]: 'true' } }] },
    });
    new ApiObject(this, 'workloads-cluster-role-binding', {
      apiVersion: `${rbac}/v1`,
      kind: 'ClusterRoleBinding',
      metadata: { name, labels },
      roleRef: roleRef('ClusterRole', name),
      subjects: [subject],
    });
  }
}

/** The right to change workloads, which only policies with `injection.at: Workload` need. */
export class WorkloadTemplatesChart extends Chart {
  constructor(scope: Construct, id: string) {
    super(scope, id, { disableResourceNameHashes: true });
    new ApiObject(this, 'cluster-role', {
      apiVersion: `${rbac}/v1`,
      kind: 'ClusterRole',
      metadata: {
        // The operator names it so when it lacks the right.
        name: `${installation.name}-workload-templates`,
        labels: { ...labels, [aggregationLabel]: 'true' },
      },
      rules: rulesFor('workload-templates'),
    });
  }
}

/** What lives in the operator's own namespace. */
export class OperatorChart extends Chart {
  constructor(scope: Construct, id: string) {
    super(scope, id, { namespace: installation.namespace, disableResourceNameHashes: true });
    const { name, webhookService } = installation;
    new ApiObject(this, 'service-account', {
      apiVersion: 'v1',
      kind: 'ServiceAccount',
      metadata: { name, labels },
    });
    new ApiObject(this, 'role', {
      apiVersion: `${rbac}/v1`,
      kind: 'Role',
      metadata: { name, labels },
      rules: rulesFor('own-namespace'),
    });
    new ApiObject(this, 'role-binding', {
      apiVersion: `${rbac}/v1`,
      kind: 'RoleBinding',
      metadata: { name, labels },
      roleRef: roleRef('Role'),
      subjects: [subject],
    });
    new ApiObject(this, 'service', {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: webhookService, labels },
      spec: { selector: labels, ports: [{ name: 'admission', port: 443, targetPort: 'admission' }] },
    });
    new ApiObject(this, 'budget', {
      apiVersion: 'policy/v1',
      kind: 'PodDisruptionBudget',
      metadata: { name, labels },
      spec: { minAvailable: 1, selector: { matchLabels: labels } },
    });
    new ApiObject(this, 'deployment', deployment());
  }
}

const deployment = () => {
  const { name, image, admissionPort, healthPort, nodeFlags } = installation;
  const probe = (path: string) => ({ httpGet: { path, port: 'health' }, periodSeconds: 5 });
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, labels },
    spec: {
      // One leads, both answer admission.
      replicas: 2,
      selector: { matchLabels: labels },
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } },
      template: {
        metadata: { labels },
        spec: {
          serviceAccountName: name,
          // A Service named spotpolicy-… would put variables that look like our flags into the environment.
          enableServiceLinks: false,
          priorityClassName: 'system-cluster-critical',
          affinity: { nodeAffinity: ordinaryNodesFirst },
          topologySpreadConstraints: [apart],
          tolerations: virtualNodes.map(({ taint }) => ({ key: taint.key, operator: 'Exists' })),
          securityContext: {
            runAsNonRoot: true,
            runAsUser: 65532,
            seccompProfile: { type: 'RuntimeDefault' },
          },
          terminationGracePeriodSeconds: 30,
          containers: [
            {
              name: 'operator',
              image,
              ports: [
                { name: 'admission', containerPort: admissionPort },
                { name: 'health', containerPort: healthPort },
              ],
              env: [
                { name: 'SPOTPOLICY_POD_ADDRESS', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } },
                { name: 'NODE_OPTIONS', value: nodeFlags.join(' ') },
              ],
              livenessProbe: probe('/healthz'),
              readinessProbe: probe('/readyz'),
              resources: { requests: { cpu: '100m', memory: '192Mi' }, limits: { memory: '512Mi' } },
              securityContext: {
                allowPrivilegeEscalation: false,
                readOnlyRootFilesystem: true,
                capabilities: { drop: ['ALL'] },
              },
            },
          ],
        },
      },
    },
  };
};

// A virtual node's start takes longer and costs an instance, but a cluster may have no other nodes (ASK).
const ordinaryNodesFirst = {
  preferredDuringSchedulingIgnoredDuringExecution: [
    {
      weight: 100,
      preference: {
        matchExpressions: virtualNodes.map(({ label }) => ({
          key: label.key,
          operator: 'NotIn',
          values: [label.value],
        })),
      },
    },
  ],
};

// Not both on one node. Named here, it also switches off the scheduler's own spreading over zones, which would send a
// replica to a virtual node of another zone. Pods of the revision that is being replaced do not count, or each rollout
// would do the same.
const apart = {
  maxSkew: 1,
  topologyKey: 'kubernetes.io/hostname',
  whenUnsatisfiable: 'ScheduleAnyway',
  labelSelector: { matchLabels: labels },
  matchLabelKeys: ['pod-template-hash'],
};
