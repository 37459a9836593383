import type { WatchCalls, WatchLine } from '../runtime/list-watch.ts';
import type { Kube, Selection } from './kube.ts';
import type { Resource } from './resources.ts';
import type { KubeObject } from './types.ts';
import type { WatchEvent } from './watch-lines.ts';

/** Which objects to follow, and what is kept of each: `trim` sees every object as it arrives, the rest is garbage at once. */
export interface Followed<Raw extends KubeObject, T> extends Selection {
  readonly trim: (raw: Raw) => T;
}

/** The two calls that `listWatch` needs to follow a resource. */
export const listWatchCalls = <Raw extends KubeObject, T>(
  kube: Kube,
  resource: Resource<'list' | 'watch'>,
  { trim, ...selection }: Followed<Raw, T>,
): WatchCalls<T> => ({
  list: async ({ signal, ...page }) => {
    const { items, ...position } = await kube.list<Raw>(resource, { ...selection, ...page }, { signal });
    return { items: items.map(trim), ...position };
  },
  watch: async function* ({ resourceVersion, signal }) {
    const events = kube.watch<Raw>(resource, { ...selection, resourceVersion }, { signal });
    for await (const event of events) yield lineOf(event, trim);
  },
});

const lineOf = <Raw extends KubeObject, T>(event: WatchEvent<Raw>, trim: (raw: Raw) => T): WatchLine<T> => {
  const { resourceVersion } = event.object.metadata;
  if (event.type === 'BOOKMARK') return { kind: 'bookmark', resourceVersion };
  const kind = event.type === 'DELETED' ? 'deleted' : 'changed';
  return { kind, object: trim(event.object), resourceVersion };
};
