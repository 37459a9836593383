import { z } from 'zod';

/** A node of a structural schema, as a CustomResourceDefinition carries it: always one type, always described. */
export interface StructuralSchema {
  readonly type: 'object' | 'array' | 'string' | 'integer' | 'boolean';
  readonly description: string;
  readonly properties?: Readonly<Record<string, StructuralSchema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: StructuralSchema;
  readonly items?: StructuralSchema;
  readonly enum?: readonly string[];
  readonly default?: unknown;
  readonly format?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly maxItems?: number;
  readonly 'x-kubernetes-validations'?: readonly Readonly<Record<string, string>>[];
  readonly [keyword: string]: unknown;
}

type Node = Readonly<Record<string, unknown>>;

const types = new Set<unknown>(['object', 'array', 'string', 'integer', 'boolean']);

// Everything else (anyOf, oneOf, $ref, not, ...) is not structural or means something else to the API server.
const plainKeywords = new Set([
  ...['type', 'description', 'required', 'enum', 'default', 'format', 'minimum', 'maximum'],
  ...['minLength', 'maxLength', 'minItems', 'maxItems', 'maxProperties'],
]);

/**
 * Returns the structural form of a zod schema as users may write it, defaults included; throws with the path of the first
 * node that has no such form or no description.
 */
export const structural = (schema: z.ZodType, path: string): StructuralSchema =>
  structuralNode(z.toJSONSchema(schema, { target: 'openapi-3.0', io: 'input' }) as Node, path);

const structuralNode = (node: Node, path: string): StructuralSchema => {
  if (!types.has(node['type']))
    throw new Error(`${path}: a schema node needs one plain type, not ${String(node['type'])}`);
  if (!node['description'])
    throw new Error(`${path}: describe the field, kubectl explain shows nothing else`);
  const entries = Object.entries(node).flatMap(([keyword, value]) =>
    structuralKeyword(keyword, value, node, path),
  );
  return { ...Object.fromEntries(entries), ...formatOf(node) } as unknown as StructuralSchema;
};

const structuralKeyword = (
  keyword: string,
  value: unknown,
  node: Node,
  path: string,
): [string, unknown][] => {
  if (keyword === 'properties') return [[keyword, structuralProperties(value as Node, path)]];
  if (keyword === 'items') return [[keyword, structuralNode(value as Node, `${path}[]`)]];
  if (keyword === 'additionalProperties') {
    // Beside `properties` it forbids unknown fields; the API server prunes those instead, and refuses the keyword.
    return node['properties'] === undefined ? [[keyword, structuralNode(value as Node, `${path}.*`)]] : [];
  }
  // zod spells a date-time out as a long pattern beside the format, which says it all.
  if (keyword === 'pattern' && node['format'] === 'date-time') return [];
  if (isUnbounded(keyword, value)) return [];
  if (plainKeywords.has(keyword) || keyword.startsWith('x-kubernetes-')) return [[keyword, value]];
  throw new Error(`${path}: ${keyword} has no place in a structural schema, express it as a rule`);
};

const structuralProperties = (properties: Node, path: string): Record<string, StructuralSchema> =>
  Object.fromEntries(
    Object.entries(properties).map(([name, node]) => [name, structuralNode(node as Node, `${path}.${name}`)]),
  );

// zod bounds an unbounded integer by what a double holds exactly.
const isUnbounded = (keyword: string, value: unknown): boolean =>
  (keyword === 'maximum' && value === Number.MAX_SAFE_INTEGER) ||
  (keyword === 'minimum' && value === Number.MIN_SAFE_INTEGER);

const formatOf = ({ type, minimum, maximum }: Node): { format?: string } => {
  if (type !== 'integer') return {};
  const fits = Number(minimum) >= -(2 ** 31) && Number(maximum) < 2 ** 31;
  return { format: fits ? 'int32' : 'int64' };
};
