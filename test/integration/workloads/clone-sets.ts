import type { Pod } from 'kubernetes-types/core/v1.js';
import type { OwnerReference } from 'kubernetes-types/meta/v1.js';
import type { Access } from '../../../hack/cluster/access.ts';
import { create, isReady } from '../harness/objects.ts';
import { podTemplate, sim, spotAnnotations } from '../harness/pods.ts';
import { controlling, createForeign, type ForeignKind } from './foreign-kinds.ts';
import { playController, removePod } from './stand-in.ts';

const figure = { 'x-kubernetes-int-or-string': true };

/** CloneSets as Kruise 1.9 serves and stores them, as far as these tests go. */
export const cloneSet: ForeignKind = {
  ...{ group: 'apps.kruise.io', version: 'v1beta1', kind: 'CloneSet', plural: 'clonesets' },
  spec: {
    type: 'object',
    properties: {
      replicas: { type: 'integer' },
      updateStrategy: {
        type: 'object',
        properties: {
          rollingUpdate: {
            type: 'object',
            properties: { maxSurge: figure, maxUnavailable: figure, paused: { type: 'boolean' } },
          },
        },
      },
    },
  },
};

/** What a test wants of a CloneSet; the figures are whole numbers, and nothing is unavailable by default. */
export interface CloneSetWishes {
  readonly replicas?: number;
  readonly maxSurge?: number;
  readonly maxUnavailable?: number;
}

interface CloneSet {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly uid: string };
  readonly spec: {
    readonly replicas: number;
    readonly updateStrategy: { readonly rollingUpdate: Required<Omit<CloneSetWishes, 'replicas'>> };
  };
}

/** Creates the CloneSet `web`, whose pods nobody creates unless `playCloneSets` does; returns the reference to it. */
export const createCloneSet = (
  access: Pick<Access, 'admin'>,
  namespace: string,
  { replicas = 1, maxSurge = 1, maxUnavailable = 0 }: CloneSetWishes = {},
): Promise<OwnerReference> => {
  const spec = { replicas, updateStrategy: { rollingUpdate: { maxSurge, maxUnavailable } } };
  return createForeign(access, namespace, cloneSet, { name: 'web', spec });
};

/** A spot pod `app: web` of an owner; `told` is for the simulated ECI. */
export const aPodOf = (owner: OwnerReference, told: Record<string, string> = {}): Pod => ({
  ...{ apiVersion: 'v1', kind: 'Pod' },
  ...podTemplate({ spec: { terminationGracePeriodSeconds: 5 } }),
  metadata: {
    generateName: 'web-',
    labels: { app: 'web' },
    annotations: { ...spotAnnotations, ...sim(told) },
    ownerReferences: [owner],
  },
});

/** Stands in for Kruise in a namespace until the end of the file: its CloneSets get their pods, and replace those labelled. */
export const playCloneSets = (
  admin: Access['admin'],
  namespace: string,
  told: Record<string, string>,
): void => {
  playController(admin, namespace, cloneSet, async (set: CloneSet, pods: readonly Pod[]) => {
    const owned = pods.filter(({ metadata, status }) => {
      const isActive = !metadata?.deletionTimestamp && !['Failed', 'Succeeded'].includes(status?.phase ?? '');
      return isActive && metadata?.ownerReferences?.[0]?.uid === set.metadata.uid;
    });
    const { missing, doomed } = reconcile(set, owned);
    const owner = controlling({ ...set, ...{ apiVersion: 'apps.kruise.io/v1beta1', kind: 'CloneSet' } });
    for (let count = 0; count < missing; count += 1) await create(admin, namespace, aPodOf(owner, told));
    for (const pod of doomed) await removePod(admin, namespace, pod);
  });
};

/**
 * What the controller of CloneSets does about pods labelled `specified-delete`, by calculateDiffsWithExpectation and
 * Scale of pkg/controller/cloneset/sync in Kruise 1.9, of one revision and without lifecycle hooks.
 */
const reconcile = (
  { spec: { replicas, updateStrategy } }: CloneSet,
  pods: readonly Pod[],
): { missing: number; doomed: readonly Pod[] } => {
  const { maxSurge, maxUnavailable } = updateStrategy.rollingUpdate;
  const isTold = ({ metadata }: Pod) => 'apps.kruise.io/specified-delete' in (metadata?.labels ?? {});
  const told = pods.filter(isTold);
  const unavailable = pods.filter((pod) => !isTold(pod) && !isReady(pod)).length;
  const lacking = Math.min(Math.max(unavailable + told.length - maxUnavailable, 0), told.length);
  const expected = replicas + Math.min(maxSurge, lacking);
  if (pods.length < expected) return { missing: expected - pods.length, doomed: [] };
  let readyToGo = Math.max(maxUnavailable + pods.length - replicas - unavailable, 0);
  const doomed = told.filter((pod) => !isReady(pod) || readyToGo-- > 0);
  const surplus = told.length === 0 ? pods.length - expected : 0;
  return { missing: 0, doomed: [...doomed, ...pods.slice(0, surplus)] };
};
