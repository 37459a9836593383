import type { z } from 'zod';
import { clusterSpotPolicySpec } from './cluster-spot-policy.ts';
import {
  clusterSpotPolicyNames,
  group,
  type KindNames,
  type PolicyKindName,
  spotPolicyNames,
  version,
} from './metadata.ts';
import { spotPolicySpec } from './spot-policy.ts';
import { clusterSpotPolicyStatus, spotPolicyStatus } from './status.ts';
import { structural, type StructuralSchema } from './structural.ts';

type ColumnType = 'string' | 'integer' | 'date';
const column = (name: string, type: ColumnType, jsonPath: string, description: string) => ({
  name,
  type,
  jsonPath,
  description,
});

const ready = '.status.conditions[?(@.type=="Ready")]';
const columns = [
  column('Strategy', 'string', '.spec.strategy', 'How ECI buys capacity.'),
  column('Spot', 'integer', '.status.pods.spot', 'Pods on spot capacity.'),
  column('On-Demand', 'integer', '.status.pods.onDemand', 'Pods on demand.'),
  column('Pending', 'integer', '.status.pods.pending', 'Pods that wait for capacity.'),
  column('Interrupting', 'integer', '.status.interruption.active', 'Reclaims under way.'),
  column('Ready', 'string', `${ready}.status`, 'Whether the operator has done what the policy asks.'),
  column('Reason', 'string', `${ready}.reason`, 'Why it has or has not.'),
  column('Age', 'date', '.metadata.creationTimestamp', 'Time since the policy was created.'),
];
const wideColumns = [
  column('Mode', 'string', '.spec.mode', 'Whether the policy governs pods.'),
  column('Price', 'string', '.spec.priceLimit', 'The highest price per instance-hour.'),
  column('Fallback', 'string', '.spec.fallback.mode', 'What happens without spot capacity, where written.'),
  column('Outdated', 'integer', '.status.pods.outdated', 'Pods of an older revision.'),
  column('Uninjected', 'integer', '.status.pods.uninjected', 'Pods that admission has missed.'),
  column('Revision', 'string', '.status.revision', 'A hash of the effective spec.'),
];
const clusterColumns = [
  column('Precedence', 'string', '.spec.precedence', "Whether it goes before the namespaces' own policies."),
  column('Namespaces', 'integer', '.status.namespacesTotal', 'Namespaces that the policy reaches.'),
];
// kubectl shows columns of priority 0 always and the others with `-o wide`.
const allColumns = (more: typeof columns) => [
  ...columns,
  ...[...wideColumns, ...more].map((wide) => ({ ...wide, priority: 1 })),
];

/** What tells one kind of policy from another. */
export interface PolicyKind {
  readonly names: KindNames & { readonly kind: PolicyKindName };
  readonly scope: 'Namespaced' | 'Cluster';
  readonly description: string;
  readonly spec: z.ZodType;
  readonly status: z.ZodType;
  /** What `kubectl get -o wide` shows of this kind alone. */
  readonly columns: typeof columns;
}

/** The namespaced policy. */
export const spotPolicy: PolicyKind = {
  names: spotPolicyNames,
  scope: 'Namespaced',
  description:
    'SpotPolicy puts pods of its namespace on ECI spot capacity and moves them away in time when ECI reclaims it.',
  spec: spotPolicySpec,
  status: spotPolicyStatus,
  columns: [],
};

/** The policy of the whole cluster. */
export const clusterSpotPolicy: PolicyKind = {
  names: clusterSpotPolicyNames,
  scope: 'Cluster',
  description:
    'ClusterSpotPolicy does what SpotPolicy does, in every namespace that its namespaceSelector takes: as a default for pods that no SpotPolicy of their namespace takes, or as an override of all of them.',
  spec: clusterSpotPolicySpec,
  status: clusterSpotPolicyStatus,
  columns: clusterColumns,
};

/** Every kind of policy. */
export const policyKinds: readonly PolicyKind[] = [spotPolicy, clusterSpotPolicy];

/** The schema of whole objects, in the part that is ours. */
export interface ObjectSchema {
  readonly type: 'object';
  readonly description: string;
  readonly required: readonly string[];
  readonly properties: {
    readonly apiVersion: StructuralSchema;
    readonly kind: StructuralSchema;
    readonly metadata: { readonly type: 'object' };
    readonly spec: StructuralSchema;
    readonly status: StructuralSchema;
  };
}

/** Returns the schema of whole objects of a kind; throws naming the field that a definition cannot express. */
export const objectSchema = ({ description, spec, status }: PolicyKind): ObjectSchema => ({
  description,
  type: 'object',
  required: ['spec'],
  properties: {
    apiVersion: { type: 'string', description: 'The API group and version of this object.' },
    kind: { type: 'string', description: 'The kind of this object.' },
    // The API server knows the rest of metadata itself and refuses to be told, even a description.
    metadata: { type: 'object' },
    spec: structural(spec, 'spec'),
    status: structural(status, 'status'),
  },
});

/** Returns the CustomResourceDefinition of a kind, ready to be written as YAML; throws as `objectSchema` does. */
export const customResourceDefinition = (kind: PolicyKind) => ({
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: `${kind.names.plural}.${group}` },
  spec: {
    group,
    names: { ...kind.names, listKind: `${kind.names.kind}List`, categories: ['spot'] },
    scope: kind.scope,
    versions: [
      {
        name: version,
        served: true,
        storage: true,
        subresources: { status: {} },
        additionalPrinterColumns: allColumns(kind.columns),
        schema: { openAPIV3Schema: objectSchema(kind) },
      },
    ],
  },
});
