import type { Deployment, DeploymentStrategy, ReplicaSet, StatefulSet } from 'kubernetes-types/apps/v1.d.ts';
import type { CronJob, Job } from 'kubernetes-types/batch/v1.d.ts';
import type { Namespace as RawNamespace, Node as RawNode } from 'kubernetes-types/core/v1.d.ts';
import { virtualNodes } from '../api/keys.ts';
import type { LabelSelector } from 'kubernetes-types/meta/v1.d.ts';
import type { PodDisruptionBudget } from 'kubernetes-types/policy/v1.d.ts';
import {
  type Controller,
  controllerOf,
  type Identity,
  identityOf,
  type RawObject,
  writersOf,
} from './object.ts';
import { type JobFailures, jobFailuresOf, noJobFailures } from './job-failures.ts';
import { type Template, trimTemplate } from './template.ts';

/** A namespace: its labels decide on opting out. `namespace` is empty. */
export interface Namespace extends Identity {
  readonly labels: Readonly<Record<string, string>>;
  readonly terminating: boolean;
}

/** The world's record of a namespace. */
export const trimNamespace = (raw: RawNamespace): Namespace => ({
  ...identityOf(raw),
  labels: raw.metadata?.labels ?? {},
  terminating: raw.metadata?.deletionTimestamp !== undefined,
});

/** A node: whether it is a virtual one, where annotations of ECI act. `namespace` is empty. */
export interface Node extends Identity {
  readonly virtual: boolean;
  /** They name the domains that pods are spread over. */
  readonly labels: Readonly<Record<string, string>>;
}

/** The world's record of a node: metadata is enough. */
export const trimNode = (raw: Pick<RawNode, 'metadata'>): Node => {
  const labels = raw.metadata?.labels ?? {};
  const virtual = virtualNodes.some(({ label: { key, value } }) => labels[key] === value);
  return { ...identityOf(raw), virtual, labels };
};

/** The MutatingWebhookConfiguration that the operator owns; `namespace` is empty. */
export interface Webhook extends Identity {
  readonly resourceVersion: string;
  /** The field managers that wrote it, the latest first. */
  readonly writers: readonly string[];
}

/** The world's record of a webhook configuration, which must come with its `managedFields`. */
export const trimWebhook = (raw: RawObject): Webhook => ({
  ...identityOf(raw),
  resourceVersion: raw.metadata?.resourceVersion ?? '',
  writers: writersOf(raw),
});

/** Who takes turns in writing the webhook configuration, in field managers, sorted; and how often this operator lost. */
export interface WebhookContest {
  /** Empty where the configuration is taken away each time, which leaves no trace of who did it. */
  readonly writers: readonly string[];
  readonly losses: number;
}

/** A CustomResourceDefinition: kinds of this group may have come, changed or gone. `namespace` is empty. */
export interface Definition extends Identity {
  readonly group: string;
}

/** The world's record of a CustomResourceDefinition, which is always named `<plural>.<group>`. */
export const trimDefinition = (raw: RawObject): Definition => {
  const identity = identityOf(raw);
  return { ...identity, group: identity.name.slice(identity.name.indexOf('.') + 1) };
};

/** What asking admission about a policy came to; the identity is the policy's. */
export interface Probe extends Identity {
  /** The generation that was asked about. */
  readonly generation: number;
  /** Admission was reached through the API server and decides by that generation. */
  readonly reached: boolean;
  /** What stood in the way; empty when it was reached. */
  readonly problem: string;
  readonly atMs: number;
  /** How often in a row it was not reached. */
  readonly failures: number;
}

/** A PodDisruptionBudget with the figures of its controller. */
export interface Budget extends Identity {
  readonly resourceVersion: string;
  readonly selector: LabelSelector | undefined;
  /** The controller's figures are about the spec as it stands. */
  readonly current: boolean;
  readonly disruptionsAllowed: number;
  readonly currentHealthy: number;
  readonly desiredHealthy: number;
  /** Condition DisruptionAllowed is False for reason SyncFailed: it never allows anything. */
  readonly syncFailed: string | undefined;
}

/** The world's record of a budget. */
export const trimBudget = (raw: PodDisruptionBudget): Budget => {
  const failed = raw.status?.conditions?.find(
    ({ type, status, reason }) =>
      type === 'DisruptionAllowed' && status === 'False' && reason === 'SyncFailed',
  );
  return {
    ...identityOf(raw),
    resourceVersion: raw.metadata?.resourceVersion ?? '',
    selector: raw.spec?.selector,
    current: (raw.status?.observedGeneration ?? 0) >= (raw.metadata?.generation ?? 0),
    disruptionsAllowed: raw.status?.disruptionsAllowed ?? 0,
    currentHealthy: raw.status?.currentHealthy ?? 0,
    desiredHealthy: raw.status?.desiredHealthy ?? 0,
    syncFailed: failed?.message,
  };
};

/** Kinds of workload whose objects the world holds. */
export type WorkloadKind = 'Deployment' | 'ReplicaSet' | 'StatefulSet' | 'Job' | 'CronJob';

const groups: Readonly<Record<WorkloadKind, string>> = {
  Deployment: 'apps',
  ReplicaSet: 'apps',
  StatefulSet: 'apps',
  Job: 'batch',
  CronJob: 'batch',
};

/** Whether the world holds the objects of a kind of this API group as workloads. */
export const isHeldKind = (kind: string, group: string): kind is WorkloadKind =>
  Object.hasOwn(groups, kind) && groups[kind as WorkloadKind] === group;

