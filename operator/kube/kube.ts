import type { DiscoveredResource } from './discovery.ts';
import type { EvictionAnswer } from './eviction.ts';
import type { Resource } from './resources.ts';
import type { KubeObject, Ref } from './types.ts';
import type { WatchEvent } from './watch-lines.ts';

/** How long to wait for the answer, 10 s by default, and what cancels the call. */
export interface CallOptions {
  readonly signal?: AbortSignal | undefined;
  readonly timeoutMs?: number;
}

/** `onOpen` is called when the server has accepted the watch, before its first line. */
export interface WatchOptions extends CallOptions {
  readonly onOpen?: (() => void) | undefined;
}

/**
 * `dryRun` asks the API server to run every check and to store nothing. `fieldManager` is the writer's name in the object's
 * `managedFields`, at most 128 characters; by default the first part of the user agent, `spotpolicy`.
 */
export interface WriteOptions extends CallOptions {
  readonly dryRun?: boolean | undefined;
  readonly fieldManager?: string | undefined;
}

/**
 * Which objects of a resource; without a namespace those of all. `metadataOnly` leaves spec and status on the server;
 * `managedFields` keeps who wrote which field, most of an object's size, until whoever asked has read it.
 */
export interface Selection {
  readonly namespace?: string | undefined;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  readonly metadataOnly?: boolean;
  readonly managedFields?: boolean;
}

/**
 * A change to an object. A `metadata.resourceVersion` in a body makes any other version a conflict, and a `metadata.uid` any
 * other object; but the status of a custom resource takes every UID (measured on 1.36), so there only the version or a JSON
 * patch with a `test` will do.
 */
export type Patch =
  | { readonly type: 'merge' | 'strategic'; readonly body: object }
  | { readonly type: 'json'; readonly body: readonly object[] }
  | {
      readonly type: 'apply';
      readonly body: object;
      readonly fieldManager: string;
      readonly force?: boolean;
    };

/** Preconditions and manner of a deletion; without `gracePeriodSeconds` the object's own. */
export interface DeleteOptions extends WriteOptions {
  readonly uid?: string;
  readonly resourceVersion?: string;
  readonly gracePeriodSeconds?: number | undefined;
}

/** As for a deletion; the UID is not optional, because names of pods come back. */
export interface EvictOptions extends DeleteOptions {
  readonly uid: string;
}

/** Where a watch begins; without `timeoutSeconds` the server ends it when it likes, after 30 to 60 minutes. */
export interface WatchStart extends Selection {
  readonly resourceVersion: string;
  readonly timeoutSeconds?: number;
}

/** A page of a list, from the start or from a token. */
export interface PageRequest extends Selection {
  readonly limit?: number;
  readonly continueToken?: string;
}

/** A page of a list; `continueToken` is absent on the last one. */
export interface Page<T> {
  readonly items: readonly T[];
  readonly resourceVersion: string;
  readonly continueToken?: string;
}

/** A typed client of one API server. Calls throw a KubeError when they fail; `T` is what the caller knows the object to be. */
export interface Kube {
  get<T extends KubeObject>(resource: Resource<'get'>, ref: Ref, options?: CallOptions): Promise<T>;
  list<T extends KubeObject>(
    resource: Resource<'list'>,
    page?: PageRequest,
    options?: CallOptions,
  ): Promise<Page<T>>;
  /** The events after a resourceVersion, bookmarks included, until the server ends the watch. Leaving the loop closes it. */
  watch<T extends KubeObject>(
    resource: Resource<'watch'>,
    from: WatchStart,
    options?: WatchOptions,
  ): AsyncGenerator<WatchEvent<T>, void, undefined>;
  create<T extends KubeObject>(
    resource: Resource<'create'>,
    body: object,
    options?: WriteOptions & { readonly namespace?: string | undefined },
  ): Promise<T>;
  /** A full update; the body's `metadata.resourceVersion` makes it a conflict when the object has changed. */
  replace<T extends KubeObject>(
    resource: Resource<'update'>,
    ref: Ref,
    body: object,
    options?: WriteOptions,
  ): Promise<T>;
  patch<T extends KubeObject>(
    resource: Resource<'patch'>,
    ref: Ref,
    patch: Patch,
    options?: WriteOptions,
  ): Promise<T>;
  delete(resource: Resource<'delete'>, ref: Ref, options?: DeleteOptions): Promise<void>;
  /** What the API server serves in a group, its preferred version first; empty where it knows no such group. */
  discover(group: string, options?: CallOptions): Promise<readonly DiscoveredResource[]>;
  /** Evicts a pod. Whatever happens is an answer, it never throws; 15 s by default. */
  evict(pod: Ref, options: EvictOptions): Promise<EvictionAnswer>;
  /** Ends every connection; calls under way fail. */
  close(): Promise<void>;
}
