import { ownedBelow, ownerChain } from '../policy/owners.ts';
import { contenders, covers, namespacesOfAny, triedIn } from '../policy/rules.ts';
import type { Step } from '../world/collection.ts';
import type { Identity } from '../world/object.ts';
import type { Namespace } from '../world/objects.ts';
import type { GroupKind } from '../world/owner-kinds.ts';
import type { Pod } from '../world/pod.ts';
import { type Policy, policyOf } from '../world/policy.ts';
import type { Templated } from '../world/template.ts';
import type { Change, View } from '../world/view.ts';
import { isSameKindOfNode } from './counts.ts';
import { isSameLink, type Linked } from './link.ts';
import { failuresToTell } from './report.ts';

/** The policies, by UID, whose status a change of the world may alter. */
export const touchedBy = (view: View, change: Change): readonly string[] => {
  switch (change.kind) {
    case 'Pod':
      return [
        ...selecting(view, [change.before, change.after]),
        ...naming(view, change),
        ...around(view, { group: '', kind: 'Pod' }, change),
      ];
    case 'Deployment':
    case 'ReplicaSet':
    case 'StatefulSet':
    case 'Job':
    case 'CronJob':
      return [...naming(view, change), ...ofOwner(view, change)];
    case 'Owner':
      return ofOwner(view, change);
    case 'Node':
      return isSameKindOfNode(change) ? [] : everywhere(view);
    case 'OwnerKind':
    case 'Contest':
      return everywhere(view);
    case 'DegradeEvent':
      return selecting(
        view,
        [change.before, change.after].map(
          (event) => event && view.pods.byName(event.namespace, event.podName),
        ),
      );
    case 'Interruption': {
      const policy = change.after && policyOf(view, change.after.settings.policy);
      return policy ? [policy.uid] : [];
    }
    case 'Probe':
      return change.after ? [change.after.uid] : [];
    case 'Template':
      return [change.before, change.after].flatMap((trouble) => (trouble ? [trouble.policy] : []));
    case 'SpotPolicy':
    case 'ClusterSpotPolicy':
      return neighbours(view, change);
    case 'Namespace':
      return reaching(view, [change.before, change.after]);
    case 'Synced':
      return everywhere(view);
    case 'Failed':
      return change.trouble.failures === failuresToTell ? everywhere(view) : [];
    default:
      return [];
  }
};

// Policies that name a workload are told when it comes or goes.
const naming = (view: View, { before, after }: Step<Identity>): readonly string[] => {
  const one = before ?? after;
  if (!one || (before && after)) return [];
  return [...view.policies.group('namespace', one.namespace)]
    .filter(({ spec }) => spec?.targetRefs?.some(({ name }) => name === one.name))
    .map(({ uid }) => uid);
};

type Possibly = Pick<Templated, 'namespace' | 'terminating' | 'template'>;

// Policies that are only tried out tell what they would write into a template.
const tryingTemplates = (view: View, { before, after }: Step<Possibly>): readonly string[] => {
  const { namespace } = after ?? before ?? { namespace: '' };
  const tried = triedIn(view, namespace).filter(({ spec }) => spec.injection.at === 'Workload');
  if (tried.length === 0 || isSameTemplate(before, after)) return [];
  return uidsOf(tried);
};

const isSameTemplate = (before: Possibly | undefined, after: Possibly | undefined): boolean =>
  before?.terminating === after?.terminating &&
  JSON.stringify(before?.template) === JSON.stringify(after?.template);

const ofOwner = (view: View, change: Step<Linked & Identity & GroupKind & Possibly>): readonly string[] => {
  const owner = change.after ?? change.before;
  return owner ? [...around(view, owner, change), ...tryingTemplates(view, change)] : [];
};

// Chains of owners reach further there, or less far, where any led through it.
const around = (
  view: View,
  { group, kind }: GroupKind,
  change: Step<Linked & Identity>,
): readonly string[] => {
  const { namespace, uid } = change.after ?? change.before ?? { namespace: '', uid: '' };
  if (isSameLink(change) || ownedBelow(view, { namespace, group, kind, uid }).next().done) return [];
  return uidsOf([...inNamespace(view, namespace), ...view.rules(namespace), ...triedIn(view, namespace)]);
};

/** Every policy, by UID. */
export const everywhere = (view: View): readonly string[] => uidsOf([...view.policies.all()]);

const selecting = (view: View, pods: readonly (Pod | undefined)[]): readonly string[] => [
  ...new Set(pods.flatMap((pod) => (pod ? policiesOver(view, pod) : []))),
];

// All that would govern the pod and not only the one that does: a policy that loses a pod to another says so, and so
// does one that is only tried out.
const policiesOver = (view: View, pod: Pod): readonly string[] =>
  uidsOf([...contenders(view, pod), ...triedOn(view, pod)]);

const triedOn = (view: View, pod: Pod): readonly Policy[] => {
  const tried = triedIn(view, pod.namespace);
  return tried.filter((policy) => covers(policy, pod.labels, () => ownerChain(view, pod)));
};

// An edited policy may win or lose pods of the others; a written status concerns nobody else.
const neighbours = (view: View, { before, after }: Step<Policy>): readonly string[] => {
  const policy = after ?? before;
  if (!policy || before?.generation === after?.generation) return policy ? [policy.uid] : [];
  const nearby = namespacesOfAny(view, [before, after]).flatMap((name) => inNamespace(view, name));
  const others = [...nearby, ...inNamespace(view, policy.namespace), ...ofCluster(view)];
  return [...new Set([policy.uid, ...uidsOf(others)])];
};

const uidsOf = (policies: readonly Policy[]): readonly string[] => policies.map(({ uid }) => uid);

const inNamespace = (view: View, namespace: string): readonly Policy[] => [
  ...view.policies.group('namespace', namespace),
];

const ofCluster = (view: View): readonly Policy[] => inNamespace(view, '');

// A relabelled namespace concerns its own policies and those of the cluster that reached or reach it.
const reaching = (view: View, states: readonly (Namespace | undefined)[]): readonly string[] => {
  const namespaces = states.filter((namespace) => namespace !== undefined);
  const own = namespaces.slice(0, 1).flatMap(({ name }) => inNamespace(view, name));
  const reaches = (policy: Policy): boolean => namespaces.some((state) => view.reaches(policy, state));
  return uidsOf([...own, ...ofCluster(view).filter(reaches)]);
};
