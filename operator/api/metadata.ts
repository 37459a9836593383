/** API group of the policies. */
export const group = 'spotpolicy.dev';

/** The one served and stored version. */
export const version = 'v1alpha1';

/** `apiVersion` of every policy object. */
export const apiVersion = `${group}/${version}`;

/** The names under which the API server knows a kind. */
export interface KindNames {
  readonly kind: string;
  readonly plural: string;
  readonly singular: string;
  readonly shortNames: readonly string[];
}

/** Names of the namespaced policy. */
export const spotPolicyNames = {
  kind: 'SpotPolicy',
  plural: 'spotpolicies',
  singular: 'spotpolicy',
  shortNames: ['spp'],
} as const satisfies KindNames;

/** Names of the policy of the whole cluster. */
export const clusterSpotPolicyNames = {
  kind: 'ClusterSpotPolicy',
  plural: 'clusterspotpolicies',
  singular: 'clusterspotpolicy',
  shortNames: ['cspp'],
} as const satisfies KindNames;

/** A kind of policy, as its objects name it. */
export type PolicyKindName = (typeof spotPolicyNames | typeof clusterSpotPolicyNames)['kind'];

/** The metadata that the API server fills in on every stored policy; times are RFC 3339 text. */
export interface PolicyMetadata {
  readonly name: string;
  readonly namespace: string;
  readonly uid: string;
  readonly resourceVersion: string;
  readonly generation: number;
  readonly creationTimestamp: string;
  readonly deletionTimestamp?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}
