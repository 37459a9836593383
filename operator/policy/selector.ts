import type { LabelSelector, LabelSelectorRequirement } from 'kubernetes-types/meta/v1.d.ts';

/** Labels of an object. */
export type Labels = Readonly<Record<string, string>>;

/** Whether `selector` selects an object with `labels`; an absent selector selects nothing, an empty one everything. */
export const selects = (selector: LabelSelector | undefined, labels: Labels): boolean =>
  selector !== undefined &&
  Object.entries(selector.matchLabels ?? {}).every(([key, value]) => valueOf(labels, key) === value) &&
  (selector.matchExpressions ?? []).every((requirement) => meets(requirement, labels));

// Labels are user input: `constructor` must not be found on the prototype.
const valueOf = (labels: Labels, key: string): string | undefined =>
  Object.hasOwn(labels, key) ? labels[key] : undefined;

const meets = ({ key, operator, values = [] }: LabelSelectorRequirement, labels: Labels): boolean => {
  const value = valueOf(labels, key);
  switch (operator) {
    case 'In':
      return value !== undefined && values.includes(value);
    case 'NotIn':
      // An object without the key is selected, as in Kubernetes.
      return value === undefined || !values.includes(value);
    case 'Exists':
      return value !== undefined;
    case 'DoesNotExist':
      return value === undefined;
    default:
      return false;
  }
};
