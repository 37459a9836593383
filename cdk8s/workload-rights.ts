import { ApiObject, Chart } from 'cdk8s';
import type { Construct } from 'constructs';
import type { Verb } from '../operator/kube/resources.ts';

/** The label by which a ClusterRole lends its rights to the operator. */
export const aggregationLabel = 'rbac.spotpolicy.dev/aggregate-to-operator';

const verbs: readonly Verb[] = ['list', 'watch'];

/** Kinds above pods, by API group, that an installation may open to the operator. */
const foreign = {
  'serving.knative.dev': ['services', 'configurations', 'revisions'],
  'sparkoperator.k8s.io': ['sparkapplications', 'scheduledsparkapplications'],
  'argoproj.io': ['workflows', 'cronworkflows', 'workflowtemplates', 'rollouts'],
  'apps.kruise.io': ['clonesets', 'statefulsets', 'broadcastjobs', 'advancedcronjobs'],
} as const;

/** An API group whose kinds an installation may open to the operator. */
export type ForeignGroup = keyof typeof foreign;

/** All of them. */
export const foreignGroups = Object.keys(foreign) as readonly ForeignGroup[];

/** What lets the operator see the owners of pods in one API group: their metadata, and pod templates where policies write such. */
export class WorkloadRightsChart extends Chart {
  constructor(scope: Construct, id: ForeignGroup) {
    super(scope, id.replaceAll('.', '-'), { disableResourceNameHashes: true });
    new ApiObject(this, 'cluster-role', {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'ClusterRole',
      metadata: {
        // The operator names it so when it lacks the rights.
        name: `spotpolicy-operator-${id}`,
        labels: { 'app.kubernetes.io/name': 'spotpolicy', [aggregationLabel]: 'true' },
      },
      rules: [{ apiGroups: [id], resources: [...foreign[id]], verbs: [...verbs] }],
    });
  }
}
