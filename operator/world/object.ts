import type { ObjectMeta, OwnerReference } from 'kubernetes-types/meta/v1.d.ts';

/** What every object of the world has, whatever its kind. */
export interface Identity {
  readonly uid: string;
  readonly namespace: string;
  readonly name: string;
}

/**
 * What tells one object from every other. An owner reference is user input: a UID alone may name an object of another
 * namespace or kind, which the reference then does not own.
 */
export interface ObjectKey {
  readonly namespace: string;
  readonly group: string;
  readonly kind: string;
  readonly uid: string;
}

/** The controller of an object, as its owner references name it: an owner is always in the namespace of what it owns. */
export interface Controller extends ObjectKey {
  readonly name: string;
}

/** `namespace/group/kind/uid`, the key of an object in indexes. */
export const objectKey = ({ namespace, group, kind, uid }: ObjectKey): string =>
  `${namespace}/${group}/${kind}/${uid}`;

/** Whether two objects have the same controller, or both have none. */
export const isSameController = (one: Owned, other: Owned): boolean =>
  keyOfController(one) === keyOfController(other);

const keyOfController = ({ controller }: Owned): string => (controller ? objectKey(controller) : '');

/** Something that is controlled, or not: a pod, or an owner of pods. */
export interface Owned {
  readonly controller: Controller | undefined;
}

/** By the key of its controller, for whatever has one. */
export const byController = ({ controller }: Owned): readonly string[] =>
  controller ? [objectKey(controller)] : [];

/** An object of the API that has metadata; everything else is for the caller to know. */
export interface RawObject {
  readonly metadata?: ObjectMeta;
}

/** The identity in `metadata`; fields an API server always sets are empty strings where a test left them out. */
export const identityOf = ({ metadata }: RawObject): Identity => ({
  uid: metadata?.uid ?? '',
  namespace: metadata?.namespace ?? '',
  name: metadata?.name ?? '',
});

/** `namespace/name`, the key of a namespaced object while it lives. */
export const nameKey = ({ namespace, name }: { namespace: string; name: string }): string =>
  `${namespace}/${name}`;

/** The controller that an object's owner references name, wherever it stands among them; undefined where there is none. */
export const controllerOf = (metadata: Owning | undefined): Controller | undefined => {
  const reference = metadata?.ownerReferences?.find(({ controller }) => controller === true);
  if (!reference) return undefined;
  const { apiVersion, kind, name, uid } = reference;
  return { namespace: metadata?.namespace ?? '', group: groupOf(apiVersion), kind, name, uid };
};

type Owning = Pick<ObjectMeta, 'namespace'> & { readonly ownerReferences?: readonly OwnerReference[] };

/** Kinds, also of OpenKruise, whose pods belong to one node and are never ECI instances: the owner of a static pod is its Node. */
export const nodeBound = [
  { group: 'apps', kind: 'DaemonSet' },
  { group: 'apps.kruise.io', kind: 'DaemonSet' },
  { group: '', kind: 'Node' },
] as const satisfies readonly Pick<ObjectKey, 'group' | 'kind'>[];

/** Whether pods of this kind of owner belong to one node. */
export const isNodeBound = ({ group, kind }: Pick<ObjectKey, 'group' | 'kind'>): boolean =>
  nodeBound.some((each) => each.group === group && each.kind === kind);

// An annotation or an Event may name any time. Of these years the API can spell each, also some days later.
const [earliestMs, latestMs] = [0, Date.parse('9999-01-01T00:00:00Z')];

/**
 * Milliseconds since the epoch of an API time such as `2026-01-02T03:04:05Z`; undefined where there is none, or none
 * from 1970 to 9998.
 */
export const instantMs = (time: string | undefined | null): number | undefined => {
  const ms = time ? Date.parse(time) : Number.NaN;
  return ms >= earliestMs && ms < latestMs ? ms : undefined;
};

/** The API's spelling of an instant, in whole seconds. */
export const apiTime = (ms: number): string => new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z');

/** The API's spelling of an instant with milliseconds (MicroTime). */
export const preciseTime = (ms: number): string => new Date(ms).toISOString();

/**
 * Whether one version of an object is older than another, undefined for one that is not there. Versions are ordered as whole
 * numbers: Kubernetes promises it since 1.35 (KEP-5504), and etcd gave nothing else before.
 */
export const isOlder = (version: string | undefined, than: string | undefined): boolean =>
  isNumber(version) && isNumber(than) && BigInt(version) < BigInt(than);

const isNumber = (version: string | undefined): version is string => /^\d+$/.test(version ?? '');

/**
 * The field managers that wrote an object, the latest first, at most 10: the API server joins older ones. With a
 * `subresource` only those that wrote that one.
 */
export const writersOf = ({ metadata }: RawObject, subresource?: string): readonly string[] =>
  (metadata?.managedFields ?? [])
    .filter((entry) => subresource === undefined || entry.subresource === subresource)
    .map(({ manager = '', time }) => ({ manager, atMs: instantMs(time) ?? 0 }))
    .toSorted((a, b) => b.atMs - a.atMs)
    .map(({ manager }) => manager)
    .filter(Boolean)
    .slice(0, mostWriters);

// structured-merge-diff's default of manageable updaters (fieldmanager.DefaultMaxUpdateManagers); appliers come on top.
const mostWriters = 10;

/** The entries of `record` whose key starts with one of `prefixes`: memory is spent on what decisions read. */
export const keepPrefixed = (
  record: Readonly<Record<string, string>> | undefined,
  prefixes: readonly string[],
): Readonly<Record<string, string>> =>
  Object.fromEntries(
    Object.entries(record ?? {}).filter(([key]) => prefixes.some((prefix) => key.startsWith(prefix))),
  );

/** The API group of an `apiVersion`; `""` is the core group. */
export const groupOf = (apiVersion: string): string =>
  apiVersion.includes('/') ? apiVersion.slice(0, apiVersion.indexOf('/')) : '';
