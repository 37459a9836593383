import type { ObjectMeta, OwnerReference } from 'kubernetes-types/meta/v1.d.ts';

/** What every object of the world has, whatever its kind. */
export interface Identity {
  readonly uid: string;
  readonly namespace: string;
  readonly name: string;
}

/** A reference to the controller of an object, as its owner references name it. */
export interface Controller {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
}

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

/** The owner reference marked as controller, or undefined. */
export const controllerOf = (references: readonly OwnerReference[] | undefined): Controller | undefined => {
  const reference = references?.find(({ controller }) => controller === true);
  return reference && pickController(reference);
};

const pickController = ({ apiVersion, kind, name, uid }: OwnerReference): Controller => ({
  apiVersion,
  kind,
  name,
  uid,
});

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
