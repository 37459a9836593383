import { governingPolicy } from '../policy/rules.ts';
import { isAsWanted, madeFrom, type Owned, ownedUnder } from '../policy/template-gift.ts';
import type { SoundPolicy } from '../world/policy.ts';
import { type Templated, templates } from '../world/template.ts';
import type { View } from '../world/view.ts';

/** What is to become of a workload's template; `Nothing` where it is as it should be. Without a policy it is released. */
export type TemplateDecision =
  | { readonly kind: 'Nothing' }
  | { readonly kind: 'Fixed'; readonly policy: SoundPolicy; readonly message: string }
  | { readonly kind: 'Write'; readonly policy: SoundPolicy | undefined; readonly owned: Owned };

const nothing: TemplateDecision = { kind: 'Nothing' };
const released: Owned = { annotations: {}, labels: {} };

/** Decides on the template of a workload by the policy that governs the pods made from it. */
export const decideTemplate = (view: View, workload: Templated): TemplateDecision => {
  const { template } = workload;
  if (!template || workload.terminating) return nothing;
  const governor = governingPolicy(view, madeFrom(workload, template));
  const policy = governor?.spec.injection.at === 'Workload' ? governor : undefined;
  if (policy && template.fixed !== undefined) return { kind: 'Fixed', policy, message: template.fixed };
  if (template.fixed !== undefined) return nothing;
  // The rollout that a release is would make pods without annotations as long as admission gives none.
  if (governor?.spec.injection.at === 'Pod' && !isReached(view, governor)) return nothing;
  // A policy that nobody has seen yet may be the one that all of it came from.
  if (!policy && !isKnown(view)) return nothing;
  const owned = policy ? ownedUnder(policy, workload, template) : released;
  return isAsWanted(template, owned) ? nothing : { kind: 'Write', policy, owned };
};

const isKnown = (view: View): boolean =>
  (['SpotPolicy', 'ClusterSpotPolicy', 'Namespace'] as const).every((kind) => view.synced(kind));

const isReached = (view: View, { uid, generation }: SoundPolicy): boolean => {
  const probe = view.probes.byUid(uid);
  return probe?.reached === true && probe.generation === generation;
};

/** The object to apply so that our field manager owns exactly this: by server-side apply, what is not in it is let go. */
export const appliedObject = ({ kind, namespace, name, uid }: Templated, owned: Owned): object => {
  const { apiVersion, path } = templates[kind];
  const parts = Object.entries(owned).filter(([, values]) => Object.keys(values).length > 0);
  const metadata: object = Object.fromEntries(parts);
  const below = path.toReversed().reduce<object>((inner, step) => ({ [step]: inner }), metadata);
  // With its UID, an apply to an object that is gone creates none.
  return { apiVersion, kind, metadata: { namespace, name, uid }, ...(parts.length > 0 && below) };
};
