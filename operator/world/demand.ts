import type { Container, PodSpec, ResourceRequirements } from 'kubernetes-types/core/v1.d.ts';
import { amountsOf, type Demand } from './quantity.ts';

/** Of Kubernetes 1.28 and 1.34; the types know neither. */
type Spec = PodSpec & { readonly resources?: ResourceRequirements };
type InitContainer = Container & { readonly restartPolicy?: string };
type List = 'requests' | 'limits';

// A pod has few of them; whoever invents more fills nobody's memory.
const mostResources = 24;

/**
 * What a pod of this spec asks of the quotas of its namespace, under their names such as `requests.cpu`; nothing where it
 * names no amounts. As the scheduler and the quotas of Kubernetes count: containers and sidecars together or the largest
 * init container with the sidecars before it, what the pod asks for as a whole instead, and its overhead on top.
 */
export const demandOf = (spec: Spec | undefined): Demand => {
  const entries = (['requests', 'limits'] as const).flatMap((list) =>
    Object.entries(amountOf(spec, list)).map(([name, value]): [string, number] => [`${list}.${name}`, value]),
  );
  return Object.fromEntries(entries.filter(([, value]) => value > 0).slice(0, mostResources));
};

const amountOf = (spec: Spec | undefined, list: List): Demand => {
  const asked = { ...ofContainers(spec, list), ...amountsOf(spec?.resources?.[list]) };
  const overhead = Object.entries(amountsOf(spec?.overhead));
  // Where there is no limit, overhead makes none.
  return sum(asked, Object.fromEntries(overhead.filter(([name]) => list === 'requests' || name in asked)));
};

const ofContainers = (spec: Spec | undefined, list: List): Demand => {
  let sidecars: Demand = {};
  let first: Demand = {};
  for (const { resources, restartPolicy } of (spec?.initContainers ?? []) as readonly InitContainer[]) {
    const asked = amountsOf(resources?.[list]);
    if (restartPolicy === 'Always') sidecars = sum(sidecars, asked);
    first = most(first, restartPolicy === 'Always' ? sidecars : sum(sidecars, asked));
  }
  const together = (spec?.containers ?? []).map(({ resources }) => amountsOf(resources?.[list]));
  return most(first, together.reduce(sum, sidecars));
};

const merged =
  (merge: (a: number, b: number) => number) =>
  (one: Demand, other: Demand): Demand => {
    const result: Record<string, number> = { ...one };
    for (const [name, value] of Object.entries(other)) result[name] = merge(result[name] ?? 0, value);
    return result;
  };
const sum = merged((a, b) => a + b);
const most = merged(Math.max);
