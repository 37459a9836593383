import { objectSchema, type PolicyKind } from './crd.ts';
import { parseSpec } from './effective-spec.ts';
import { group, type PolicyKindName, version } from './metadata.ts';
import type { StructuralSchema } from './structural.ts';

/** Returns the reference page of a kind as Markdown: one row a field, defaults as they take effect. */
export const referencePage = (kind: PolicyKind): string => {
  const { spec, status } = objectSchema(kind).properties;
  const { names, scope, description } = kind;
  const parts = [
    `# ${names.kind}`,
    `API version \`${group}/${version}\`, ${scope.toLowerCase()}, short name \`${names.shortNames.join('`, `')}\`. ${description}`,
    '## spec',
    'Defaults are those that take effect, also where the object around a field is left out.',
    fieldTable(fieldsOf(spec, 'spec'), names.kind),
    '### What the API server refuses',
    'Beyond types and bounds, with these words on these fields; … stands for the value.',
    ruleTable([{ path: 'spec', node: spec, required: true }, ...fieldsOf(spec, 'spec')]),
    '## status',
    fieldTable(fieldsOf(status, 'status'), names.kind),
  ];
  return `${parts.join('\n\n')}\n`;
};

interface Field {
  readonly path: string;
  readonly node: StructuralSchema;
  readonly required: boolean;
}

/** Every field below a node, parents first; `[]` marks the items of a list and `.*` the values of a map. */
const fieldsOf = (parent: StructuralSchema, at: string): Field[] => {
  const inside = parent.items ?? parent.additionalProperties;
  if (inside) {
    const path = parent.items ? `${at}[]` : `${at}.*`;
    return [{ path, node: inside, required: false }, ...fieldsOf(inside, path)];
  }
  return Object.entries(parent.properties ?? {}).flatMap(([name, node]) => {
    const path = `${at}.${name}`;
    return [{ path, node, required: parent.required?.includes(name) ?? false }, ...fieldsOf(node, path)];
  });
};

const fieldTable = (fields: readonly Field[], kind: PolicyKindName): string =>
  table(
    ['Field', 'Type', 'Default', 'Meaning'],
    fields.map((field) => [
      `\`${field.path}\``,
      typeOf(field.node),
      defaultOf(field, kind),
      field.node.description,
    ]),
  );

const ruleTable = (fields: readonly Field[]): string =>
  table(
    ['Field', 'Refused with'],
    fields.flatMap(({ path, node }) =>
      (node['x-kubernetes-validations'] ?? []).map((rule) => [
        `\`${path}${rule['fieldPath'] ?? ''}\``,
        rule['message'] ?? spoken(rule['messageExpression'] ?? ''),
      ]),
    ),
  );

const table = (header: readonly string[], rows: readonly (readonly string[])[]): string =>
  [header, header.map(() => '---'), ...rows]
    .map((cells) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`)
    .join('\n');

const typeOf = ({ type, enum: values, minimum, maximum, format }: StructuralSchema): string => {
  if (values) return values.map((value) => `\`${value}\``).join(', ');
  if (type === 'array') return 'list';
  if (type !== 'integer') return format ?? type;
  if (maximum === undefined || maximum >= 2 ** 31 - 1) return 'integer';
  return `integer, ${minimum}…${maximum}`;
};

const defaultOf = ({ path, node, required }: Field, kind: PolicyKindName): string => {
  if (required) return 'required';
  const value = node.default ?? effectiveDefault(path, kind);
  return value === undefined ? '' : `\`${JSON.stringify(value)}\``;
};

// The least that a policy can say, so that every other value in its effective spec is a default.
const leastSpec = { selector: {}, namespaceSelector: {}, injection: { at: 'None' } };

const effectiveDefault = (path: string, kind: PolicyKindName): unknown => {
  const parsed = parseSpec(leastSpec, kind);
  if (!parsed.ok)
    throw new Error('the least possible spec is refused, so it shows no defaults: adapt it to the rules');
  const [, ...steps] = path.split('.');
  const value = steps.reduce<unknown>(
    (inside, step) => (inside as Record<string, unknown> | undefined)?.[step],
    parsed.spec,
  );
  return typeof value === 'object' ? undefined : value;
};

// A message that quotes values is CEL: text in quotes, joined by what stands for the values.
const spoken = (messageExpression: string): string =>
  messageExpression.slice(1, -1).replace(/' \+ .+? \+ '/g, '…');
