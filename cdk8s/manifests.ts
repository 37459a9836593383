import { App } from 'cdk8s';
import { CrdsChart } from './crds-chart.ts';
import { ClusterChart, OperatorChart, WorkloadTemplatesChart } from './operator-chart.ts';
import { type ForeignGroup, WorkloadRightsChart } from './workload-rights.ts';

/** A manifest, as `kubectl apply` takes it. */
export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
}

/** Everything that installs the operator, in the order of application. Its webhook configuration is its own affair. */
export const manifests = (): Manifest[] => {
  const app = new App();
  const charts = [
    new ClusterChart(app, 'cluster'),
    new CrdsChart(app, 'crds'),
    new OperatorChart(app, 'operator'),
  ];
  return charts.flatMap((chart) => chart.toJson() as Manifest[]);
};

/** What an installation may add: the right that `injection.at: Workload` needs. */
export const workloadTemplates = (): Manifest[] =>
  new WorkloadTemplatesChart(new App(), 'workload-templates').toJson() as Manifest[];

/** What an installation adds so that the operator may see the owners of pods in one API group. */
export const workloadRights = (group: ForeignGroup): Manifest[] =>
  new WorkloadRightsChart(new App(), group).toJson() as Manifest[];