/** Whether something is of a kind that the world holds as workloads, not of another group's kind of that name. */
export const isOfKind = (
  of: { readonly group: string; readonly kind: string } | undefined,
  kind: WorkloadKind,
): boolean => of?.kind === kind && of.group === groups[kind];

/** A workload: who controls it, how many pods it wants, whether it has ended. */
export interface Workload extends Identity, JobFailures {
  readonly group: string;
  readonly kind: WorkloadKind;
  readonly controller: Controller | undefined;
  readonly terminating: boolean;
  /** Wanted pods; undefined for a CronJob. */
  readonly replicas: number | undefined;
  /** A Job that is Complete or Failed. */
  readonly finished: boolean;
  /** A ReplicaSet that reports that its pods cannot be created, as for want of quota. */
  readonly creationFails: boolean;
  /** The number of a StatefulSet's first pod. */
  readonly firstOrdinal: number;
  /** How many pods more than it wants a Deployment may have for a while: its `maxSurge` in pods. */
  readonly maxSurge: number;
  /** How long a pod of a Deployment must have been Ready to count, in seconds. */
  readonly minReadySeconds: number;
  /** Of a Deployment and of its ReplicaSets: whose is the Deployment's is the current one. */
  readonly revision: string;
  readonly resourceVersion: string;
  /** Its pod template; undefined where its controller or its end leaves nothing to write there. */
  readonly template: Template | undefined;
}

const workload = (kind: WorkloadKind, raw: RawObject, rest: Partial<Workload>): Workload => ({
  ...identityOf(raw),
  group: groups[kind],
  kind,
  controller: controllerOf(raw.metadata),
  terminating: raw.metadata?.deletionTimestamp !== undefined,
  replicas: undefined,
  finished: false,
  ...noJobFailures,
  creationFails: false,
  firstOrdinal: 0,
  maxSurge: 0,
  minReadySeconds: 0,
  revision: raw.metadata?.annotations?.['deployment.kubernetes.io/revision'] ?? '',
  resourceVersion: raw.metadata?.resourceVersion ?? '',
  template: undefined,
  ...rest,
});

// Whoever controls a workload writes its template as well, and would undo what another writes there.
const fixedByOwner = ({ metadata }: RawObject): string | undefined => {
  const owner = controllerOf(metadata);
  return owner && `its template belongs to ${owner.kind} ${owner.name}`;
};

/** Records of the kinds whose `spec.replicas` defaults to 1. */
export const trimDeployment = (raw: Deployment): Workload =>
  workload('Deployment', raw, {
    replicas: raw.spec?.replicas ?? 1,
    maxSurge: maxSurgeOf(raw.spec?.strategy, raw.spec?.replicas ?? 1),
    minReadySeconds: raw.spec?.minReadySeconds ?? 0,
    template: trimTemplate(raw, 'Deployment', fixedByOwner(raw)),
  });
// The API server fills in RollingUpdate with 25 %; the Deployment controller rounds up.
const maxSurgeOf = ({ type, rollingUpdate }: DeploymentStrategy = {}, replicas: number): number => {
  if (type === 'Recreate') return 0;
  const figure = String(rollingUpdate?.maxSurge ?? '25%');
  const amount = Math.max(0, Number.parseInt(figure, 10) || 0);
  return figure.endsWith('%') ? Math.ceil((amount * replicas) / 100) : amount;
};

/** The world's record of a ReplicaSet; the template of one that a Deployment controls is the Deployment's. */
export const trimReplicaSet = (raw: ReplicaSet): Workload =>
  workload('ReplicaSet', raw, {
    replicas: raw.spec?.replicas ?? 1,
    creationFails: (raw.status?.conditions ?? []).some(
      ({ type, status }) => type === 'ReplicaFailure' && status === 'True',
    ),
    template: fixedByOwner(raw) ? undefined : trimTemplate(raw, 'ReplicaSet', undefined),
  });
/** The world's record of a StatefulSet. */
export const trimStatefulSet = (raw: StatefulSet): Workload =>
  workload('StatefulSet', raw, {
    replicas: raw.spec?.replicas ?? 1,
    firstOrdinal: raw.spec?.ordinals?.start ?? 0,
    template: trimTemplate(raw, 'StatefulSet', fixedByOwner(raw)),
  });
/** The world's record of a CronJob. */
export const trimCronJob = (raw: CronJob): Workload =>
  workload('CronJob', raw, { template: trimTemplate(raw, 'CronJob', fixedByOwner(raw)) });

/** The world's record of a Job; `replicas` is how many of its pods may still run, none while it is suspended. */
export const trimJob = (raw: Job): Workload => {
  const { parallelism = 1, completions, suspend } = raw.spec ?? {};
  const left = completions === undefined ? parallelism : completions - (raw.status?.succeeded ?? 0);
  const finished = (raw.status?.conditions ?? []).some(
    ({ type, status }) => (type === 'Complete' || type === 'Failed') && status === 'True',
  );
  return workload('Job', raw, {
    replicas: suspend === true ? 0 : Math.max(0, Math.min(parallelism, left)),
    finished,
    template: finished || fixedByOwner(raw) ? undefined : trimTemplate(raw, 'Job', fixedByStart(raw)),
    ...jobFailuresOf(raw),
  });
};

// The API server lets the template of a Job change only while the Job is suspended and before its first start.
const fixedByStart = ({ spec, status }: Job): string | undefined =>
  spec?.suspend === true && status?.startTime === undefined
    ? undefined
    : 'a Job keeps the template that it started with';
