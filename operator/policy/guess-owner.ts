import type { Controller } from '../world/object.ts';
import type { Labels } from './selector.ts';

/** The controller above `name`, by what its system writes into names and into the labels of pods. */
type Guess = (name: string, labels: Labels) => Pick<Controller, 'group' | 'kind' | 'name'> | undefined;

const knative = 'serving.knative.dev';

const named = (group: string, kind: string, name: string | undefined) =>
  name ? { group, kind, name } : undefined;

// Labels are user input: each is believed only above a controller of the system that writes it, by group and kind.
const guesses: Readonly<Record<string, Guess>> = {
  // The Deployment controller names a ReplicaSet `<deployment>-<pod-template-hash>`, Argo Rollouts by a label of its own.
  'apps/ReplicaSet': (name, labels) => {
    const above = (hash: string | undefined) =>
      hash && name.endsWith(`-${hash}`) ? name.slice(0, -hash.length - 1) : undefined;
    return (
      named('argoproj.io', 'Rollout', above(labels['rollouts-pod-template-hash'])) ??
      named('apps', 'Deployment', above(labels['pod-template-hash']))
    );
  },
  'apps/Deployment': (name, labels) => {
    const revision = labels[`${knative}/revision`];
    return named(knative, 'Revision', revision && isOfRevision(name, revision) ? revision : undefined);
  },
  // Knative Serving, pkg/reconciler/revision/resources: pods carry all three, the last where there is a Service.
  [`${knative}/Revision`]: (_, labels) => named(knative, 'Configuration', labels[`${knative}/configuration`]),
  [`${knative}/Configuration`]: (_, labels) => named(knative, 'Service', labels[`${knative}/service`]),
  // The CronJob controller names its Jobs by the scheduled minute since the epoch, eight digits until 2160.
  'batch/Job': (name) => named('batch', 'CronJob', /^(.+)-\d{8}$/.exec(name)?.[1]),
  // Spark executors belong to their driver pod; the Spark operator writes the application's name on both.
  '/Pod': (_, labels) =>
    named(
      'sparkoperator.k8s.io',
      'SparkApplication',
      labels['spark-role'] === 'executor' ? labels['sparkoperator.k8s.io/app-name'] : undefined,
    ),
  // Argo names the Workflows of a CronWorkflow by the scheduled second since the epoch (workflow/cron/operator.go), ten
  // digits until 2286; their pods have no label that names the CronWorkflow.
  'argoproj.io/Workflow': (name) => named('argoproj.io', 'CronWorkflow', /^(.+)-\d{10}$/.exec(name)?.[1]),
};

// Knative names it `<revision>-deployment`; where that exceeds 63 characters, the first 20 of the revision and a hash.
const isOfRevision = (deployment: string, revision: string): boolean =>
  deployment === `${revision}-deployment` ||
  (deployment.length === 63 &&
    deployment.startsWith(revision.slice(0, 20)) &&
    deployment.endsWith('-deployment'));

/** The controller of a controller that the world has not seen, or undefined; its UID is not known. */
export const guessOwner = (
  { namespace, group, kind, name }: Omit<Controller, 'uid'>,
  labels: Labels,
): Controller | undefined => {
  const key = `${group}/${kind}`;
  const owner = Object.hasOwn(guesses, key) ? guesses[key]?.(name, labels) : undefined;
  return owner && { ...owner, namespace, uid: '' };
};
