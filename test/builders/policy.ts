import type {
  ClusterSpotPolicyObject,
  ClusterSpotPolicySpecInput,
} from '../../operator/api/cluster-spot-policy.ts';
import {
  apiVersion,
  clusterSpotPolicyNames,
  type PolicyMetadata,
  spotPolicyNames,
} from '../../operator/api/metadata.ts';
import type { SpotPolicyObject, SpotPolicySpecInput } from '../../operator/api/spot-policy.ts';
import type { SpotPolicyStatus } from '../../operator/api/status.ts';

/** What a test says about a policy; `undefined` in the spec takes a field away that the builder would set. */
export interface PolicyWishes extends Partial<PolicyMetadata> {
  spec?: { [Field in keyof SpotPolicySpecInput]: SpotPolicySpecInput[Field] | undefined } | undefined;
  status?: SpotPolicyStatus;
}

/** The spec of the smallest useful policy, with the fields that a test names in place of its own. */
export const aSpec = (wishes: PolicyWishes['spec'] = {}): SpotPolicySpecInput =>
  // Through JSON, as every policy comes: it knows no `undefined`.
  JSON.parse(
    JSON.stringify({ selector: { matchLabels: { app: 'web' } }, strategy: 'SpotAsPriceGo', ...wishes }),
  );

/** A policy as the API server would hand it out: `shop/web`, valid and minimal but for what the test wishes. */
export const aPolicy = ({ spec, status, ...metadata }: PolicyWishes = {}): SpotPolicyObject => {
  const { name = 'web', namespace = 'shop' } = metadata;
  return {
    apiVersion,
    kind: spotPolicyNames.kind,
    metadata: {
      name,
      namespace,
      uid: `uid-of-${namespace}-${name}`,
      resourceVersion: '1',
      generation: 1,
      creationTimestamp: '2026-01-01T00:00:00Z',
      ...metadata,
    },
    spec: aSpec(spec),
    ...(status === undefined ? {} : { status }),
  };
};

/** The policy as its user would write it down: nothing that only the API server fills in. */
export const manifestOf = ({ apiVersion, kind, metadata, spec }: SpotPolicyObject) => {
  const { name, namespace, labels = {}, annotations = {} } = metadata;
  return { apiVersion, kind, metadata: { name, namespace, labels, annotations }, spec };
};

/** What a test says about a policy of the cluster, likewise. */
export interface ClusterPolicyWishes extends Partial<Omit<PolicyMetadata, 'namespace'>> {
  spec?:
    | { [Field in keyof ClusterSpotPolicySpecInput]?: ClusterSpotPolicySpecInput[Field] | undefined }
    | undefined;
  status?: SpotPolicyStatus;
}

/** A policy of the cluster as the API server would hand it out: `base`, over every pod of every namespace. */
export const aClusterPolicy = ({
  spec,
  status,
  ...metadata
}: ClusterPolicyWishes = {}): ClusterSpotPolicyObject => {
  const { name = 'base' } = metadata;
  return {
    apiVersion,
    kind: clusterSpotPolicyNames.kind,
    metadata: {
      name,
      uid: `uid-of-cluster-${name}`,
      resourceVersion: '1',
      generation: 1,
      creationTimestamp: '2026-01-01T00:00:00Z',
      ...metadata,
    },
    spec: JSON.parse(
      JSON.stringify({ namespaceSelector: {}, selector: {}, strategy: 'SpotAsPriceGo', ...spec }),
    ) as ClusterSpotPolicySpecInput,
    ...(status === undefined ? {} : { status }),
  };
};
