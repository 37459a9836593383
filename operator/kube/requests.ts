import type {
  CallOptions,
  DeleteOptions,
  EvictOptions,
  PageRequest,
  Patch,
  Selection,
  WatchOptions,
  WatchStart,
  WriteOptions,
} from './kube.ts';
import { pathOf, resources } from './resources.ts';
import type { ResourceType, Verb } from './resources.ts';
import type { Outgoing } from './transport.ts';
import type { Ref } from './types.ts';

const usualTimeoutMs = 10_000;
// Not longer than a lease lasts, so that no eviction outlives the leadership it was sent under.
const evictionTimeoutMs = 15_000;

const verbs = {
  get: { method: 'GET', gerund: 'getting' },
  list: { method: 'GET', gerund: 'listing' },
  watch: { method: 'GET', gerund: 'watching' },
  create: { method: 'POST', gerund: 'creating' },
  update: { method: 'PUT', gerund: 'updating' },
  patch: { method: 'PATCH', gerund: 'patching' },
  delete: { method: 'DELETE', gerund: 'deleting' },
} as const satisfies Record<Verb, { method: Outgoing['method']; gerund: string }>;

/** A request for one object, or for a collection where `ref` has no name. */
export const requestFor = (
  verb: Verb,
  resource: ResourceType,
  ref: Partial<Ref>,
  { signal, timeoutMs = usualTimeoutMs, dryRun, fieldManager }: WriteOptions = {},
): Outgoing => ({
  doing: doing(verbs[verb].gerund, resource, ref),
  verb,
  method: verbs[verb].method,
  path: pathOf(resource, ref),
  query: { dryRun: dryRun ? 'All' : undefined, fieldManager },
  timeoutMs,
  signal,
  lease: resource === resources.leases,
});

const doing = (gerund: string, resource: ResourceType, { namespace, name }: Partial<Ref>): string => {
  if (name === undefined)
    return `${gerund} ${resource.plural}${namespace === undefined ? '' : ` in ${namespace}`}`;
  const part = resource.subresource ? `/${resource.subresource}` : '';
  return `${gerund} ${resource.kind.toLowerCase()}${part} ${fullName({ namespace, name })}`;
};

const fullName = ({ namespace, name }: Ref): string =>
  namespace === undefined ? name : `${namespace}/${name}`;

const mediaType = ({ metadataOnly = false }: Selection, kind: string): string =>
  metadataOnly ? `application/json;as=${kind};g=meta.k8s.io;v=v1` : 'application/json';

/** A page of a list. */
export const listRequest = (resource: ResourceType, page: PageRequest, options?: CallOptions): Outgoing => ({
  ...requestFor('list', resource, { namespace: page.namespace }, options),
  query: {
    labelSelector: page.labelSelector,
    fieldSelector: page.fieldSelector,
    limit: page.limit?.toString(),
    continue: page.continueToken,
  },
  accept: mediaType(page, 'PartialObjectMetadataList'),
});

/** A watch from a resourceVersion on, with bookmarks. */
export const watchRequest = (
  resource: ResourceType,
  from: WatchStart,
  options: WatchOptions = {},
): Outgoing => ({
  ...requestFor('watch', resource, { namespace: from.namespace }, options),
  onOpen: options.onOpen,
  query: {
    labelSelector: from.labelSelector,
    fieldSelector: from.fieldSelector,
    resourceVersion: from.resourceVersion,
    timeoutSeconds: from.timeoutSeconds?.toString(),
    watch: 'true',
    allowWatchBookmarks: 'true',
  },
  accept: mediaType(from, 'PartialObjectMetadata'),
});

const patchTypes: Record<Patch['type'], string> = {
  merge: 'application/merge-patch+json',
  strategic: 'application/strategic-merge-patch+json',
  json: 'application/json-patch+json',
  apply: 'application/apply-patch+yaml', // which JSON is part of
};

/** A patch of one object. */
export const patchRequest = (
  resource: ResourceType,
  ref: Ref,
  patch: Patch,
  options?: WriteOptions,
): Outgoing => {
  const { query, ...request } = requestFor('patch', resource, ref, options);
  const applying =
    patch.type === 'apply' ? { fieldManager: patch.fieldManager, force: patch.force?.toString() } : {};
  return {
    ...request,
    query: { ...query, ...applying },
    contentType: patchTypes[patch.type],
    body: patch.body,
  };
};

const deleteOptions = ({ uid, resourceVersion, gracePeriodSeconds, dryRun }: DeleteOptions): object => ({
  apiVersion: 'v1',
  kind: 'DeleteOptions',
  preconditions: { uid, resourceVersion },
  gracePeriodSeconds,
  // Also in the query; the API server refuses an eviction whose two differ.
  dryRun: dryRun ? ['All'] : undefined,
});

/** The deletion of one object. */
export const deleteRequest = (resource: ResourceType, ref: Ref, options: DeleteOptions = {}): Outgoing => ({
  ...requestFor('delete', resource, ref, options),
  body: deleteOptions(options),
});

/** The eviction of one pod. */
export const evictRequest = (pod: Ref, options: EvictOptions): Outgoing => ({
  ...requestFor('create', resources.podEviction, pod, { timeoutMs: evictionTimeoutMs, ...options }),
  doing: `evicting pod ${fullName(pod)}`,
  body: {
    apiVersion: 'policy/v1',
    kind: 'Eviction',
    metadata: { name: pod.name, namespace: pod.namespace },
    deleteOptions: deleteOptions(options),
  },
});
