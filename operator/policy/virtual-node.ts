import { eciAnnotations } from '../api/keys.ts';
import type { Pod } from '../world/pod.ts';

/** The first ack-virtual-node that evicts pods which ask for it (`api-evict`), by ECI's pages. */
export const evictingVersion = '2.11.0';

const [evictingMajor = 0, evictingMinor = 0] = evictingVersion.split('.').map(Number);

/**
 * What a pod tells of the version of its virtual node: a number that is odd where that version evicts nothing, and
 * greater the newer the pod is. What runs there is written on each pod that it takes, so the greatest tells; undefined
 * for a pod that carries no version.
 */
export const versionRank = ({ annotations, createdAtMs }: Pod): number | undefined =>
  eciAnnotations.nodeVersion in annotations ? createdAtMs * 2 + Number(isTooOld(annotations)) : undefined;

/** Whether the greatest rank of a node says that it evicts nothing. */
export const isRankTooOld = (rank: number): boolean => rank % 2 === 1;

const isTooOld = (annotations: Pod['annotations']): boolean => {
  const [, major, minor] = /^v?(\d+)\.(\d+)\./.exec(annotations[eciAnnotations.nodeVersion] ?? '') ?? [];
  if (major === undefined) return false;
  return Number(major) < evictingMajor || (Number(major) === evictingMajor && Number(minor) < evictingMinor);
};
