import { eciAnnotations } from '../api/keys.ts';
import type { Pod } from '../world/pod.ts';

/** The first ack-virtual-node that evicts pods which ask for it (`api-evict`), by ECI's pages. */
export const evictingVersion = '2.11.0';

const [evictingMajor = 0, evictingMinor = 0] = evictingVersion.split('.').map(Number);

/**
 * The virtual nodes of these pods, sorted by name, that evict nothing. What runs there is written on each pod that it
 * takes, so the newest pod tells; of a node whose pods carry no version nothing is known.
 */
export const nodesTooOld = (pods: Iterable<Pod>): readonly string[] => {
  const newest = new Map<string, Pod>();
  for (const pod of pods) {
    if (pod.nodeName === undefined || !(eciAnnotations.nodeVersion in pod.annotations)) continue;
    if (pod.createdAtMs >= (newest.get(pod.nodeName)?.createdAtMs ?? 0)) newest.set(pod.nodeName, pod);
  }
  return [...newest]
    .filter(([, pod]) => isTooOld(pod))
    .map(([name]) => name)
    .toSorted();
};

const isTooOld = ({ annotations }: Pod): boolean => {
  const [, major, minor] = /^v?(\d+)\.(\d+)\./.exec(annotations[eciAnnotations.nodeVersion] ?? '') ?? [];
  if (major === undefined) return false;
  return Number(major) < evictingMajor || (Number(major) === evictingMajor && Number(minor) < evictingMinor);
};
