import { eciAnnotations, ourAnnotations, ourLabels } from '../api/keys.ts';
import { revisionOf } from '../policy/revision.ts';
import { governingPolicy } from '../policy/rules.ts';
import type { Workload } from '../world/objects.ts';
import { policyKey, type SoundPolicy } from '../world/policy.ts';
import { type Template, templates } from '../world/template.ts';
import type { View } from '../world/view.ts';
import { giftOf, mergeAnnotations, type Reason, type Values } from './annotations.ts';

/** What our field manager is to own of a template: all that it writes there, and nothing when it lets go. */
export interface Owned {
  readonly annotations: Values;
  readonly labels: Values;
}

/** What is to become of a workload's template; `Nothing` where it is as it should be. Without a policy it is released. */
export type TemplateDecision =
  | { readonly kind: 'Nothing' }
  | { readonly kind: 'Fixed'; readonly policy: SoundPolicy; readonly message: string }
  | { readonly kind: 'Write'; readonly policy: SoundPolicy | undefined; readonly owned: Owned };

const nothing: TemplateDecision = { kind: 'Nothing' };
const released: Owned = { annotations: {}, labels: {} };

/** Decides on the template of a workload by the policy that governs the pods made from it. */
export const decideTemplate = (view: View, workload: Workload): TemplateDecision => {
  const { template } = workload;
  if (!template || workload.terminating) return nothing;
  const governor = governorOf(view, workload, template);
  const policy = governor?.spec.injection.at === 'Workload' ? governor : undefined;
  if (policy && template.fixed !== undefined) return { kind: 'Fixed', policy, message: template.fixed };
  if (template.fixed !== undefined) return nothing;
  // The rollout that a release is would make pods without annotations as long as admission gives none.
  if (governor?.spec.injection.at === 'Pod' && !isReached(view, governor)) return nothing;
  // A policy that nobody has seen yet may be the one that all of it came from.
  if (!policy && !isKnown(view)) return nothing;
  const owned = policy ? ownedUnder(policy, template) : released;
  return isAsWanted(template, owned) ? nothing : { kind: 'Write', policy, owned };
};

const governorOf = (
  view: View,
  { kind, namespace, name, uid }: Workload,
  { labels }: Template,
): SoundPolicy | undefined => {
  const controller = { apiVersion: templates[kind].apiVersion, kind, name, uid };
  return governingPolicy(view, { namespace, labels, controller });
};

const isKnown = (view: View): boolean =>
  (['SpotPolicy', 'ClusterSpotPolicy', 'Namespace'] as const).every((kind) => view.synced(kind));

const isReached = (view: View, { uid, generation }: SoundPolicy): boolean => {
  const probe = view.probes.byUid(uid);
  return probe?.reached === true && probe.generation === generation;
};

const stamps: readonly string[] = Object.values(ourAnnotations);

/**
 * What `policy` has our field manager own of a template: the annotations and labels that a pod would get at admission,
 * but for keys that somebody else wrote there, which stay theirs.
 */
const ownedUnder = (policy: SoundPolicy, template: Template): Owned => {
  const gift = giftOf(policy.spec);
  const own = without(template.annotations, [...template.owned.annotations, ...stamps]);
  const { annotations, userValueKept } = mergeAnnotations(own, gift.annotations, 'Keep');
  const ownLabels = without(template.labels, template.owned.labels);
  const reason: Reason = userValueKept ? 'UserValueKept' : 'Policy';
  return {
    annotations: {
      ...without(annotations, Object.keys(own)),
      [ourAnnotations.policy]: policyKey(policy),
      [ourAnnotations.revision]: revisionOf(policy),
      [ourAnnotations.reason]: reason,
    },
    labels: {
      ...without(gift.labels, Object.keys(ownLabels)),
      [ourLabels.capacity]: eciAnnotations.spotStrategy in annotations ? 'spot' : 'on-demand',
    },
  };
};

const without = (values: Values, keys: readonly string[]): Values =>
  Object.fromEntries(Object.entries(values).filter(([key]) => !keys.includes(key)));

const isAsWanted = ({ annotations, labels, owned }: Template, wanted: Owned): boolean =>
  holds(wanted.annotations, annotations, owned.annotations) && holds(wanted.labels, labels, owned.labels);

const holds = (wanted: Values, present: Values, owned: readonly string[]): boolean =>
  owned.every((key) => key in wanted) &&
  Object.entries(wanted).every(
    ([key, value]) =>
      owned.includes(key) &&
      // Whether a value of the user was kept is not worth restarting pods for.
      (present[key] === value || (key === ourAnnotations.reason && present[key] !== undefined)),
  );

/** The object to apply so that our field manager owns exactly this: by server-side apply, what is not in it is let go. */
export const appliedObject = ({ kind, namespace, name, uid }: Workload, owned: Owned): object => {
  const { apiVersion, path } = templates[kind];
  const parts = Object.entries(owned).filter(([, values]) => Object.keys(values).length > 0);
  const metadata: object = Object.fromEntries(parts);
  const below = path.toReversed().reduce<object>((inner, step) => ({ [step]: inner }), metadata);
  // With its UID, an apply to an object that is gone creates none.
  return { apiVersion, kind, metadata: { namespace, name, uid }, ...(parts.length > 0 && below) };
};
