import { cloneSets } from '../../operator/world/clone-set.ts';
import type { Owner, OwnerKind } from '../../operator/world/owner-kinds.ts';
import { trimOwner } from '../../operator/world/trim-owner.ts';
import type { Change } from '../../operator/world/view.ts';
import type { World } from '../../operator/world/world.ts';
import { uidOf } from './pod.ts';

/** What a test wants of the CloneSet `shop/web`; it surges by one pod where nothing else is said. */
export interface CloneSetWishes {
  readonly replicas?: number;
  /** As in v1beta1. */
  readonly rollingUpdate?: object;
  readonly terminating?: boolean;
}

/** The world's record of such a CloneSet. */
export const aCloneSet = ({
  replicas = 1,
  rollingUpdate = { maxSurge: 1 },
  terminating = false,
}: CloneSetWishes = {}): Owner => {
  const raw = {
    metadata: {
      ...{ name: 'web', namespace: 'shop', uid: uidOf('CloneSet', 'web') },
      ...(terminating && { deletionTimestamp: '2026-03-01T12:00:00Z' }),
    },
    spec: { replicas, updateStrategy: { rollingUpdate } },
  };
  return trimOwner(cloneSets)(raw);
};

/** Tells a world that has met CloneSets of all that there are, and how their kind stands; returns the steps it made. */
export const listCloneSets = (
  world: World,
  objects: readonly Owner[] = [aCloneSet()],
  standing: OwnerKind['standing'] = 'Readable',
): readonly Change[] => [
  ...world.applyOwners(cloneSets, { kind: 'listing' }),
  ...objects.flatMap((object) => world.applyOwners(cloneSets, { kind: 'listed', object })),
  ...world.applyOwners(cloneSets, { kind: 'synced' }),
  ...world.judgeOwnerKind({ ...cloneSets, standing, resource: 'clonesets.apps.kruise.io', problem: '' }),
];
