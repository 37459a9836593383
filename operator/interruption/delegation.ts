import { obstacleTo } from '../policy/room.ts';
import { selects } from '../policy/selector.ts';
import { cloneSets } from '../world/clone-set.ts';
import type { Controller } from '../world/object.ts';
import type { Pod } from '../world/pod.ts';
import type { View } from '../world/view.ts';
import { behind } from './queue.ts';
import type { Surge } from './surge.ts';

/**
 * Whether the replacement of a pod can be left to its CloneSet: it deletes what it is told to without asking a budget, up
 * to as many Ready pods as its own `maxUnavailable` lets go before others are Ready.
 */
export const delegation = (view: View, pod: Pod, controller: Controller, nowMs: number): Surge => {
  const standing = view.ownerKind(cloneSets)?.standing;
  if (standing === 'Sought') return { kind: 'Sought' };
  const because = obstacleIn(view, pod, controller, standing);
  if (because !== undefined) return { kind: 'Impossible', because };
  const obstacle = obstacleTo(view, pod, { nowMs, patient: false });
  return obstacle ? behind(pod, obstacle) : { kind: 'Delegable' };
};

const obstacleIn = (
  view: View,
  { namespace, labels }: Pod,
  controller: Controller,
  standing: string | undefined,
): string | undefined => {
  const named = `CloneSet ${controller.name}`;
  if (standing === 'Forbidden') return `the operator may not read ${named}`;
  const known = standing === 'Readable' ? view.met(controller) : undefined;
  if (!known?.scaling) return `${named} is not known`;
  const { replicas, surges, maxUnavailable } = known.scaling;
  if (known.terminating) return `${named} is being deleted`;
  if (replicas === 0) return `${named} is scaled to 0`;
  if (!surges) return `${named} allows no pod more than it wants`;
  if (maxUnavailable === 0) return undefined;
  if (!view.synced('PodDisruptionBudget')) return 'its budgets are not known';
  const budget = [...view.budgets.group('namespace', namespace)].find(({ selector }) =>
    selects(selector, labels),
  );
  return budget && `${named} would not ask budget ${budget.name}`;
};
