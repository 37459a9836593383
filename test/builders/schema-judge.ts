import { Environment } from '@marcbachmann/cel-js';
import { Ajv } from 'ajv';
import formats from 'ajv-formats';
import type { StructuralSchema } from '../../operator/api/structural.ts';

/** What a definition has against a value, field by field; `structure` problems hide the rules, as in the API server. */
export interface Verdict {
  readonly structure: readonly string[];
  readonly rules: readonly { readonly field: string; readonly message: string }[];
}

// Kubernetes formats that JSON schema validators do not know are those of integers.
const ajv = new Ajv({ strict: false, useDefaults: true, allErrors: true });
formats.default(ajv);

const environment = new Environment({ unlistedVariablesAreDyn: true, homogeneousAggregateLiterals: false });

/**
 * Returns a judge that reads the generated schema alone, with a validator and a CEL interpreter that are not ours: what it
 * says can be compared with zod's verdict.
 */
export const schemaJudge = (schema: StructuralSchema, root: string): ((value: unknown) => Verdict) => {
  const validate = ajv.compile(schema);
  return (value) => {
    const defaulted: unknown = structuredClone(value);
    if (validate(defaulted)) return { structure: [], rules: brokenRules(schema, defaulted, root) };
    const structure = (validate.errors ?? []).map(
      ({ instancePath, message }) => `${instancePath} ${message}`,
    );
    return { structure, rules: [] };
  };
};

const brokenRules = (schema: StructuralSchema, value: unknown, field: string): Verdict['rules'] => {
  const context = { self: celValue(value) };
  const own = (schema['x-kubernetes-validations'] ?? [])
    .filter(({ rule = 'false' }) => environment.evaluate(rule, context) !== true)
    .map(({ fieldPath = '', message, messageExpression = '' }) => ({
      field: field + fieldPath,
      message: message ?? String(environment.evaluate(messageExpression, context)),
    }));
  return [...own, ...inner(schema, value, field)];
};

const inner = (schema: StructuralSchema, value: unknown, field: string): Verdict['rules'] => {
  const { items, additionalProperties, properties = {} } = schema;
  if (Array.isArray(value) && items)
    return value.flatMap((item, index) => brokenRules(items, item, `${field}[${index}]`));
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, entry]) => {
    if (additionalProperties) return brokenRules(additionalProperties, entry, `${field}[${name}]`);
    // The API server prunes a field that the schema does not know.
    const known = Object.hasOwn(properties, name) ? properties[name] : undefined;
    return known ? brokenRules(known, entry, `${field}.${name}`) : [];
  });
};

// The interpreter takes a JavaScript number for a double, and CEL compares no integer with one.
const celValue = (value: unknown): unknown => {
  if (Number.isInteger(value)) return BigInt(value as number);
  if (Array.isArray(value)) return value.map(celValue);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, entry]) => [name, celValue(entry)]));
};
