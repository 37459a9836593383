import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import {
  customResourceDefinition,
  objectSchema,
  policyKinds,
  spotPolicy,
} from '../../../operator/api/crd.ts';
import { referencePage } from '../../../operator/api/reference.ts';
import type { StructuralSchema } from '../../../operator/api/structural.ts';
import { warningsPolicy } from '../../../operator/api/warnings.ts';

const nodes = (node: StructuralSchema): StructuralSchema[] => [
  node,
  ...[...Object.values(node.properties ?? {}), node.items, node.additionalProperties]
    .filter((inner) => inner !== undefined)
    .flatMap(nodes),
];
const read = async (file: string) =>
  parseAllDocuments(await readFile(new URL(`../../../crds/${file}.yaml`, import.meta.url), 'utf8')).map(
    (document) => document.toJS(),
  );

it('the warnings are what lies in crds', async () => {
  expect(await read('warnings')).toEqual(JSON.parse(JSON.stringify(warningsPolicy())));
});

describe.each(policyKinds.map((kind) => [kind.names.kind, kind] as const))(
  'the definition of %s',
  (_, kind) => {
    const { spec, status } = objectSchema(kind).properties;

    it('is what lies in crds', async () => {
      // Through JSON, as the definition shares parts and YAML does not.
      expect(await read(kind.names.plural)).toEqual([
        JSON.parse(JSON.stringify(customResourceDefinition(kind))),
      ]);
    });

    it('describes every field in sentences', () => {
      const odd = [...nodes(spec), ...nodes(status)].filter(
        ({ description }) => !/^["A-Z].*\.$/s.test(description),
      );
      expect(odd).toEqual([]);
    });

    it('bounds every list, map and text, without which rules cost more than the API server allows', () => {
      const boundless = nodes(spec).filter(
        ({ type, enum: values, maxItems, maxLength, maxProperties, additionalProperties }) =>
          (type === 'array' && maxItems === undefined) ||
          (type === 'string' && values === undefined && maxLength === undefined) ||
          (additionalProperties && maxProperties === undefined),
      );
      expect(boundless).toEqual([]);
    });

    it('says of every list how it is merged', () => {
      const lists = [...nodes(spec), ...nodes(status)].filter(({ type }) => type === 'array');
      expect(lists.filter((list) => list['x-kubernetes-list-type'] === undefined)).toEqual([]);
    });

    it('has no default for an optional object, which would break rules that ask whether it is there', () => {
      const objects = nodes(spec).filter(({ type }) => type === 'object');
      expect(objects.filter((object) => 'default' in object)).toEqual([]);
    });
  },
);

it('the reference page has one row for every field, with the default that takes effect', () => {
  const { spec, status } = objectSchema(spotPolicy).properties;
  const rows = referencePage(spotPolicy).split('\n');
  expect(rows).toContainEqual(expect.stringMatching(/^\| `spec\.fallback\.mode` \|.*\| `"AtCreation"` \|/));
  expect(rows).toContainEqual(expect.stringMatching(/^\| `spec\.strategy` \| [^|]* \|  \|/));
  expect(rows).toContainEqual(
    expect.stringMatching(/^\| `spec\.targetRefs\[\]\.name` \| string \| required \|/),
  );
  expect(rows).toContainEqual(
    expect.stringMatching(/^\| `spec\.priceLimit` \| the limit … counts only .* is …:/),
  );
  const fields = rows.filter((row) => /^\| `(spec|status)\..*\|.*\|.*\|.*\|$/.test(row));
  expect(fields).toHaveLength(nodes(spec).length - 1 + nodes(status).length - 1);
});
