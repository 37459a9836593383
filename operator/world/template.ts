import type { ManagedFieldsEntry, ObjectMeta } from 'kubernetes-types/meta/v1.d.ts';
import { eciLabel } from '../api/keys.ts';
import { groupOf, type Identity, keepPrefixed, type RawObject } from './object.ts';

/** The field manager under which templates are written: what it owns there is ours, and nothing else is. */
export const templateManager = 'spotpolicy-template';

/** Where the metadata that a workload gives its pods stands, by kind. */
export const templates = {
  Deployment: { apiVersion: 'apps/v1', path: ['spec', 'template', 'metadata'] },
  ReplicaSet: { apiVersion: 'apps/v1', path: ['spec', 'template', 'metadata'] },
  StatefulSet: { apiVersion: 'apps/v1', path: ['spec', 'template', 'metadata'] },
  Job: { apiVersion: 'batch/v1', path: ['spec', 'template', 'metadata'] },
  CronJob: { apiVersion: 'batch/v1', path: ['spec', 'jobTemplate', 'spec', 'template', 'metadata'] },
  Service: { apiVersion: 'serving.knative.dev/v1', path: ['spec', 'template', 'metadata'] },
  Rollout: { apiVersion: 'argoproj.io/v1alpha1', path: ['spec', 'template', 'metadata'] },
  WorkflowTemplate: { apiVersion: 'argoproj.io/v1alpha1', path: ['spec', 'podMetadata'] },
  CronWorkflow: { apiVersion: 'argoproj.io/v1alpha1', path: ['spec', 'workflowSpec', 'podMetadata'] },
  Workflow: { apiVersion: 'argoproj.io/v1alpha1', path: ['spec', 'podMetadata'] },
  SparkApplication: { apiVersion: 'sparkoperator.k8s.io/v1beta2', path: ['spec', 'executor'] },
} as const satisfies Readonly<Record<string, { apiVersion: string; path: readonly string[] }>>;

/** Kinds of workload with a pod template. */
export type TemplateKind = keyof typeof templates;

/** All of them. */
export const templateKinds = Object.keys(templates) as readonly TemplateKind[];

/** A pod template, trimmed to what decisions read. */
export interface Template {
  readonly labels: Readonly<Record<string, string>>;
  /** Only ECI's and our own annotations. */
  readonly annotations: Readonly<Record<string, string>>;
  /** The keys that our field manager owns, sorted. */
  readonly owned: { readonly annotations: readonly string[]; readonly labels: readonly string[] };
  /** Who else holds keys that we write, by key; by `annotations` or `labels` who holds the map as an empty one. */
  readonly others: Readonly<Record<string, string>>;
  /** Keys that other managers hold by updates alone, sorted: one that applied a key would apply it again. */
  readonly updated: readonly string[];
  /** Why it must not be written, in words; undefined where it may be. */
  readonly fixed: string | undefined;
}

/** A workload as far as its pod template goes, whatever its kind. */
export interface Templated extends Identity {
  readonly kind: TemplateKind;
  readonly terminating: boolean;
  /** The version of the object that this record is of. */
  readonly resourceVersion: string;
  /** Undefined where its controller or its end leaves nothing to write there, or where it was not read. */
  readonly template: Template | undefined;
}

const annotationPrefixes = ['k8s.aliyun.com/eci-', 'spotpolicy.dev/'];
const writtenPrefixes = [...annotationPrefixes, eciLabel];
const parts = ['annotations', 'labels'] as const;

/** Whether pod templates of a kind are ever written. */
export const hasTemplate = ({ group, kind }: { readonly group: string; readonly kind: string }): boolean =>
  templateKinds.some((each) => each === kind && groupOf(templates[each].apiVersion) === group);

/** The record of the template of a workload, which must come with its `managedFields`; never throws. */
export const trimTemplate = (raw: RawObject, kind: TemplateKind, fixed: string | undefined): Template => {
  const { path } = templates[kind];
  const metadata = follow(raw, path) as ObjectMeta | undefined;
  const entries = raw.metadata?.managedFields ?? [];
  const ours = entries.filter(isOurs);
  const others = entries.filter((entry) => !isOurs(entry));
  const owned = (part: (typeof parts)[number]): string[] =>
    ours.flatMap(({ fieldsV1 }) => keysBelow(fieldsV1, [...path, part]) ?? []).toSorted();
  return {
    labels: metadata?.labels ?? {},
    annotations: keepPrefixed(metadata?.annotations, annotationPrefixes),
    owned: { annotations: owned('annotations'), labels: owned('labels') },
    others: Object.assign({}, ...others.map((entry) => heldBy(entry, path))),
    updated: updatedBy(others, path),
    fixed,
  };
};

const updatedBy = (others: readonly ManagedFieldsEntry[], path: readonly string[]): readonly string[] => {
  const heldByAll = (operation: string): readonly string[] =>
    others
      .filter((entry) => entry.operation === operation)
      .flatMap(({ fieldsV1 }) => parts.flatMap((part) => keysBelow(fieldsV1, [...path, part]) ?? []));
  const applied = new Set(heldByAll('Apply'));
  return [...new Set(heldByAll('Update'))].filter((key) => !applied.has(key)).toSorted();
};

const heldBy = ({ manager = '', fieldsV1 }: ManagedFieldsEntry, path: readonly string[]) =>
  keepPrefixed(
    Object.fromEntries(
      parts
        .flatMap((part) => {
          const keys = keysBelow(fieldsV1, [...path, part]);
          // Whoever holds an empty map holds all of it: no key can be added without a conflict (measured on 1.36).
          return keys?.length === 0 ? [part] : (keys ?? []);
        })
        .map((key) => [key, manager]),
    ),
    [...writtenPrefixes, ...parts],
  );

const isOurs = ({ manager, operation, subresource }: ManagedFieldsEntry): boolean =>
  manager === templateManager && operation === 'Apply' && !subresource;

/** Whether our field manager owns anything of an object, as far as its `managedFields` tell. */
export const isOwnedInPart = ({ metadata }: RawObject): boolean =>
  (metadata?.managedFields ?? []).some(isOurs);

/** What stands in an object at a path; undefined where nothing does. */
export const follow = (from: unknown, path: readonly string[]): unknown =>
  path.reduce<unknown>(
    (at, step) => (typeof at === 'object' && at !== null ? (at as Record<string, unknown>)[step] : undefined),
    from,
  );

/** Whether a manager holds fields below a path; one that holds the path itself as a whole does not. */
export const holdsBelow = (fields: unknown, path: readonly string[]): boolean =>
  (keysBelow(fields, path)?.length ?? 0) > 0;

// In `fieldsV1` a field or a key of a map is spelt `f:` and its name; `.` stands for the map itself.
const keysBelow = (fields: unknown, path: readonly string[]): string[] | undefined => {
  const steps = path.map((step) => `f:${step}`);
  const held = follow(fields, steps);
  if (typeof held !== 'object' || held === null) return undefined;
  return Object.keys(held)
    .filter((key) => key.startsWith('f:'))
    .map((key) => key.slice(2));
};

/** What stands between a workload's template and what its policy asks for; the identity is the workload's. */
export interface TemplateTrouble extends Identity {
  readonly kind: string;
  /** UID of the policy that governs its pods. */
  readonly policy: string;
  /** `Waiting` passes by itself; `Fixed` templates are never written; the others were refused by the API server. */
  readonly reason: 'Waiting' | 'Fixed' | 'FieldManagerConflict' | 'Forbidden' | 'Refused';
  /** In words, without the name of the workload. */
  readonly message: string;
}
