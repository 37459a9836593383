import { growingDelay } from '../runtime/backoff.ts';
import type { ListWatchOptions, WatchCalls } from '../runtime/list-watch.ts';
import type { WatchLine } from '../runtime/one-watch.ts';
import { isExpired } from './errors.ts';
import type { Kube, Selection } from './kube.ts';
import { type Resource, resources } from './resources.ts';
import type { KubeObject } from './types.ts';
import type { WatchEvent } from './watch-lines.ts';

/** Which objects to follow, and what is kept of each: `trim` sees every object as it arrives, the rest is garbage at once. */
export interface Followed<Raw extends KubeObject, T> extends Selection {
  readonly trim: (raw: Raw) => T;
}

/** Between which limits the length of a watch is chosen at random, in seconds. */
export interface WatchLength {
  readonly leastSeconds: number;
  readonly mostSeconds: number;
}

// The same as client-go's (minWatchTimeout in its reflector).
const usualLength: WatchLength = { leastSeconds: 300, mostSeconds: 600 };

/** How every list-watch of the API server deals with trouble, and how long its watches last. */
export const listWatchOptions = (
  random: () => number,
  { leastSeconds, mostSeconds }: WatchLength = usualLength,
): ListWatchOptions => ({
  expired: isExpired,
  pauseAfter: (failures) => growingDelay(failures, random),
  watchSeconds: () => leastSeconds + Math.floor(random() * (mostSeconds - leastSeconds)),
});

/** The calls that `listWatch` needs to follow a resource. */
export const listWatchCalls = <Raw extends KubeObject, T>(
  kube: Kube,
  resource: Resource<'list' | 'watch'>,
  { trim, ...selection }: Followed<Raw, T>,
): WatchCalls<T> => ({
  list: async ({ signal, ...page }) => {
    const { items, ...position } = await kube.list<Raw>(resource, { ...selection, ...page }, { signal });
    return { items: items.map(trim), ...position };
  },
  watch: async function* ({ resourceVersion, timeoutSeconds, signal, onOpen }) {
    const from = { ...selection, resourceVersion, timeoutSeconds };
    for await (const event of kube.watch<Raw>(resource, from, { signal, onOpen })) yield lineOf(event, trim);
  },
  ...(resource === resources.events && { position: presentPosition(kube, selection.namespace) }),
});

// The API server keeps no watch cache for Events (DefaultWatchCacheSizes), so no watch of them gets a bookmark. A
// selector would have the server read Events until one fits, and one is enough for the version of the list.
const presentPosition =
  (kube: Kube, namespace: string | undefined) =>
  async (signal: AbortSignal): Promise<string> => {
    const page = { namespace, limit: 1, metadataOnly: true };
    return (await kube.list(resources.events, page, { signal })).resourceVersion;
  };

const lineOf = <Raw extends KubeObject, T>(event: WatchEvent<Raw>, trim: (raw: Raw) => T): WatchLine<T> => {
  const { resourceVersion } = event.object.metadata;
  if (event.type === 'BOOKMARK') return { kind: 'bookmark', resourceVersion };
  const kind = event.type === 'DELETED' ? 'deleted' : 'changed';
  return { kind, object: trim(event.object), resourceVersion };
};
