import type { Deployment, StatefulSet } from 'kubernetes-types/apps/v1.js';
import type { CronJob, Job } from 'kubernetes-types/batch/v1.js';
import type { PodTemplateSpec } from 'kubernetes-types/core/v1.js';
import type { PodDisruptionBudget } from 'kubernetes-types/policy/v1.js';

/** What the pods of a workload are like; the simulated virtual node reads the annotations `sim.spotpolicy.dev/…`. */
export interface PodOptions {
  readonly labels?: Record<string, string>;
  readonly annotations?: Record<string, string>;
  readonly graceSeconds?: number;
}

/** Every workload of these builders is called so and its pods carry `app` with that name, unless a test says otherwise. */
export interface WorkloadOptions extends PodOptions {
  readonly name?: string;
  readonly replicas?: number;
}

const tolerations = [{ key: 'virtual-kubelet.io/provider', operator: 'Exists', effect: 'NoSchedule' }];

const aTemplate = (
  name: string,
  { labels, annotations, graceSeconds = 5 }: PodOptions,
  restartPolicy: 'Always' | 'Never' = 'Always',
): PodTemplateSpec => ({
  metadata: { labels: { app: name, ...labels }, annotations: { ...annotations } },
  spec: {
    restartPolicy,
    terminationGracePeriodSeconds: graceSeconds,
    tolerations,
    containers: [{ name: 'main', image: 'registry.example/app:1' }],
  },
});

/** A Deployment whose pods go to virtual nodes and are Ready after about a second. */
export const aDeployment = ({ name = 'web', replicas = 1, ...pod }: WorkloadOptions = {}): Deployment => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name },
  spec: { replicas, selector: { matchLabels: { app: name } }, template: aTemplate(name, pod) },
});

/** A StatefulSet that starts its pods side by side. */
export const aStatefulSet = ({ name = 'db', replicas = 1, ...pod }: WorkloadOptions = {}): StatefulSet => ({
  apiVersion: 'apps/v1',
  kind: 'StatefulSet',
  metadata: { name },
  spec: {
    replicas,
    serviceName: name,
    podManagementPolicy: 'Parallel',
    selector: { matchLabels: { app: name } },
    template: aTemplate(name, pod),
  },
});

/** What a Job is like besides its pods. */
export interface JobOptions extends PodOptions {
  readonly name?: string;
  readonly completions?: number;
  readonly backoffLimit?: number;
  /** A podFailurePolicy that ignores DisruptionTarget. */
  readonly ignoresDisruption?: boolean;
}

/** A Job of one pod that runs until the test ends it. */
export const aJob = ({
  name = 'batch',
  completions = 1,
  backoffLimit = 6,
  ...rest
}: JobOptions = {}): Job => ({
  apiVersion: 'batch/v1',
  kind: 'Job',
  metadata: { name },
  spec: {
    completions,
    parallelism: completions,
    backoffLimit,
    ...(rest.ignoresDisruption && {
      podFailurePolicy: {
        rules: [{ action: 'Ignore', onPodConditions: [{ type: 'DisruptionTarget', status: 'True' }] }],
      },
    }),
    template: aTemplate(name, rest, 'Never'),
  },
});

/** A CronJob that runs every minute. */
export const aCronJob = ({ name = 'nightly', ...pod }: JobOptions = {}): CronJob => ({
  apiVersion: 'batch/v1',
  kind: 'CronJob',
  metadata: { name },
  spec: { schedule: '* * * * *', jobTemplate: { spec: { template: aTemplate(name, pod, 'Never') } } },
});

/** A budget over the pods of the workload of that name. */
export const aBudget = (
  spec: { maxUnavailable?: number | string; minAvailable?: number | string },
  app = 'web',
  name = app,
): PodDisruptionBudget => ({
  apiVersion: 'policy/v1',
  kind: 'PodDisruptionBudget',
  metadata: { name },
  spec: { ...spec, selector: { matchLabels: { app } } },
});
