import type { Pod } from '../world/pod.ts';
import type { Quota } from '../world/room.ts';
import type { View } from '../world/view.ts';
import { selects } from './selector.ts';

/** Why a second pod like this one could not run beside it, in words; undefined where nothing known is in the way. */
export const obstacleTo = (view: View, pod: Pod): string | undefined =>
  tieOf(view, pod) ??
  (view.synced('ResourceQuota') ? undefined : 'whether a quota has room for another is not known') ??
  [...view.quotas.group('namespace', pod.namespace)].map((quota) => lackIn(quota, pod)).find(Boolean);

const tieOf = (view: View, { namespace, labels, ties }: Pod): string | undefined => {
  if (!ties) return undefined;
  if (ties.hostPort) return 'it uses a port of its node';
  if (ties.avoids.some((selector) => selects(selector, labels)))
    return 'its anti-affinity keeps a second one like it away';
  const [held] = ties.heldVolumes;
  if (held !== undefined) return `only one machine may hold its volume ${held}`;
  const claim = ties.claims.find((name) => view.claims.byName(namespace, name)?.shared !== true);
  if (claim === undefined) return undefined;
  return view.claims.byName(namespace, claim)
    ? `only one node may use its PersistentVolumeClaim ${claim}`
    : `who may use its PersistentVolumeClaim ${claim} is not known`;
};

// A quota may name what pods request with or without the word.
const shortNames: Readonly<Record<string, string>> = { cpu: 'requests.cpu', memory: 'requests.memory' };

const lackIn = ({ name, hard, used }: Quota, { demand }: Pod): string | undefined => {
  const needs: Readonly<Record<string, number>> = { pods: 1, 'count/pods': 1, ...demand };
  const short = Object.entries(hard).find(([of, limit]) => {
    const need = needs[shortNames[of] ?? of] ?? 0;
    return need > 0 && (used[of] ?? 0) + need > limit;
  });
  return short && `quota ${name} has no room for its ${short[0]}`;
};
