import type { PodCondition, PodSpec } from 'kubernetes-types/core/v1.d.ts';

// Reasons of ContainerInstanceCreated that speak of stock: ECI's list of its conditions. The others are about ECI itself.
const stockReasons = ['NoStock', 'ContainerGroup.NoStock', 'StockExhaust', 'StockClose'];
// A gate has up to 317 characters, and a pod as many gates as its manifest holds.
const mostGates = 3;

/** Why nothing runs a pod yet, as the scheduler or ECI says; undefined where neither says so. */
export const unplacedBecause = (
  spec: Pick<PodSpec, 'schedulingGates'> | undefined,
  conditions: readonly PodCondition[] = [],
): string | undefined => {
  const find = (type: string): PodCondition | undefined =>
    conditions.find((condition) => condition.type === type);
  const scheduled = find('PodScheduled');
  if (scheduled?.status === 'False' && scheduled.reason === 'SchedulingGated')
    return `its scheduling gates hold it (${gatesOf(spec)})`;
  if (scheduled?.status === 'False' && scheduled.reason === 'Unschedulable')
    return 'no node takes it (Unschedulable)';
  const { reason = '' } = find('ContainerInstanceCreated') ?? {};
  return stockReasons.includes(reason) ? `ECI has no stock for it (${reason})` : undefined;
};

const gatesOf = ({ schedulingGates = [] }: Pick<PodSpec, 'schedulingGates'> = {}): string =>
  [
    ...schedulingGates.slice(0, mostGates).map(({ name }) => name),
    ...(schedulingGates.length > mostGates ? ['…'] : []),
  ].join(', ');
