import { z } from 'zod';
import { dnsSubdomain, matching, obeying, type Rule } from './rules.ts';

// Bounds everywhere: the API server charges a rule for the longest value that the schema allows, and refuses the whole
// definition beyond its budget.
const maximumLabels = 16;
const maximumExpressions = 16;
const maximumValues = 32;

// A label key is a name of at most 63 characters, optionally after a DNS subdomain of at most 253 and a slash.
const maximumPrefixLength = 253;
const maximumNameLength = 63;
const maximumKeyLength = maximumPrefixLength + 1 + maximumNameLength;
const keyPattern = `^(${dnsSubdomain}/)?[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?$`;
const keyExpression = new RegExp(keyPattern);
const keyHelp =
  'at most 63 letters, digits, "-", "_" and "." between a letter or digit at both ends, optionally after a DNS name and "/", as "example.com/tier"';

const isKey = (key: string): boolean => key.indexOf('/') <= maximumPrefixLength && keyExpression.test(key);
const isKeyInCel = (key: string): string =>
  `${key}.indexOf('/') <= ${maximumPrefixLength} && ${key}.matches('${keyPattern}')`;

const labelKey = obeying(z.string().max(maximumKeyLength), [
  {
    cel: isKeyInCel('self'),
    holds: isKey,
    message: `must be a label key: ${keyHelp}`,
    reason: 'FieldValueInvalid',
  },
]);

const labelValue = obeying(z.string().max(maximumNameLength), [
  matching(
    '^([A-Za-z0-9]([A-Za-z0-9_.-]*[A-Za-z0-9])?)?$',
    'must be a label value: letters, digits, "-", "_" and "." between a letter or digit at both ends, or nothing',
  ),
]);

// zod's record knows no bound on its entries, so the one of the schema is repeated as a refinement.
const matchLabels = obeying(
  z
    .record(z.string(), labelValue.describe('The value that the label must have.'))
    .refine(
      (labels) => Object.keys(labels).length <= maximumLabels,
      `must have at most ${maximumLabels} labels`,
    )
    .meta({ maxProperties: maximumLabels }),
  [
    {
      cel: `self.all(key, ${isKeyInCel('key')})`,
      holds: (labels) => Object.keys(labels).every(isKey),
      message: `"{key}" is not a label key, which is ${keyHelp}`,
      words: {
        key: {
          cel: `self.filter(key, !(${isKeyInCel('key')}))[0]`,
          of: (labels) => Object.keys(labels).find((key) => !isKey(key)) ?? '',
        },
      },
      reason: 'FieldValueInvalid',
    },
  ],
);

interface Requirement {
  operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist';
  values?: string[];
}

const takesValues = ({ operator }: Requirement): boolean => operator === 'In' || operator === 'NotIn';
const hasValues = ({ values = [] }: Requirement): boolean => values.length > 0;
const operatorWord = { operator: { cel: 'self.operator', of: ({ operator }: Requirement) => operator } };

const requirementRules: readonly Rule<Requirement>[] = [
  {
    cel: "!(self.operator in ['In', 'NotIn']) || (has(self.values) && size(self.values) > 0)",
    holds: (requirement) => !takesValues(requirement) || hasValues(requirement),
    message: 'operator {operator} compares with a list: give at least one value',
    words: operatorWord,
    reason: 'FieldValueRequired',
    fieldPath: '.values',
  },
  {
    cel: "self.operator in ['In', 'NotIn'] || !has(self.values) || size(self.values) == 0",
    holds: (requirement) => takesValues(requirement) || !hasValues(requirement),
    message: 'operator {operator} asks for the key alone: remove the values',
    words: operatorWord,
    reason: 'FieldValueForbidden',
    fieldPath: '.values',
  },
];

const requirement = (labelled: string) =>
  obeying(
    z.object({
      key: labelKey.describe('The key of the label that is looked at.'),
      operator: z
        .enum(['In', 'NotIn', 'Exists', 'DoesNotExist'])
        .describe(
          `In and NotIn compare the value of the label with values; Exists and DoesNotExist ask only for its key. A ${labelled} without the label satisfies NotIn.`,
        ),
      values: z
        .array(labelValue.describe('A value to compare with.'))
        .max(maximumValues)
        .meta({ 'x-kubernetes-list-type': 'atomic' })
        .describe('What In and NotIn compare with, 1 to 32 values; not given with Exists and DoesNotExist.')
        .exactOptional(),
    }),
    requirementRules,
  ).describe(`One requirement on the labels of a ${labelled}.`);

/** A Kubernetes LabelSelector within bounds, over what is `labelled`; every requirement must hold, and an empty selector takes everything. */
export const labelSelector = (labelled: 'pod' | 'namespace') =>
  z
    .object({
      matchLabels: matchLabels
        .describe(
          `Labels that a ${labelled} must have, each with exactly this value; at most ${maximumLabels}.`,
        )
        .exactOptional(),
      matchExpressions: z
        .array(requirement(labelled))
        .max(maximumExpressions)
        .meta({ 'x-kubernetes-list-type': 'atomic' })
        .describe(`Requirements that a ${labelled} must all satisfy; at most ${maximumExpressions}.`)
        .exactOptional(),
    })
    .meta({ 'x-kubernetes-map-type': 'atomic' });
