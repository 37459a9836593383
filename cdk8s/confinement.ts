import { ApiObject } from 'cdk8s';
import type { Construct } from 'constructs';
import { ourAnnotations, ourLabels, specifiedDelete } from '../operator/api/keys.ts';

const admissionregistration = 'admissionregistration.k8s.io';

/** Whom policies are about, and where nothing is to be touched. */
export interface Confined {
  readonly namespace: string;
  readonly serviceAccount: string;
  readonly exemptNamespaces: readonly string[];
  readonly webhookConfiguration: string;
}

interface Rule {
  readonly apiGroups: readonly string[];
  readonly apiVersions: readonly string[];
  readonly operations: readonly string[];
  readonly resources: readonly string[];
}

interface Confinement {
  readonly name: string;
  readonly rule: Rule;
  readonly variables?: readonly { readonly name: string; readonly expression: string }[];
  readonly validations: readonly { readonly expression: string; readonly message: string }[];
}

const list = (texts: readonly string[]): string => `[${texts.map((text) => `'${text}'`).join(', ')}]`;

// The same in both, but for keys of ours.
const isKept = (field: 'labels' | 'annotations', ours: readonly string[]): string => {
  const [now, before] = ['object', 'oldObject'].map((of) => `${of}.metadata.?${field}.orValue({})`);
  const same = (one: string | undefined, other: string | undefined): string =>
    `${one}.all(key, key in ${list(ours)} || (key in ${other} && ${one}[key] == ${other}[key]))`;
  return `${same(now, before)} && ${same(before, now)}`;
};

const isController = 'has(reference.controller) && reference.controller';
const others = (of: string): string =>
  `${of}.metadata.?ownerReferences.orValue([]).filter(reference, !(${isController}))`;

// The fields of every version of Kubernetes from 1.30 on.
const statusFields = [
  ...['phase', 'reason', 'message', 'nominatedNodeName', 'hostIP', 'hostIPs', 'podIP', 'podIPs', 'startTime'],
  ...['qosClass', 'initContainerStatuses', 'containerStatuses', 'ephemeralContainerStatuses'],
  ...['resize', 'resourceClaimStatuses', 'observedGeneration', 'allocatedResources', 'resources'],
  ...['extendedResourceClaimStatus', 'nodeAllocatableResourceClaimStatuses'],
];
const conditions = (of: string): string =>
  `${of}.status.?conditions.orValue([]).filter(condition, condition.type != 'DisruptionTarget')`;

const disrupted = (of: string): string =>
  `${of}.status.?conditions.orValue([]).exists(condition, condition.type == 'DisruptionTarget' && condition.status == 'True')`;

const pods = ({ exemptNamespaces }: Confined): Confinement => ({
  name: 'spotpolicy-operator-pods',
  rule: {
    apiGroups: [''],
    apiVersions: ['v1'],
    operations: ['CREATE', 'UPDATE', 'DELETE'],
    resources: ['pods', 'pods/status', 'pods/eviction'],
  },
  variables: [
    {
      name: 'updates',
      expression: "request.operation == 'UPDATE' ? request.?subResource.orValue('') : 'nothing'",
    },
    // A request that writes a status may write most of the metadata as well.
    { name: 'isUpdate', expression: "request.operation == 'UPDATE'" },
  ],
  validations: [
    {
      expression: `!(request.namespace in ${list(exemptNamespaces)})`,
      message: `the operator touches no pod in ${exemptNamespaces.join(' and ')}`,
    },
    {
      expression: "variables.updates != '' || object.spec == oldObject.spec",
      message: 'the operator changes no spec of a pod',
    },
    {
      expression: `!variables.isUpdate || (${isKept('labels', [ourLabels.reclaiming, specifiedDelete])})`,
      message: `the operator changes no label of a pod but ${ourLabels.reclaiming} and ${specifiedDelete}`,
    },
    {
      expression: `!variables.isUpdate || (${isKept('annotations', [ourAnnotations.interruption])})`,
      message: `the operator changes no annotation of a pod but ${ourAnnotations.interruption}`,
    },
    {
      expression: `!variables.isUpdate || (${others('object')} == ${others('oldObject')} && object.metadata.?finalizers == oldObject.metadata.?finalizers && object.metadata.?ownerReferences.orValue([]).all(reference, !(${isController}) || reference in oldObject.metadata.?ownerReferences.orValue([]) || (reference.apiVersion == 'apps/v1' && reference.kind in ['Deployment', 'ReplicaSet'])))`,
      message: 'the operator changes of a pod’s owners only which ReplicaSet or Deployment controls it',
    },
    {
      expression: `variables.updates != 'status' || (${conditions('object')} == ${conditions('oldObject')} && ${statusFields.map((field) => `object.status.?${field} == oldObject.status.?${field}`).join(' && ')})`,
      message: 'the operator changes of a pod’s status only the condition DisruptionTarget',
    },
    {
      expression: `variables.updates != 'status' || !(${disrupted('oldObject')}) || ${disrupted('object')}`,
      message: 'the operator adds the condition DisruptionTarget to a pod and takes it from none',
    },
  ],
});

const webhooks = ({ webhookConfiguration }: Confined): Confinement => ({
  name: 'spotpolicy-operator-webhooks',
  rule: {
    apiGroups: [admissionregistration],
    apiVersions: ['v1'],
    operations: ['CREATE', 'UPDATE', 'DELETE'],
    resources: ['mutatingwebhookconfigurations'],
  },
  validations: [
    {
      expression: `request.name == '${webhookConfiguration}'`,
      message: `the operator writes no webhook configuration but ${webhookConfiguration}`,
    },
  ],
});

/**
 * Keeps the operator to what it needs where RBAC is too coarse: it may patch pods, and their status, anywhere. Its rights
 * stay what they are for whoever holds its token; what is done with them is judged by the API server.
 */
export const addConfinement = (
  scope: Construct,
  labels: Record<string, string>,
  confined: Confined,
): void => {
  const { namespace, serviceAccount } = confined;
  for (const { name, rule, variables, validations } of [pods(confined), webhooks(confined)]) {
    new ApiObject(scope, name, {
      apiVersion: `${admissionregistration}/v1`,
      kind: 'ValidatingAdmissionPolicy',
      metadata: { name, labels },
      spec: {
        failurePolicy: 'Fail',
        matchConstraints: { resourceRules: [rule] },
        matchConditions: [
          {
            name: 'the-operator',
            expression: `request.userInfo.username == 'system:serviceaccount:${namespace}:${serviceAccount}'`,
          },
        ],
        ...(variables && { variables }),
        validations,
      },
    });
    new ApiObject(scope, `${name}-binding`, {
      apiVersion: `${admissionregistration}/v1`,
      kind: 'ValidatingAdmissionPolicyBinding',
      metadata: { name, labels },
      spec: { policyName: name, validationActions: ['Deny'] },
    });
  }
};
