import { setTimeout as pause } from 'node:timers/promises';
import type { Pod } from 'kubernetes-types/core/v1.js';
import type { OwnerReference } from 'kubernetes-types/meta/v1.js';
import type { Cluster } from '../../../hack/cluster/cluster.ts';
import { openClient, type RestClient, RestError } from '../../../hack/cluster/client.ts';
import { readKubeconfig } from '../../../hack/cluster/kubeconfig.ts';
import { aBudget } from '../../builders/workloads.ts';
import { aNamespace, waitFor } from './cluster.ts';
import { budgetInForce, create, isReady, pathTo } from './objects.ts';
import { noticeEvent } from './platform.ts';
import { podTemplate, spotAnnotations } from './pods.ts';
import { uidOf } from './scene.ts';

/** What a hostile tenant writes. */
export const weapons = ['events', 'marks', 'owners', 'policies'] as const;

export type Weapon = (typeof weapons)[number];

/** A ServiceAccount with the role `edit` in one namespace, which writes there whatever may hurt others. */
export interface HostileTenant {
  readonly namespace: string;
  /** A pod under a controller of an invented kind of 254 characters. */
  readonly odd: Pod;
  /** How many of its writes the API server took, by what they were. */
  readonly written: ReadonlyMap<Weapon, number>;
  /** Begins to write; the pods of others are those whose names, UIDs and owners it knows. */
  attack(victims: readonly Pod[]): Promise<void>;
  /** Ends its writes; resolves when the last one is answered. */
  stop(): Promise<void>;
}

// Each kind of weapon keeps so many objects and writes them anew.
const objects = 20;
// At once, before anything else: many more than the operator keeps about one pod.
const salvo = 100;
const pauseMs = 200;
// The API server takes a message of an Event up to its limit of a request, 3 MiB.
const longText = 'x'.repeat(200_000);
const longestName = 254;

/** Prepares a tenant in a namespace of its own with these labels. */
export const aHostileTenant = async (
  cluster: Cluster,
  labels: Record<string, string>,
): Promise<HostileTenant> => {
  const namespace = await aNamespace({ cluster, labels });
  const client = await asEditor(cluster, namespace);
  const written = new Map<Weapon, number>();
  const count = (weapon: Weapon): void => void written.set(weapon, (written.get(weapon) ?? 0) + 1);
  const over = new AbortController();
  const make = async (manifest: Manifest): Promise<Pod> =>
    (await create(client, namespace, manifest)) as unknown as Pod;

  const odd = await make(aPodOf('odd', [anInventedOwner('K'.repeat(longestName))]));
  // Over a pod without a controller only a number is in force. An eviction of this one is refused, so it stays under the notice that its Events are.
  await make({ ...aBudget({ minAvailable: 1 }, 'bait'), kind: 'PodDisruptionBudget' });
  const bait = await make(aSpotPod({ name: 'bait' }, { metadata: { labels: { app: 'bait' } } }));
  const crowd = await Promise.all(
    Array.from({ length: objects }, (_, index) => make(aPodOf(`crowd-${index}`, []))),
  );
  await budgetInForce(cluster.admin, namespace, 'bait');
  await waitFor('the pods of the tenant to be Ready', async () =>
    (await client.list<Pod>(pathTo('Pod', namespace))).every(isReady),
  );

  const writeOn = async (weapon: Weapon, write: (turn: number, name: string) => Promise<unknown>) => {
    for (let turn = 0; !over.signal.aborted; turn += 1) {
      if (await unlessRefused(write(turn, `${weapon}-${turn % objects}`))) count(weapon);
      await pause(pauseMs);
    }
  };
  const anew = async ({ kind, metadata, ...rest }: Manifest, name: string): Promise<Pod> => {
    await unlessRefused(client.delete(pathTo(kind, namespace, name), { gracePeriodSeconds: 0 }));
    return make({ kind, ...rest, metadata: { ...metadata, name } });
  };
  const beginWith = async (victims: readonly Pod[]): Promise<readonly Promise<void>[]> => {
    const victimOf = (turn: number): Pod => victims[turn % victims.length] ?? {};
    await Promise.all(
      Array.from({ length: salvo }, (_, turn) => make(anEventNow(anEvent(namespace, turn, bait)))),
    );
    // The Ready pods of the crowd name the victims' controllers, and stay.
    await Promise.all(
      crowd.map(({ metadata: { name } = {} }, index) =>
        client.patch(pathTo('Pod', namespace, name), {
          metadata: { ownerReferences: ownersOf(victimOf(index)).map(inNoVersion) },
        }),
      ),
    );
    return [
      writeOn('events', (turn, name) => anew(anEvent(namespace, turn, victimOf(turn)), name)),
      writeOn('marks', async (turn, name) => {
        const made = await anew(aSpotPod({}, victimOf(turn)), name);
        const annotations = { [markKey]: aMark(turn, made, victimOf(turn)) };
        return client.patch(pathTo('Pod', namespace, name), { metadata: { annotations } });
      }),
      writeOn('owners', (turn, name) =>
        anew(
          aPodOf(name, turn % 2 === 0 ? ownersOf(victimOf(turn)) : [anInventedOwner(`Kind${turn}`)]),
          name,
        ),
      ),
      writeOn('policies', (turn, name) => anew(aPolicy(turn), name)),
    ];
  };
  let attacks: readonly Promise<void>[] = [];
  return {
    namespace,
    odd,
    written,
    attack: async (victims) => {
      attacks = await beginWith(victims);
    },
    stop: async () => {
      over.abort();
      await Promise.all(attacks);
      await client.close();
    },
  };
};

