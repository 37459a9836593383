import type { ManagedFieldsEntry, ObjectMeta } from 'kubernetes-types/meta/v1.js';
import type { ForeignTemplateKind } from '../../operator/world/foreign-template.ts';
import { groupOf } from '../../operator/world/object.ts';
import type { Owner } from '../../operator/world/owner-kinds.ts';
import { trimOwner } from '../../operator/world/trim-owner.ts';
import { templates } from '../../operator/world/template.ts';
import type { Change } from '../../operator/world/view.ts';
import type { World } from '../../operator/world/world.ts';
import { uidOf } from './pod.ts';

/** An object of a kind that another system brings along. */
export interface Foreign {
  readonly apiVersion: string;
  readonly kind: ForeignTemplateKind;
  readonly metadata: ObjectMeta;
  readonly spec: object;
  readonly status?: object;
}

/** What a test wants of one. */
export interface ForeignWishes {
  readonly name?: string;
  readonly spec?: object;
  readonly status?: object;
  readonly metadata?: ObjectMeta;
  /** Its definition has the spec as one whole. */
  readonly wholeSpec?: boolean;
}

const containers = [{ image: 'registry.example/app:1' }];
const workflow = { entrypoint: 'main', templates: [{ name: 'main', container: containers[0] }] };
const specs: Readonly<Record<ForeignTemplateKind, object>> = {
  Service: { template: { spec: { containers } } },
  Rollout: { template: { metadata: { labels: { app: 'hello' } }, spec: { containers } } },
  WorkflowTemplate: workflow,
  CronWorkflow: { schedules: ['0 0 * * *'], workflowSpec: workflow },
  Workflow: workflow,
  SparkApplication: { type: 'Scala', executor: { instances: 2 } },
};

// As the API server notes who holds what of an object that somebody created.
const fieldsOf = (value: unknown): object =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
    ? Object.fromEntries(Object.entries(value).map(([key, below]) => [`f:${key}`, fieldsOf(below)]))
    : {};

/** The object `hello` as `kubectl create` leaves it, with the least that its system needs. */
export const aForeign = (
  kind: ForeignTemplateKind,
  { name = 'hello', spec = specs[kind], status, metadata, wholeSpec = false }: ForeignWishes = {},
): Foreign => {
  const { apiVersion } = templates[kind];
  const created: ManagedFieldsEntry = {
    ...{ manager: 'kubectl-create', operation: 'Update', apiVersion, fieldsType: 'FieldsV1' },
    fieldsV1: { 'f:spec': wholeSpec ? {} : fieldsOf(spec) },
  };
  const identity = { name, namespace: 'shop', uid: uidOf(kind, name) };
  return {
    ...{ apiVersion, kind, spec },
    metadata: { ...identity, managedFields: [created], ...metadata },
    ...(status && { status }),
  };
};

/** The world's record of one; `whole` where more than its metadata was read. */
export const knownForeign = (raw: Foreign, whole = true): Owner =>
  trimOwner({ group: groupOf(raw.apiVersion), kind: raw.kind }, whole)(raw);

/** Tells a world of one that appeared or changed; returns the steps it made, none where nobody asks for its kind. */
export const putForeign = (world: World, raw: Foreign, whole = true): readonly Change[] =>
  world.applyOwners(knownForeign(raw, whole), { kind: 'changed', object: knownForeign(raw, whole) });

/** Tells a world of all of them that there are; returns the steps it made. */
export const listForeign = (
  world: World,
  kind: ForeignTemplateKind,
  raws: readonly Foreign[],
  whole = true,
): readonly Change[] => {
  const of = { group: groupOf(templates[kind].apiVersion), kind };
  return [
    ...world.applyOwners(of, { kind: 'listing' }),
    ...raws.flatMap((raw) => world.applyOwners(of, { kind: 'listed', object: knownForeign(raw, whole) })),
    ...world.applyOwners(of, { kind: 'synced' }),
  ];
};
