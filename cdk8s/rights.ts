import { type Resource, resources, type ResourceType, type Verb } from '../operator/kube/resources.ts';

/** A rule of RBAC. */
export interface Rule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly verbs: readonly Verb[];
  readonly resourceNames?: readonly string[];
}

// Of these RBAC knows no names at the time it decides: the object has none yet, or there are many.
const unnameable: readonly Verb[] = ['create'];

/** The rules for everything the code does in a scope, from the one table of resources that its calls are typed by. */
export const rulesFor = (scope: ResourceType['scope']): Rule[] =>
  Object.values<Resource<never>>(resources)
    .filter((resource) => resource.scope === scope)
    .flatMap(rulesOf);

const rulesOf = (resource: Resource<never>): Rule[] => {
  const { group, plural, subresource, resourceNames } = resource;
  const verbs = Object.keys(resource.verbs) as Verb[];
  const rule = (of: readonly Verb[], names?: readonly string[]): Rule[] =>
    of.length === 0
      ? []
      : [
          {
            apiGroups: [group],
            resources: [subresource ? `${plural}/${subresource}` : plural],
            verbs: of,
            ...(names && { resourceNames: names }),
          },
        ];
  if (!resourceNames) return rule(verbs);
  return [
    ...rule(
      verbs.filter((verb) => !unnameable.includes(verb)),
      resourceNames,
    ),
    ...rule(verbs.filter((verb) => unnameable.includes(verb))),
  ];
};
