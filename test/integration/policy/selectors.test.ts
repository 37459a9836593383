import { fc } from '@fast-check/vitest';
import type { ConfigMap } from 'kubernetes-types/core/v1.js';
import type { LabelSelector, LabelSelectorRequirement } from 'kubernetes-types/meta/v1.js';
import { expect, test } from 'vitest';
import { selects } from '../../../operator/policy/selector.ts';
import { aNamespace, sharedCluster } from '../harness/cluster.ts';

const selectors = 1_000;
const atOnce = 20;

// Few keys and values, so that selectors meet objects; the names of the first three are those that a careless lookup finds
// on every object.
const key = fc.constantFrom('constructor', 'toString', 'hasOwnProperty', 'app', 'example.com/tier', 'Case');
const value = fc.constantFrom('', 'a', 'A', 'a.b', '1', '01', 'true');
const labels = fc.dictionary(key, value, { maxKeys: 4 });
const requirement: fc.Arbitrary<LabelSelectorRequirement> = fc.oneof(
  fc.record({
    key,
    operator: fc.constantFrom('In', 'NotIn'),
    values: fc.array(value, { minLength: 1, maxLength: 3 }),
  }),
  fc.record({ key, operator: fc.constantFrom('Exists', 'DoesNotExist') }),
);
const selector: fc.Arbitrary<LabelSelector> = fc.record(
  {
    matchLabels: fc.dictionary(key, value, { maxKeys: 2 }),
    matchExpressions: fc.array(requirement, { maxLength: 3 }),
  },
  { requiredKeys: [] },
);

/** The selector as the API server's lists take it. */
const textOf = ({ matchLabels = {}, matchExpressions = [] }: LabelSelector): string =>
  [
    ...Object.entries(matchLabels).map(([name, text]) => `${name}=${text}`),
    ...matchExpressions.map(({ key: name, operator, values = [] }) => {
      const list = `(${values.join()})`;
      return (
        { In: `${name} in ${list}`, NotIn: `${name} notin ${list}`, Exists: name }[operator] ?? `!${name}`
      );
    }),
  ].join();

test(`${selectors} label selectors select what the API server selects by them`, async () => {
  const { admin } = await sharedCluster();
  const namespace = await aNamespace();
  const path = `/api/v1/namespaces/${namespace}/configmaps`;
  const given = [{}, ...fc.sample(labels, 59)].map((of, index) => ({
    name: `labelled-${index}`,
    labels: of,
  }));
  await Promise.all(
    given.map((metadata) => admin.post(path, { apiVersion: 'v1', kind: 'ConfigMap', metadata })),
  );
  // The cluster has one of its own in every namespace.
  const listed = async (text: string): Promise<string[]> =>
    (await admin.list<ConfigMap>(`${path}?labelSelector=${encodeURIComponent(text)}`))
      .flatMap(({ metadata }) => metadata?.name ?? [])
      .filter((name) => name.startsWith('labelled-'))
      .toSorted();

  const asked = fc.sample(selector, selectors);
  const sizes = new Set<number>();
  for (let from = 0; from < asked.length; from += atOnce)
    await Promise.all(
      asked.slice(from, from + atOnce).map(async (one) => {
        const ours = given.filter(({ labels: of }) => selects(one, of)).map(({ name }) => name);
        expect({ selector: one, selected: ours.toSorted() }).toEqual({
          selector: one,
          selected: await listed(textOf(one)),
        });
        sizes.add(ours.length);
      }),
    );
  // Selectors that took all or nothing would prove little.
  expect(sizes.size).toBeGreaterThan(20);
});
