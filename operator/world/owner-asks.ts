import { foreignTemplateKinds } from './foreign-template.ts';
import { type Controller, type Identity, isNodeBound, type Owned } from './object.ts';
import type { GroupKind } from './owner-kinds.ts';
import { isPossible } from './owner-places.ts';
import type { Policy } from './policy.ts';

/** A kind that something names, and where. */
export interface Ask {
  readonly of: GroupKind;
  readonly namespace: string;
  /** A policy writes its pod templates, or would. */
  readonly writes: boolean;
}

/** What is read of an object or policy for the kinds that it names. */
export interface Noted extends Identity, Partial<Owned> {
  readonly spec?: Policy['spec'];
  /** Of a CustomResourceDefinition. */
  readonly group?: string;
}

const isPolicy = (source: string): boolean => source === 'SpotPolicy' || source === 'ClusterSpotPolicy';

/** The kinds that an object or policy names, among those that are met while running. */
export const asksOf = (source: string, object: Noted | undefined): readonly Ask[] => {
  if (!object) return [];
  const { namespace, controller, spec } = object;
  if (!isPolicy(source)) {
    if (!controller || isNodeBound(controller)) return [];
    const of = { group: controller.group, kind: controller.kind };
    return isPossible(of) ? [{ of, namespace, writes: false }] : [];
  }
  const { mode, targetRefs = [], injection } = spec ?? {};
  const named = mode === 'Enforce' ? targetRefs.filter(isPossible) : [];
  const written =
    injection?.at === 'Workload' && (mode === 'Enforce' || mode === 'DryRun') ? foreignTemplateKinds : [];
  return [
    ...named.map((of) => ({ of, namespace, writes: false })),
    ...written.map((of) => ({ of, namespace, writes: true })),
  ];
};

/** Whether an object names the same kind after a step as before; of policies that is not told. */
export const namesTheSame = (source: string, before: Noted | undefined, after: Noted | undefined): boolean =>
  before !== undefined &&
  after !== undefined &&
  !isPolicy(source) &&
  isSameKind(before.controller, after.controller);

const isSameKind = (a: Controller | undefined, b: Controller | undefined): boolean =>
  a === b || (a !== undefined && a.kind === b?.kind && a.group === b.group);
