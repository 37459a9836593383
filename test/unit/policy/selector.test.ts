import type { LabelSelector } from 'kubernetes-types/meta/v1.js';
import { expect, it } from 'vitest';
import { selects } from '../../../operator/policy/selector.ts';

const labels = { app: 'web', tier: 'front' };
const expression = (key: string, operator: string, values?: string[]): LabelSelector => ({
  matchExpressions: [{ key, operator, ...(values && { values }) }],
});

const table: [selector: LabelSelector | undefined, selected: boolean, why: string][] = [
  [undefined, false, 'no selector selects nothing'],
  [{}, true, 'an empty selector selects everything'],
  [{ matchLabels: {}, matchExpressions: [] }, true, 'empty parts ask for nothing'],
  [{ matchLabels: { app: 'web' } }, true, 'a label that is there'],
  [{ matchLabels: { app: 'api' } }, false, 'another value'],
  [{ matchLabels: { app: 'web', zone: 'h' } }, false, 'every label has to be there'],
  [expression('tier', 'In', ['back', 'front']), true, 'one of the values'],
  [expression('tier', 'In', ['back']), false, 'none of the values'],
  [expression('zone', 'In', ['h']), false, 'In of a label that is not there'],
  [expression('tier', 'NotIn', ['back']), true, 'NotIn of another value'],
  [expression('tier', 'NotIn', ['front']), false, 'NotIn of its value'],
  [expression('zone', 'NotIn', ['h']), true, 'NotIn of a label that is not there'],
  [expression('tier', 'Exists'), true, 'Exists of a label that is there'],
  [expression('zone', 'Exists'), false, 'Exists of one that is not'],
  [expression('zone', 'DoesNotExist'), true, 'DoesNotExist of a label that is not there'],
  [expression('tier', 'DoesNotExist'), false, 'DoesNotExist of one that is'],
  [expression('tier', 'Gt', ['1']), false, 'an operator that Kubernetes does not have here'],
  [{ matchLabels: { app: 'web' }, ...expression('tier', 'In', ['back']) }, false, 'both parts have to hold'],
];

it.each(table)('%o selects: %s (%s)', (selector, selected) => {
  expect(selects(selector, labels)).toBe(selected);
});

it('what every object inherits is no label', () => {
  expect(selects(expression('constructor', 'Exists'), labels)).toBe(false);
  expect(selects(expression('toString', 'DoesNotExist'), labels)).toBe(true);
});
