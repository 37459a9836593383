import { setTimeout as pause } from 'node:timers/promises';
import type { Pod } from 'kubernetes-types/core/v1.js';
import type { Cluster } from '../../../hack/cluster/cluster.ts';
import { openClient, RestError } from '../../../hack/cluster/client.ts';
import { readKubeconfig } from '../../../hack/cluster/kubeconfig.ts';
import { aNamespace } from './cluster.ts';
import { create, pathTo } from './objects.ts';
import { noticeEvent } from './platform.ts';
import { podTemplate, spotAnnotations } from './pods.ts';
import { uidOf } from './scene.ts';

/** What a hostile tenant writes. */
export type Weapon = 'events' | 'marks' | 'owners' | 'policies';

/** A ServiceAccount with the role `edit` in one namespace, which writes there whatever may hurt others. */
export interface HostileTenant {
  /** How many of its writes the API server took, by what they were. */
  readonly written: ReadonlyMap<Weapon, number>;
  /** Ends its writes; resolves when the last one is answered. */
  stop(): Promise<void>;
}

// Each kind of weapon keeps so many objects and writes them anew.
const objects = 20;
const pauseMs = 200;
// The API server takes a message of an Event up to its limit of a request, 3 MiB.
const longText = 'x'.repeat(200_000);

/** Lets a tenant loose on pods of other namespaces, whose names, UIDs and owners it knows. */
export const aHostileTenant = async (cluster: Cluster, victims: readonly Pod[]): Promise<HostileTenant> => {
  const namespace = await aNamespace({ cluster });
  const rbac = 'rbac.authorization.k8s.io';
  await cluster.admin.post(`/apis/${rbac}/v1/namespaces/${namespace}/rolebindings`, {
    metadata: { name: 'mallory' },
    roleRef: { apiGroup: rbac, kind: 'ClusterRole', name: 'edit' },
    subjects: [{ kind: 'ServiceAccount', name: 'default', namespace }],
  });
  // The identity of the ServiceAccount, by certificate.
  const user = `system:serviceaccount:${namespace}:default`;
  const client = openClient(await readKubeconfig(await cluster.kubeconfigFor({ user })));
  const written = new Map<Weapon, number>();
  const over = new AbortController();

  const attack = async (weapon: Weapon, manifestOf: (turn: number, victim: Pod) => Manifest) => {
    for (let turn = 0; !over.signal.aborted; turn += 1) {
      const victim = victims[turn % victims.length] ?? {};
      const { kind, metadata, ...rest } = manifestOf(turn, victim);
      const name = `${weapon}-${turn % objects}`;
      await unlessRefused(client.delete(pathTo(kind, namespace, name), { gracePeriodSeconds: 0 }));
      const isTaken = await unlessRefused(
        create(client, namespace, { kind, ...rest, metadata: { ...metadata, name } }),
      );
      if (isTaken) written.set(weapon, (written.get(weapon) ?? 0) + 1);
      await pause(pauseMs);
    }
  };
  const attacks = [
    attack('events', anEvent(namespace)),
    attack('marks', aMarkedPod),
    attack('owners', anAdoptedPod),
    attack('policies', aPolicy),
  ];
  return {
    written,
    stop: async () => {
      over.abort();
      await Promise.all(attacks);
      await client.close();
    },
  };
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

// About pods of others, as far as an Event of this namespace can be: their names and UIDs, a window that is nearly over.
const anEvent =
  (namespace: string) =>
  (turn: number, victim: Pod): Manifest => {
    const text = `Spot ECI will be released in 1 minutes${turn % 5 === 0 ? longText : ''}`;
    const about = { metadata: { ...victim.metadata, namespace } };
    const { event } = noticeEvent(about, { leftSeconds: 3, text });
    const { generateName: _, ...metadata } = event.metadata;
    return { ...event, kind: 'Event', metadata };
  };

const aSpotPod = (metadata: object, victim: Pod): Manifest => {
  const template = podTemplate({ labels: victim.metadata?.labels ?? {} });
  const { labels } = template['metadata'] as { labels: object };
  return { ...template, kind: 'Pod', metadata: { labels, ...metadata } };
};

// A copy of a doomed pod, with a mark that speaks of the victim's policy and of one of the cluster.
const aMarkedPod = (turn: number, victim: Pod): Manifest => {
  const { namespace = '', ownerReferences = [] } = victim.metadata ?? {};
  const mark = {
    ...{
      uid: uidOf(victim),
      noticedAt: new Date(Date.now() - 170_000),
      deadline: new Date(Date.now() + 10_000),
    },
    policy: turn % 2 === 0 ? `SpotPolicy/${namespace}/spot` : 'ClusterSpotPolicy/all',
    ...{ evictor: 'Operator', replacement: 'BeforeEviction', jobPods: 'Immediately', onDeadline: 'Delete' },
    ...{ detachedAt: new Date(), from: ownerReferences[0]?.name, fromUid: ownerReferences[0]?.uid, ready: 1 },
  };
  const annotations = { ...spotAnnotations, 'spotpolicy.dev/interruption': JSON.stringify(mark) };
  return aSpotPod({ annotations }, victim);
};

// Under the victim's own controller, or one of a kind that nobody else has.
const anAdoptedPod = (turn: number, victim: Pod): Manifest => {
  const owners = victim.metadata?.ownerReferences ?? [];
  const invented = {
    ...{
      apiVersion: 'mallory.example/v1',
      kind: `Kind${turn}${'x'.repeat(200)}`,
      name: 'x',
      uid: `uid-${turn}`,
    },
    controller: true,
  };
  const ownerReferences =
    turn % 2 === 0 ? owners.map(({ blockOwnerDeletion: _, ...owner }) => owner) : [invented];
  return aSpotPod({ annotations: spotAnnotations, ownerReferences }, victim);
};

const aPolicy = (turn: number): Manifest => {
  const targetRefs = Array.from({ length: 8 }, (_, index) => ({
    ...{ group: 'mallory.example', kind: `Kind${turn}x${index}`, name: 'x' },
  }));
  const spec = { strategy: 'SpotAsPriceGo', targetRefs };
  return { ...{ apiVersion: 'spotpolicy.dev/v1alpha1', kind: 'SpotPolicy' }, metadata: {}, ...{ spec } };
};
