import { ApiObject } from 'cdk8s';
import type { Construct } from 'constructs';
import { group } from '../operator/api/metadata.ts';

const rbac = 'rbac.authorization.k8s.io';
const reading = ['get', 'list', 'watch'];
const writing = ['create', 'update', 'patch', 'delete', 'deletecollection'];

interface UserRole {
  readonly name: string;
  /** The roles of Kubernetes that take it in; none for one that is bound by itself. */
  readonly into: readonly ('view' | 'edit' | 'admin')[];
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
}

const roles: readonly UserRole[] = [
  { name: 'spotpolicy-view', into: ['view'], resources: ['spotpolicies'], verbs: reading },
  { name: 'spotpolicy-edit', into: ['edit', 'admin'], resources: ['spotpolicies'], verbs: writing },
  // Policies of the whole cluster are the platform team's: who may see them is for them to say.
  { name: 'spotpolicy-cluster-reader', into: [], resources: ['clusterspotpolicies'], verbs: reading },
];

/** Adds the ClusterRoles of users: whoever may view, edit or administer a namespace may do so with its policies. */
export const addUserRoles = (scope: Construct, labels: Readonly<Record<string, string>>): void => {
  for (const { name, into, resources, verbs } of roles) {
    const aggregation = into.map((role) => [`${rbac}/aggregate-to-${role}`, 'true'] as const);
    new ApiObject(scope, name, {
      apiVersion: `${rbac}/v1`,
      kind: 'ClusterRole',
      metadata: { name, labels: { ...labels, ...Object.fromEntries(aggregation) } },
      rules: [{ apiGroups: [group], resources: [...resources], verbs: [...verbs] }],
    });
  }
};
