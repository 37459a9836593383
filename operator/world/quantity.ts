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

const shortNames: ReadonlySet<string> = new Set(['cpu', 'memory', 'ephemeral-storage']);

/** The one name of a resource for which a ResourceQuota has several. */
export const resourceOf = (named: string): string => {
  if (named === 'count/pods') return 'pods';
  return shortNames.has(named) || named.startsWith('hugepages-') ? `requests.${named}` : named;
};

/** How much of a resource, as a quota names it, a pod with this demand takes. */
export const needOf = (named: string, demand: Demand): number => {
  const resource = resourceOf(named);
  return resource === 'pods' ? 1 : (demand[resource] ?? 0);
};
