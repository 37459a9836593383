import type { ReplicaSet } from 'kubernetes-types/apps/v1.js';
import type { Namespace, Node } from 'kubernetes-types/core/v1.js';
import type { PodDisruptionBudget } from 'kubernetes-types/policy/v1.js';
import { vi } from 'vitest';
import { precedence } from '../../operator/policy/rules.ts';
import type { RawObject } from '../../operator/world/object.ts';
import {
  trimBudget,
  trimCronJob,
  trimDefinition,
  trimDeployment,
  trimJob,
  trimNamespace,
  trimNode,
  trimReplicaSet,
  trimStatefulSet,
  trimWebhook,
} from '../../operator/world/objects.ts';
import { trimClaim, trimQuota } from '../../operator/world/room.ts';
import { trimEvent } from '../../operator/world/platform-event.ts';
import { trimPod } from '../../operator/world/pod.ts';
import { trimClusterPolicy, trimPolicy } from '../../operator/world/policy.ts';
import { isSame } from '../../operator/world/same.ts';
import type { Change, Kind, Kinds } from '../../operator/world/view.ts';
import { World } from '../../operator/world/world.ts';
import { noonMs, ownedBy, uidOf } from './pod.ts';
import { aBudget } from './workloads.ts';

const trims = {
  Pod: trimPod,
  SpotPolicy: trimPolicy,
  ClusterSpotPolicy: trimClusterPolicy,
  Namespace: trimNamespace,
  Node: trimNode,
  PodDisruptionBudget: trimBudget,
  PersistentVolumeClaim: trimClaim,
  ResourceQuota: trimQuota,
  Deployment: trimDeployment,
  ReplicaSet: trimReplicaSet,
  StatefulSet: trimStatefulSet,
  Job: trimJob,
  CronJob: trimCronJob,
  ReclaimEvent: trimEvent,
  DegradeEvent: trimEvent,
  Webhook: trimWebhook,
  CustomResourceDefinition: trimDefinition,
} satisfies { readonly [K in Kind]: (raw: never) => Kinds[K] };

/** An object of a kind as a test writes it: what an API server would add may be left out. */
export type Raw<K extends Kind> = Parameters<(typeof trims)[K]>[0];

const clusterScoped: readonly Kind[] = [
  ...(['ClusterSpotPolicy', 'Namespace', 'Node', 'Webhook', 'CustomResourceDefinition'] as const),
];

// What the API server would have added: a UID by kind and name, so that owner references can be written beforehand.
const stored = <T extends RawObject>(kind: Kind, raw: T): T => {
  const { name = '', namespace = clusterScoped.includes(kind) ? '' : 'shop' } = raw.metadata ?? {};
  const added = { namespace, uid: uidOf(kind, name, namespace), resourceVersion: '1', generation: 1 };
  return {
    ...raw,
    metadata: { creationTimestamp: new Date(noonMs).toISOString(), ...added, ...raw.metadata },
  };
};

/** The world's record of an object. */
export const known = <K extends Kind>(kind: K, raw: Raw<K>): Kinds[K] =>
  (trims[kind] as (object: RawObject) => Kinds[K])(stored(kind, raw));

// The clock of a test that has one, else noon.
const clockMs = (): number => (vi.isFakeTimers() ? Date.now() : noonMs);

/** Tells a world of an object that appeared or changed at `nowMs`; returns the steps it made. */
export const put = <K extends Kind>(
  world: World,
  kind: K,
  raw: Raw<K>,
  nowMs = clockMs(),
): readonly Change[] => world.apply(kind, { kind: 'changed', object: known(kind, raw) }, nowMs);

/** Tells a world that an object went; returns the steps it made. */
export const drop = <K extends Kind>(
  world: World,
  kind: K,
  raw: Raw<K>,
  nowMs = clockMs(),
): readonly Change[] => world.apply(kind, { kind: 'deleted', object: known(kind, raw) }, nowMs);

// A changed pod has a new version, which a test need not say.
const asListed = <K extends Kind>(world: World, object: Kinds[K]): Kinds[K] => {
  const held = world.pods.byUid(object.uid);
  if (!held || !('phase' in object) || isSame(held, object)) return object;
  return { ...object, resourceVersion: `${held.resourceVersion}.1` };
};

/** Tells a world of a complete listing; returns the steps it made. */
export const list = <K extends Kind>(
  world: World,
  kind: K,
  raws: readonly Raw<K>[],
  nowMs = clockMs(),
): readonly Change[] => [
  ...world.apply(kind, { kind: 'listing' }, nowMs),
  ...raws.flatMap((raw) =>
    world.apply(kind, { kind: 'listed', object: asListed(world, known(kind, raw)) }, nowMs),
  ),
  ...world.apply(kind, { kind: 'synced' }, nowMs),
];

/** What a cluster holds, by kind. */
export type Content = { readonly [K in Kind]?: readonly Raw<K>[] };

/**
 * A real world in which every source has delivered its first list at `nowMs`: a virtual node, and what a test says.
 */
export const aWorld = (content: Content = {}, nowMs = clockMs()): World => {
  const world = new World(precedence);
  const all: Content = { Node: [aVirtualNode()], ...content };
  for (const kind of Object.keys(trims) as Kind[]) list(world, kind, all[kind] ?? [], nowMs);
  return world;
};

/** The virtual node on which the pods of these builders run. */
export const aVirtualNode = (name = 'virtual-kubelet-cn-hangzhou-h'): Pick<Node, 'metadata'> => ({
  metadata: { name, labels: { type: 'virtual-kubelet' } },
});

/** A namespace with these labels. */
export const aNamespace = (name = 'shop', labels: Record<string, string> = {}): Namespace => ({
  metadata: { name, labels },
});

/** The ReplicaSet `web-abc` of Deployment `web`, or another; one without a Deployment is a bare one. */
export const aReplicaSet = (name = 'web-abc', deployment: string | null = 'web'): ReplicaSet => ({
  metadata: { name, ...(deployment && { ownerReferences: [ownedBy('Deployment', deployment)] }) },
  spec: { replicas: 1, selector: {} },
});

/** What the controller of a budget found. */
export interface BudgetFigures {
  readonly name?: string;
  readonly app?: string;
  readonly version?: string;
  readonly allowed?: number;
  readonly healthy?: number;
  readonly desired?: number;
  /** The figures are about the spec as it stands. */
  readonly current?: boolean;
  /** Why it cannot be computed. */
  readonly failure?: string;
}

/** The budget `shop/web` over the pods labelled `app: web`, computed: one of ten may go. */
export const aComputedBudget = ({
  name = 'web',
  app = 'web',
  version = '1',
  allowed = 1,
  healthy = 10,
  desired = 9,
  current = true,
  failure,
}: BudgetFigures = {}): PodDisruptionBudget => ({
  ...aBudget({ maxUnavailable: 1 }, app, name),
  metadata: { name, resourceVersion: version, generation: 2 },
  status: {
    observedGeneration: current ? 2 : 1,
    disruptionsAllowed: allowed,
    currentHealthy: healthy,
    desiredHealthy: desired,
    expectedPods: healthy,
    ...(failure && {
      conditions: [
        {
          type: 'DisruptionAllowed',
          status: 'False',
          reason: 'SyncFailed',
          message: failure,
          lastTransitionTime: new Date(noonMs).toISOString(),
        },
      ],
    }),
  },
});
