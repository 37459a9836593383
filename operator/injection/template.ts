import { ownerChain, topWorkload } from '../policy/owners.ts';
import { governingPolicy } from '../policy/rules.ts';
import {
  isAsWanted,
  isOursInPart,
  madeFrom,
  type Owned,
  ownedUnder,
  type Recovery,
  recoveryOf,
} from '../policy/template-gift.ts';
import type { SoundPolicy } from '../world/policy.ts';
import { hasTemplate, type Template, type Templated, templates } from '../world/template.ts';
import type { View } from '../world/view.ts';

/** What is to become of a workload's template; `Nothing` where it is as it should be. Without a policy it is released. */
export type TemplateDecision =
  | { readonly kind: 'Nothing' }
  | { readonly kind: 'Fixed'; readonly policy: SoundPolicy; readonly message: string }
  | {
      readonly kind: 'Write';
      readonly policy: SoundPolicy | undefined;
      readonly owned: Owned;
      readonly recovery?: Recovery;
    };

const nothing: TemplateDecision = { kind: 'Nothing' };
const released: Owned = { annotations: {}, labels: {} };

/** Decides on the template of a workload by the policy that governs the pods made from it. */
export const decideTemplate = (view: View, workload: Templated): TemplateDecision => {
  const { template } = workload;
  if (!template || workload.terminating) return nothing;
  const governor = governingPolicy(view, madeFrom(workload, template));
  const policy = governor?.spec.injection.at === 'Workload' ? governor : undefined;
  if (template.fixed !== undefined)
    return policy && !isWrittenAbove(view, workload, template)
      ? { kind: 'Fixed', policy, message: template.fixed }
      : nothing;
  // The rollout that a release is would make pods without annotations as long as admission gives none.
  if (governor?.spec.injection.at === 'Pod' && !isReached(view, governor)) return nothing;
  // A policy that nobody has seen yet may be the one that all of it came from.
  if (!policy && !isKnown(view)) return nothing;
  const owned = policy ? ownedUnder(policy, workload, template) : released;
  // Without a policy, a template in which nothing is ours any more is a copy that somebody made.
  const recovery = policy || isOursInPart(template) ? recoveryOf(template, owned) : undefined;
  if (!recovery && isAsWanted(template, owned)) return nothing;
  return { kind: 'Write', policy, owned, ...(recovery && { recovery }) };
};

// A Knative Service hands its template on to a Deployment with each revision: what becomes of the Service's own is told.
const isWrittenAbove = (view: View, workload: Templated, template: Template): boolean => {
  const top = topWorkload(ownerChain(view, madeFrom(workload, template)));
  return top !== undefined && top.uid !== workload.uid && hasTemplate(top);
};

const isKnown = (view: View): boolean =>
  (['SpotPolicy', 'ClusterSpotPolicy', 'Namespace'] as const).every((kind) => view.synced(kind));

const isReached = (view: View, { uid, generation }: SoundPolicy): boolean => {
  const probe = view.probes.byUid(uid);
  return probe?.reached === true && probe.generation === generation;
};

/**
 * The object to apply so that our field manager owns exactly this: by server-side apply, what is not in it is let go. One that
 * is forced names the version that was decided on, so that it takes nothing that a user wrote since.
 */
export const appliedObject = (
  { kind, namespace, name, uid, resourceVersion }: Templated,
  owned: Owned,
  force = false,
): object => {
  const { apiVersion, path } = templates[kind];
  const parts = Object.entries(owned).filter(([, values]) => Object.keys(values).length > 0);
  const metadata: object = Object.fromEntries(parts);
  const below = path.toReversed().reduce<object>((inner, step) => ({ [step]: inner }), metadata);
  // With its UID, an apply to an object that is gone creates none.
  return {
    apiVersion,
    kind,
    metadata: { namespace, name, uid, ...(force && { resourceVersion }) },
    ...(parts.length > 0 && below),
  };
};

/** The JSON patch that takes values out of the template, provided that they are still what they were. */
export const removalPatch = ({ kind, uid }: Templated, { annotations, labels }: Owned): readonly object[] => {
  const path = (part: string, key: string): string =>
    ['', ...templates[kind].path, part, key.replaceAll('~', '~0').replaceAll('/', '~1')].join('/');
  const entries = [
    ...Object.entries(annotations).map(([key, value]) => ({ path: path('annotations', key), value })),
    ...Object.entries(labels).map(([key, value]) => ({ path: path('labels', key), value })),
  ];
  return [
    { op: 'test', path: '/metadata/uid', value: uid },
    ...entries.flatMap(({ path, value }) => [
      { op: 'test', path, value },
      { op: 'remove', path },
    ]),
  ];
};
