import { isNotFound } from './errors.ts';
import type { CallOptions } from './kube.ts';
import type { Resource } from './resources.ts';
import type { Outgoing } from './transport.ts';

/** A resource as discovery describes it, with the verbs that it serves to whoever may. */
export interface DiscoveredResource {
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  readonly kind: string;
  readonly namespaced: boolean;
  readonly verbs: readonly string[];
}

interface ApiGroup {
  readonly preferredVersion?: { readonly version: string };
  readonly versions: readonly { readonly version: string }[];
}

interface ApiResourceList {
  readonly resources: readonly {
    readonly name: string;
    readonly kind: string;
    readonly namespaced: boolean;
    readonly verbs: readonly string[];
  }[];
}

/** The resources of a group, its preferred version first and without subresources; `read` makes one GET. Throws KubeError. */
export const discoverGroup = async (
  group: string,
  read: (path: string) => Promise<unknown>,
): Promise<readonly DiscoveredResource[]> => {
  const root = group === '' ? '/api' : `/apis/${encodeURIComponent(group)}`;
  try {
    const versions = group === '' ? ['v1'] : versionsOf((await read(root)) as ApiGroup);
    const lists = await Promise.all(
      versions.map(async (version) => ({
        version,
        list: (await read(`${root}/${encodeURIComponent(version)}`)) as ApiResourceList,
      })),
    );
    return lists.flatMap(({ version, list }) =>
      list.resources
        .filter(({ name }) => !name.includes('/'))
        .map(({ name, kind, namespaced, verbs }) => ({
          ...{ group, version, plural: name, kind, namespaced, verbs },
        })),
    );
  } catch (error) {
    // Its last version may go between the two requests.
    if (isNotFound(error)) return [];
    throw error;
  }
};

const versionsOf = ({ preferredVersion, versions }: ApiGroup): readonly string[] => [
  ...new Set([...(preferredVersion ? [preferredVersion] : []), ...versions].map(({ version }) => version)),
];

/** One request of discovery; every authenticated user may make it. */
export const discoveryRequest = (
  path: string,
  { signal, timeoutMs = 10_000 }: CallOptions = {},
): Outgoing => ({
  doing: `discovering ${path}`,
  verb: 'get',
  method: 'GET',
  path,
  timeoutMs,
  signal,
});

/**
 * The resource of a kind that can be listed and watched in namespaces, or undefined where there is none among those found.
 * What may really be read of it is for the roles of the installation to say: no generated role knows it.
 */
export const watchable = (
  found: readonly DiscoveredResource[],
  kind: string,
): Resource<'list' | 'watch'> | undefined => {
  const resource = found.find(
    (each) =>
      each.kind === kind && each.namespaced && each.verbs.includes('list') && each.verbs.includes('watch'),
  );
  return resource && { ...resource, scope: 'cluster', verbs: { list: true, watch: true } };
};
