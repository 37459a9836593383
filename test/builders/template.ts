import type { ManagedFieldsEntry } from 'kubernetes-types/meta/v1.js';
import { templateManager, templates, type TemplateKind } from '../../operator/world/template.ts';

/** Values of a template by who wrote them. */
export interface Written {
  readonly annotations?: Readonly<Record<string, string>> | undefined;
  readonly labels?: Readonly<Record<string, string>> | undefined;
}

const fieldsOf = (values: Readonly<Record<string, string>> = {}): object =>
  Object.fromEntries(['.', ...Object.keys(values).map((key) => `f:${key}`)].map((key) => [key, {}]));

/** The entry of `managedFields` of a manager that applied these values to a template. */
const managedBy = (
  manager: string,
  kind: TemplateKind,
  { annotations, labels }: Written,
): ManagedFieldsEntry => ({
  manager,
  operation: 'Apply',
  apiVersion: templates[kind].apiVersion,
  time: '2026-03-01T12:00:00Z',
  fieldsType: 'FieldsV1',
  fieldsV1: templates[kind].path.reduceRight<object>((below, step) => ({ [`f:${step}`]: below }), {
    ...(annotations && { 'f:annotations': fieldsOf(annotations) }),
    ...(labels && { 'f:labels': fieldsOf(labels) }),
  }),
});

interface Raw {
  readonly metadata?: object;
  readonly spec?: object;
}

const withTemplate = (at: object, path: readonly string[], { annotations, labels }: Written): object => {
  const [step, ...rest] = path;
  if (step === undefined) {
    const own = at as { annotations?: object; labels?: object };
    return {
      ...own,
      annotations: { ...own.annotations, ...annotations },
      labels: { ...own.labels, ...labels },
    };
  }
  const below = (at as Record<string, object | undefined>)[step] ?? {};
  return { ...at, [step]: withTemplate(below, rest, { annotations, labels }) };
};

/** A workload after somebody applied values to its template, by default our own field manager. */
export const applied = <T extends Raw>(
  raw: T & { readonly kind?: string },
  written: Written,
  manager: string = templateManager,
): T => {
  const kind = raw.kind as TemplateKind;
  const { managedFields = [] } = (raw.metadata ?? {}) as { managedFields?: ManagedFieldsEntry[] };
  const others = managedFields.filter((entry) => entry.manager !== manager);
  // An API server forgets a manager that holds nothing.
  const isEmpty = Object.values(written).every((values: object) => Object.keys(values).length === 0);
  return {
    ...(withTemplate(raw, templates[kind].path, written) as T),
    metadata: {
      ...raw.metadata,
      managedFields: [...others, ...(isEmpty ? [] : [managedBy(manager, kind, written)])],
    },
  };
};
