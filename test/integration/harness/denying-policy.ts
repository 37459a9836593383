import type { Access } from '../../../hack/cluster/access.ts';
import { atEndOfFile } from './endings.ts';

const group = '/apis/admissionregistration.k8s.io/v1';

/** What somebody's ValidatingAdmissionPolicy denies in a namespace. */
export interface Denial {
  readonly operation: 'CREATE' | 'UPDATE';
  /** `pods/eviction` */
  readonly resource: string;
  /** What it allows all the same, in CEL. */
  readonly unless: string;
  readonly message: string;
}

/** Denies it from a moment later on, which a probe can tell, until the end of the file. */
export const aDenyingPolicy = async (
  { admin, namespace }: Pick<Access, 'admin'> & { readonly namespace: string },
  { operation, resource, unless, message }: Denial,
): Promise<void> => {
  const apiVersion = 'admissionregistration.k8s.io/v1';
  const metadata = { name: `${namespace}.example.com` };
  const rule = { apiGroups: [''], apiVersions: ['v1'], operations: [operation], resources: [resource] };
  const inNamespace = { matchLabels: { 'kubernetes.io/metadata.name': namespace } };
  await admin.post(`${group}/validatingadmissionpolicies`, {
    ...{ apiVersion, kind: 'ValidatingAdmissionPolicy', metadata },
    spec: {
      matchConstraints: { resourceRules: [rule] },
      validations: [{ expression: unless, message, reason: 'Forbidden' }],
    },
  });
  await admin.post(`${group}/validatingadmissionpolicybindings`, {
    ...{ apiVersion, kind: 'ValidatingAdmissionPolicyBinding', metadata },
    spec: {
      policyName: metadata.name,
      validationActions: ['Deny'],
      matchResources: { namespaceSelector: inNamespace },
    },
  });
  atEndOfFile(async () => {
    await admin.delete(`${group}/validatingadmissionpolicybindings/${metadata.name}`);
    await admin.delete(`${group}/validatingadmissionpolicies/${metadata.name}`);
  });
};
