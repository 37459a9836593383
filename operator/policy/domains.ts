import { isReplacementDue } from '../world/interruption.ts';
import { isTerminal, type Pod } from '../world/pod.ts';
import type { Ties } from '../world/ties.ts';
import type { View } from '../world/view.ts';
import { selects } from './selector.ts';

// Every node has it, by its name where it does not say otherwise.
const hostname = 'kubernetes.io/hostname';

/**
 * Why no virtual node takes a second pod like this one beside it: by a required anti-affinity or ports of the node, of which
 * no domain is free. Undefined where nothing keeps them apart, or one is free.
 *
 * It does not ask whether a free node takes the pod for other reasons: the operator sees soon enough that none does, and puts the
 * pod back.
 */
export const mustBeApart = (view: View, pod: Pod, ties: Ties): string | undefined => {
  if (ties.beyond) return 'it has more ports of its node, or rules about other pods, than are looked at';
  // Its manifest does not say on which ports it listens.
  if (ties.hostNetwork && ties.hostPorts.length === 0) return 'it uses the network of its node';
  const taken = ties.hostPorts.find(
    (port) => !isFree(view, pod, hostname, (other) => other.ties?.hostPorts.includes(port) ?? false),
  );
  if (taken !== undefined) return `it uses port ${taken} of its node, which is free on no other virtual node`;
  const full = ties.avoids
    .filter(({ selector }) => selects(selector, pod.labels))
    .find(
      ({ topologyKey, selector }) =>
        !isFree(view, pod, topologyKey, ({ labels }) => selects(selector, labels)),
    );
  return (
    full &&
    `its anti-affinity keeps a second one like it away, and no virtual node has a free ${full.topologyKey}`
  );
};

// Those that have no node yet take a domain each, and so do replacements on their way.
const isFree = (
  view: View,
  { namespace, uid }: Pod,
  topologyKey: string,
  isLike: (pod: Pod) => boolean,
): boolean => {
  if (!view.synced('Node')) return false;
  // A pod on an ordinary node takes its domain too.
  const { domains, free } = domainsOf(view, topologyKey);
  let pending = 0;
  for (const other of view.pods.group('namespace', namespace)) {
    if (isTerminal(other) || !isLike(other)) continue;
    const domain = other.nodeName === undefined ? undefined : domains.get(other.nodeName);
    if (domain !== undefined) free.delete(domain);
    else if (other.nodeName === undefined) pending += 1;
  }
  for (const each of view.interruptions.group('detached', namespace)) {
    const doomed = view.pods.byUid(each.uid);
    if (doomed && each.uid !== uid && isReplacementDue(each) && isLike(doomed)) pending += 1;
  }
  return free.size > pending;
};

const domainsOf = (view: View, topologyKey: string): { domains: Map<string, string>; free: Set<string> } => {
  const domains = new Map<string, string>();
  const free = new Set<string>();
  for (const { name, virtual, labels } of view.nodes.all()) {
    const domain = labels[topologyKey] ?? (topologyKey === hostname ? name : undefined);
    if (domain === undefined) continue;
    domains.set(name, domain);
    if (virtual) free.add(domain);
  }
  return { domains, free };
};
