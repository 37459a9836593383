import type { PodSpec, ResourceRequirements } from 'kubernetes-types/core/v1.d.ts';

// https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/
const suffixes: Readonly<Record<string, number>> = {
  ...{ n: 1e-9, u: 1e-6, m: 1e-3, '': 1, k: 1e3, M: 1e6, G: 1e9, T: 1e12, P: 1e15, E: 1e18 },
  ...{ Ki: 2 ** 10, Mi: 2 ** 20, Gi: 2 ** 30, Ti: 2 ** 40, Pi: 2 ** 50, Ei: 2 ** 60 },
};

const pattern = /^([+-]?(?:\d+\.?\d*|\.\d+))(?:[eE]([+-]?\d+)|([numkMGTPE]|[KMGTPE]i))?$/;

/** The value of a Kubernetes quantity such as `500m`, `2Gi` or `1e3`, in its base unit (cores, bytes); undefined for anything else. */
export const valueOf = (quantity: string | number | undefined): number | undefined => {
  const [, digits, exponent, suffix = ''] = pattern.exec(String(quantity ?? '')) ?? [];
  if (digits === undefined) return undefined;
  return Number(digits) * (exponent === undefined ? (suffixes[suffix] ?? 1) : 10 ** Number(exponent));
};

/** Amounts in base units (cores, bytes, pieces) by the name that a ResourceQuota has for them. */
export type Demand = Readonly<Record<string, number>>;

/** The amounts of a list of quantities; what cannot be read counts as nothing. */
export const amountsOf = (quantities: Readonly<Record<string, string>> | undefined): Demand =>
  Object.fromEntries(Object.entries(quantities ?? {}).map(([key, value]) => [key, valueOf(value) ?? 0]));

const counted = ['requests', 'limits'] as const;
const measured = ['cpu', 'memory'] as const;

/** What a pod of this spec asks of the quotas of its namespace; nothing where it names no amounts. */
export const demandOf = (spec: PodSpec | undefined): Demand => {
  const amount = (resources: ResourceRequirements | undefined, list: (typeof counted)[number], of: string) =>
    valueOf(resources?.[list]?.[of]) ?? 0;
  const entries = counted.flatMap((list) =>
    measured.map((of): [string, number] => {
      const together = (spec?.containers ?? []).reduce(
        (sum, { resources }) => sum + amount(resources, list, of),
        0,
      );
      const first = (spec?.initContainers ?? []).map(({ resources }) => amount(resources, list, of));
      return [`${list}.${of}`, Math.max(together, ...first)];
    }),
  );
  return Object.fromEntries(entries.filter(([, value]) => value > 0));
};

const otherNames: Readonly<Record<string, string>> = {
  cpu: 'requests.cpu',
  memory: 'requests.memory',
  'count/pods': 'pods',
};

/** The one name of a resource for which a ResourceQuota has several. */
export const resourceOf = (named: string): string => otherNames[named] ?? named;

/** How much of a resource, as a quota names it, a pod with this demand takes. */
export const needOf = (named: string, demand: Demand): number => {
  const resource = resourceOf(named);
  return resource === 'pods' ? 1 : (demand[resource] ?? 0);
};
