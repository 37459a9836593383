import type { Pod } from 'kubernetes-types/core/v1.js';
import { follow$ } from './follow.ts';
import { waitFor } from './cluster.ts';
import { createGoings, type Goings } from './goings.ts';
import { isReady, pathTo } from './objects.ts';
import { type Scene, uidOf } from './scene.ts';

/** The many pods of a scene, followed by one watch: lists of them would cost more than what is being tested. */
export interface Herd {
  /** The pods that nobody has deleted and that `among` takes, once there are so many, all Ready. */
  ready(count: number, among?: (pod: Pod) => boolean): Promise<Pod[]>;
  /** Resolves when each of these pods is being deleted or gone. */
  gone(pods: readonly Pod[]): Promise<unknown>;
  /** How many of these pods are being deleted or gone. */
  countGone(pods: readonly Pod[]): number;
  goingSince: Goings['since'];
  /** These pods as they were last seen. */
  seen(pods: readonly Pod[]): Pod[];
  until(what: string, holds: () => boolean): Promise<unknown>;
  stop(): void;
}

const patience = { timeoutMs: 120_000 };

/** Follows the pods of a scene until stopped. */
export const aHerd = ({ admin, namespace }: Pick<Scene, 'admin' | 'namespace'>): Herd => {
  const pods = new Map<string, Pod>();
  const goings = createGoings();
  const isGone = ({ metadata }: Pod): boolean => metadata?.deletionTimestamp !== undefined;
  const watching = follow$<Pod>(admin, pathTo('Pod', namespace)).subscribe((pod) => {
    pods.set(uidOf(pod), pod);
    goings.note(pod);
  });
  const seen = (of: readonly Pod[]): Pod[] => of.flatMap((pod) => pods.get(uidOf(pod)) ?? []);
  const countGone = (of: readonly Pod[]): number => seen(of).filter(isGone).length;
  const until = (what: string, holds: () => boolean): Promise<unknown> => waitFor(what, holds, patience);
  return {
    seen,
    countGone,
    goingSince: goings.since,
    until,
    ready: (count, among = () => true) =>
      waitFor(
        `${count} Ready pods`,
        () => {
          const living = [...pods.values()].filter((pod) => !isGone(pod) && among(pod));
          return living.length === count && living.every(isReady) && living;
        },
        patience,
      ),
    gone: (of) => until(`${of.length} pods to go`, () => countGone(of) === of.length),
    stop: () => watching.unsubscribe(),
  };
};