const markKey = 'spotpolicy.dev/interruption';

/** A client as the default ServiceAccount of a namespace, by certificate, with the role `edit` there. */
const asEditor = async (cluster: Cluster, namespace: string): Promise<RestClient> => {
  const rbac = 'rbac.authorization.k8s.io';
  await cluster.admin.post(`/apis/${rbac}/v1/namespaces/${namespace}/rolebindings`, {
    metadata: { name: 'mallory' },
    roleRef: { apiGroup: rbac, kind: 'ClusterRole', name: 'edit' },
    subjects: [{ kind: 'ServiceAccount', name: 'default', namespace }],
  });
  const user = `system:serviceaccount:${namespace}:default`;
  const client = openClient(await readKubeconfig(await cluster.kubeconfigFor({ user })));
  // The API server authorizes by what its own watch of RoleBindings has told it.
  await waitFor('the role of the tenant', () => client.list(pathTo('Pod', namespace)));
  return client;
};

interface Manifest {
  readonly kind: string;
  readonly metadata?: object;
}

// Quotas of the API server, objects that are still going, fields that admission refuses: the next write may be taken.
const unlessRefused = (call: Promise<unknown>): Promise<boolean> =>
  call.then(
    () => true,
    (error: unknown) => {
      if (error instanceof RestError) return false;
      throw error;
    },
  );

// About a pod, as far as an Event of this namespace can be: its name and UID, and a window that is nearly over.
const anEvent = (namespace: string, turn: number, pod: Pod): Manifest => {
  const text = `Spot ECI will be released in 3 minutes${turn % 5 === 0 ? longText : ''}`;
  const about = { metadata: { ...pod.metadata, namespace } };
  return { ...noticeEvent(about, { leftSeconds: 3, text }).event, kind: 'Event' };
};

// An Event that is older than its pod is not about it.
const anEventNow = (event: Manifest): Manifest => {
  const now = new Date().toISOString();
  return { ...event, ...{ firstTimestamp: now, lastTimestamp: now } };
};

const aSpotPod = (metadata: object, { metadata: { labels = {} } = {} }: Pod): Manifest => {
  const template = podTemplate({ annotations: spotAnnotations, labels });
  return { ...template, kind: 'Pod', metadata: { ...(template['metadata'] as object), ...metadata } };
};

const aPodOf = (name: string, ownerReferences: readonly OwnerReference[]): Manifest =>
  aSpotPod({ name, ownerReferences }, {});

// A field that the tenant may not set.
const ownersOf = ({ metadata: { ownerReferences = [] } = {} }: Pod): OwnerReference[] =>
  ownerReferences.map(({ blockOwnerDeletion: _, ...owner }) => owner);

// The garbage collector cannot ask for an owner of a version that is not served, so it never removes what names it.
const inNoVersion = ({ apiVersion, ...owner }: OwnerReference): OwnerReference => ({
  apiVersion: apiVersion.replace(/[^/]+$/, 'v0'),
  ...owner,
});

const anInventedOwner = (kind: string): OwnerReference => ({
  ...{ apiVersion: 'mallory.example/v1', kind, name: 'x', uid: `uid-of-${kind.slice(0, 20)}` },
  controller: true,
});

// Of this very pod, so that it could be the operator's own; it speaks of a policy of the cluster or of the victim's.
const aMark = (turn: number, pod: Pod, victim: Pod): string => {
  const { namespace = '', ownerReferences = [] } = victim.metadata ?? {};
  return JSON.stringify({
    ...{
      uid: uidOf(pod),
      noticedAt: new Date(Date.now() - 60_000),
      deadline: new Date(Date.now() + 120_000),
    },
    policy: turn % 2 === 0 ? 'ClusterSpotPolicy/all' : `SpotPolicy/${namespace}/spot`,
    ...{ evictor: 'Operator', replacement: 'BeforeEviction', jobPods: 'Immediately', onDeadline: 'Delete' },
    ...{ detachedAt: new Date(), from: ownerReferences[0]?.name, fromUid: ownerReferences[0]?.uid, ready: 1 },
  });
};

const aPolicy = (turn: number): Manifest => {
  const targetRefs = Array.from({ length: 8 }, (_, index) => ({
    ...{ group: 'mallory.example', kind: `Kind${turn}x${index}`, name: 'x' },
  }));
  const spec = { strategy: 'SpotAsPriceGo', targetRefs };
  return { ...{ apiVersion: 'spotpolicy.dev/v1alpha1', kind: 'SpotPolicy' }, metadata: {}, ...{ spec } };
};
