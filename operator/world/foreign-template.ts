import type { ManagedFieldsEntry } from 'kubernetes-types/meta/v1.d.ts';
import { controllerOf, groupOf, type RawObject } from './object.ts';
import { isHeldKind, type WorkloadKind } from './objects.ts';
import type { GroupKind } from './owner-kinds.ts';
import {
  follow,
  holdsBelow,
  type Template,
  templateKinds,
  type TemplateKind,
  templates,
  trimTemplate,
} from './template.ts';

/** Kinds with a pod template that other systems bring along. */
export type ForeignTemplateKind = Exclude<TemplateKind, WorkloadKind>;

/** All of them. */
export const foreignTemplateKinds: readonly GroupKind[] = templateKinds
  .map((kind) => ({ group: groupOf(templates[kind].apiVersion), kind }))
  .filter(({ group, kind }) => !isHeldKind(kind, group));

/** The version of a kind in which its template can be read and written; undefined where it has none. */
export const templateVersionOf = ({ group, kind }: GroupKind): string | undefined => {
  const foreign = foreignTemplateKinds.some((each) => each.group === group && each.kind === kind);
  return foreign ? templates[kind as ForeignTemplateKind].apiVersion.slice(group.length + 1) : undefined;
};

/** An object of one of these kinds, as far as it is looked at. */
interface Foreign extends RawObject {
  readonly spec?: {
    readonly template?: { readonly metadata?: { readonly name?: string } };
    readonly workloadRef?: object;
  };
  readonly status?: { readonly phase?: string; readonly applicationState?: { readonly state?: string } };
}

/** What is particular to a kind. */
interface Particulars {
  /** Why the template must not be written, whatever it is like. */
  readonly fixed?: (raw: Foreign) => string | undefined;
  /** Whether no pod is made from it any more, or it is a copy of another template. */
  readonly over?: (raw: Foreign) => boolean;
  /** Labels that every pod made from it has besides, by which policies may select. */
  readonly labels?: (name: string) => Readonly<Record<string, string>>;
}

const isOneOf = (state: string | undefined, states: readonly string[]): boolean =>
  state !== undefined && states.includes(state);

const particulars: Readonly<Record<ForeignTemplateKind, Particulars>> = {
  Service: {
    // Knative refuses a template that changes under the name of a revision that exists.
    fixed: ({ spec }) => {
      const revision = spec?.template?.metadata?.name;
      return revision ? `its revision name is fixed to ${revision}` : undefined;
    },
    labels: (name) => ({ 'serving.knative.dev/service': name, 'serving.knative.dev/configuration': name }),
  },
  // One that refers to a Deployment has the template of that.
  Rollout: { over: ({ spec }) => spec?.workloadRef !== undefined },
  WorkflowTemplate: {},
  CronWorkflow: {},
  Workflow: {
    fixed: () => 'the spec of a Workflow is not read again once it has begun',
    // One that a CronWorkflow has made tells nothing that the template of that does not.
    over: ({ metadata, status }) =>
      controllerOf(metadata) !== undefined || isOneOf(status?.phase, ['Succeeded', 'Failed', 'Error']),
  },
  SparkApplication: {
    fixed: () => 'any edit of a SparkApplication runs it again',
    over: ({ status }) => isOneOf(status?.applicationState?.state, ['COMPLETED', 'FAILED']),
    labels: (name) => ({ 'spark-role': 'executor', 'sparkoperator.k8s.io/app-name': name }),
  },
};

/** The record of the template of an object of such a kind, read whole; undefined where there is nothing to be said of it. */
export const trimForeignTemplate = (raw: Foreign, kind: ForeignTemplateKind): Template | undefined => {
  const { fixed, over, labels } = particulars[kind];
  if (over?.(raw)) return undefined;
  const owner = controllerOf(raw.metadata);
  const reason =
    fixed?.(raw) ??
    (owner && `its template belongs to ${owner.kind} ${owner.name}`) ??
    fixedByShape(raw, kind);
  const template = trimTemplate(raw, kind, reason);
  return labels
    ? { ...template, labels: { ...template.labels, ...labels(raw.metadata?.name ?? '') } }
    : template;
};

/**
 * A definition may have a part of its objects as one whole, as Argo's minimal ones have `spec`: to apply a key in it would
 * be to replace all the rest. Where keys are held one by one, whoever wrote the part holds some below it.
 */
const fixedByShape = (raw: Foreign, kind: ForeignTemplateKind): string | undefined => {
  const { path } = templates[kind];
  const entries: readonly ManagedFieldsEntry[] = raw.metadata?.managedFields ?? [];
  const whole = path
    .map((_, index) => path.slice(0, index))
    .slice(1)
    .filter((part) => follow(raw, part) !== undefined)
    .find((part) => !entries.some(({ fieldsV1 }) => holdsBelow(fieldsV1, part)));
  return whole && `its ${whole.join('.')} can only be written as a whole`;
};
