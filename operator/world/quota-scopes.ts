import type { PodAffinityTerm, PodSpec, ResourceQuotaSpec } from 'kubernetes-types/core/v1.d.ts';

/** One scope of a ResourceQuota: which pods it is about. */
export interface Scope {
  readonly name: string;
  readonly operator: string;
  readonly values: readonly string[];
}

/** What the scopes of quotas ask of a pod. */
export interface ScopeTraits {
  /** It has an `activeDeadlineSeconds`. */
  readonly terminating: boolean;
  /** It asks for no CPU and no memory. */
  readonly bestEffort: boolean;
  readonly priorityClass: string | undefined;
  /** Its affinity looks into other namespaces. */
  readonly crossNamespace: boolean;
}

// More than any quota needs; what is beyond makes a quota no narrower here.
const mostScopes = 16;
const mostValues = 64;

/** The scopes of a quota, `scopes` and `scopeSelector` together; of one without any it is about all pods. */
export const scopesOf = (spec: ResourceQuotaSpec | undefined): readonly Scope[] =>
  [
    ...(spec?.scopes ?? []).map((name) => ({ name, operator: 'Exists', values: [] })),
    ...(spec?.scopeSelector?.matchExpressions ?? []).map(({ scopeName, operator, values }) => ({
      ...{ name: scopeName, operator, values: values?.slice(0, mostValues) ?? [] },
    })),
  ].slice(0, mostScopes);

/** What the scopes of quotas ask of pods of this spec. */
export const traitsOf = (spec: PodSpec | undefined): ScopeTraits => ({
  terminating: (spec?.activeDeadlineSeconds ?? -1) >= 0,
  bestEffort: !asksForAnything(spec),
  priorityClass: spec?.priorityClassName || undefined,
  crossNamespace: termsOf(spec).some((term) => Boolean(term.namespaces?.length) || term.namespaceSelector),
});

const asksForAnything = (spec: (PodSpec & { resources?: Resources }) | undefined): boolean =>
  [...(spec?.containers ?? []), ...(spec?.initContainers ?? []), ...(spec ? [spec] : [])].some(
    ({ resources }: { resources?: Resources }) =>
      [resources?.requests, resources?.limits].some(
        (list) => isSome(list?.['cpu']) || isSome(list?.['memory']),
      ),
  );

// A quantity of zero, however it is written, asks for nothing.
const isSome = (quantity: string | undefined): boolean => quantity !== undefined && /[1-9]/.test(quantity);

interface Resources {
  readonly requests?: Readonly<Record<string, string>>;
  readonly limits?: Readonly<Record<string, string>>;
}

const termsOf = (spec: PodSpec | undefined): readonly PodAffinityTerm[] =>
  [spec?.affinity?.podAffinity, spec?.affinity?.podAntiAffinity].flatMap((affinity) => [
    ...(affinity?.requiredDuringSchedulingIgnoredDuringExecution ?? []),
    ...(affinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []).map(
      ({ podAffinityTerm }) => podAffinityTerm,
    ),
  ]);

/** Whether a quota of these scopes is about a pod: all of them must hold. One of an unknown name is about no pod. */
export const areAbout = (scopes: readonly Scope[], traits: ScopeTraits): boolean =>
  scopes.every((scope) => isAbout(scope, traits));

const isAbout = (scope: Scope, traits: ScopeTraits): boolean => {
  switch (scope.name) {
    case 'Terminating':
      return traits.terminating;
    case 'NotTerminating':
      return !traits.terminating;
    case 'BestEffort':
      return traits.bestEffort;
    case 'NotBestEffort':
      return !traits.bestEffort;
    case 'CrossNamespacePodAffinity':
      return traits.crossNamespace;
    case 'PriorityClass':
      return hasClass(scope, traits.priorityClass);
    default:
      return false;
  }
};

const hasClass = ({ operator, values }: Scope, priorityClass: string | undefined): boolean => {
  const isListed = priorityClass !== undefined && values.includes(priorityClass);
  switch (operator) {
    case 'Exists':
      return priorityClass !== undefined;
    case 'DoesNotExist':
      return priorityClass === undefined;
    case 'In':
      return isListed;
    case 'NotIn':
      return !isListed;
    default:
      return false;
  }
};
