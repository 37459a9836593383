import { fc, test } from '@fast-check/vitest';
import type { LabelSelector } from 'kubernetes-types/meta/v1.js';
import { describe, expect } from 'vitest';
import { selects } from '../../operator/policy/selector.ts';

const key = fc.constantFrom('app', 'tier', 'constructor');
const value = fc.constantFrom('', 'a', 'b');
const labels = fc.dictionary(key, value);
const requirement = fc.record(
  {
    key,
    operator: fc.constantFrom('In', 'NotIn', 'Exists', 'DoesNotExist'),
    values: fc.array(value, { maxLength: 2 }),
  },
  { requiredKeys: ['key', 'operator'] },
);
const selector: fc.Arbitrary<LabelSelector> = fc.record(
  { matchLabels: labels, matchExpressions: fc.array(requirement, { maxLength: 3 }) },
  { requiredKeys: [] },
);

/** "Labels and Selectors" of the Kubernetes documentation, sentence by sentence, over all labels as `key=value` texts. */
const documented = (
  { matchLabels = {}, matchExpressions = [] }: LabelSelector,
  of: Record<string, string>,
) => {
  const texts = Object.entries(of).map(([name, text]) => `${name}=${text}`);
  // "A single {key,value} in the matchLabels map is equivalent to an element of matchExpressions, whose key field is
  // "key", the operator is "In", and the values array contains only "value"."
  const all = [
    ...Object.entries(matchLabels).map(([name, text]) => ({ key: name, operator: 'In', values: [text] })),
    ...matchExpressions,
  ];
  // "All of the requirements, from both matchLabels and matchExpressions are ANDed together."
  return !all.some(({ key: name, operator, values = [] }) => {
    const has = texts.some((text) => text.startsWith(`${name}=`));
    const hit = values.some((wanted) => texts.includes(`${name}=${wanted}`));
    return { In: !hit, NotIn: hit, Exists: !has, DoesNotExist: has }[operator] ?? true;
  });
};

describe('a label selector', () => {
  test.prop([selector, labels], { numRuns: 500 })('selects what the documentation says', (asked, of) => {
    expect(selects(asked, of)).toBe(documented(asked, of));
  });

  test.prop([selector, requirement, labels])(
    'never selects more with one more requirement',
    (asked, more, of) => {
      const matchExpressions = [...(asked.matchExpressions ?? []), more];
      if (selects({ ...asked, matchExpressions }, of)) expect(selects(asked, of)).toBe(true);
    },
  );
});
