import { eciAnnotations, unavailableBudget } from '../api/keys.ts';
import type { Pod as RawPod, PodCondition, PodSpec } from 'kubernetes-types/core/v1.d.ts';
import {
  type Controller,
  controllerOf,
  type Identity,
  identityOf,
  instantMs,
  keepPrefixed,
} from './object.ts';
import { demandOf } from './demand.ts';
import type { Demand } from './quantity.ts';
import { type ScopeTraits, traitsOf } from './quota-scopes.ts';
import { type Ties, tiesOf } from './ties.ts';
import { unplacedBecause } from './unplaced.ts';
import { type WorkflowStep, workflowStepOf } from './workflow-step.ts';

/** A condition of a pod that speaks of its instance: when it changed and what it says. */
export interface InstanceSign {
  /** Milliseconds since the epoch of the last transition; undefined where the platform gave none. */
  readonly sinceMs: number | undefined;
  readonly reason: string;
  readonly message: string;
}

/** A pod, trimmed to what decisions read. */
export interface Pod extends Identity {
  readonly resourceVersion: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Only ECI's and our own annotations. */
  readonly annotations: Readonly<Record<string, string>>;
  readonly controller: Controller | undefined;
  readonly createdAtMs: number;
  /** When it is to be gone, grace included; undefined while nobody has deleted it. */
  readonly deletionAtMs: number | undefined;
  /** When its deletion was asked for: `deletionAtMs` less the grace that came with it. */
  readonly deletedAtMs: number | undefined;
  /** The first finalizers of a pod that is being deleted: its object stays as long as there are any. */
  readonly finalizers: readonly string[];
  readonly nodeName: string | undefined;
  readonly phase: string;
  /** Why it is in that phase, such as `BidFailed`. */
  readonly reason: string;
  /** When ECI took the instance, to the minute as its text tells; undefined while it has not, or does not say. */
  readonly releasedAtMs: number | undefined;
  /** When it failed, as nearly as it tells and never before its creation; undefined while it has not. */
  readonly failedAtMs: number | undefined;
  readonly ready: boolean;
  readonly readySinceMs: number | undefined;
  /** `terminationGracePeriodSeconds`; Kubernetes' default is 30. */
  readonly graceSeconds: number;
  /** Its containers are started again whenever they end: it is not meant to come to an end by itself. */
  readonly restarts: boolean;
  /** `ContainerInstanceExpired` is true: ECI takes the instance back. Only the node writes it. */
  readonly expired: InstanceSign | undefined;
  /** `ContainerInstanceCreated`, whose reason may be SpotToBeReleased, SpotDegraded or a lack of stock. */
  readonly instance: InstanceSign | undefined;
  /** `DisruptionTarget` is true: somebody has begun to evict it. */
  readonly disrupted: boolean;
  /** Why nothing runs it yet, as the scheduler or ECI says of a pending pod; undefined where neither says so. */
  readonly unplaced: string | undefined;
  readonly ties: Ties | undefined;
  /** What it asks of quotas, in cores and bytes, by the names that a ResourceQuota has for them. */
  readonly demand: Demand;
  readonly scopeTraits: ScopeTraits;
  /** The step of an Argo Workflow that it runs; undefined where it runs none. */
  readonly step: WorkflowStep | undefined;
}

// Annotations that a decision reads; the rest of a pod's annotations may be kilobytes.
const annotationPrefixes = [
  'k8s.aliyun.com/eci-',
  eciAnnotations.nodeVersion,
  'spotpolicy.dev/',
  'kubernetes.io/config.mirror',
  'batch.kubernetes.io/job-',
  unavailableBudget,
];

const mostFinalizers = 3;
const none: readonly string[] = [];

/** The world's record of `raw`; never throws. */
export const trimPod = (raw: RawPod): Pod => {
  const { metadata, spec, status } = raw;
  const deletionAtMs = instantMs(metadata?.deletionTimestamp);
  const ready = findCondition(status?.conditions, 'Ready');
  const createdAtMs = instantMs(metadata?.creationTimestamp) ?? 0;
  const releasedAtMs = status?.reason === 'BidFailed' ? releaseIn(status.message) : undefined;
  const unreadySinceMs = isTrue(ready) ? undefined : instantMs(ready?.lastTransitionTime);
  return {
    ...identityOf(raw),
    resourceVersion: metadata?.resourceVersion ?? '',
    labels: metadata?.labels ?? {},
    annotations: keepPrefixed(metadata?.annotations, annotationPrefixes),
    controller: controllerOf(metadata),
    createdAtMs,
    deletionAtMs,
    deletedAtMs: deletionAtMs && deletionAtMs - (metadata?.deletionGracePeriodSeconds ?? 0) * 1000,
    finalizers: (deletionAtMs && metadata?.finalizers?.slice(0, mostFinalizers)) || none,
    nodeName: spec?.nodeName,
    phase: status?.phase ?? 'Pending',
    reason: status?.reason ?? '',
    releasedAtMs,
    // A text rounds to the minute before, and a pod may have been unready long before it failed: the later one is nearer.
    failedAtMs:
      status?.phase === 'Failed' ? Math.max(createdAtMs, releasedAtMs ?? 0, unreadySinceMs ?? 0) : undefined,
    ready: isTrue(ready),
    readySinceMs: isTrue(ready) ? instantMs(ready?.lastTransitionTime) : undefined,
    graceSeconds: spec?.terminationGracePeriodSeconds ?? 30,
    restarts: restarts(spec),
    expired: signOf(findCondition(status?.conditions, 'ContainerInstanceExpired'), isTrue),
    instance: signOf(findCondition(status?.conditions, 'ContainerInstanceCreated'), () => true),
    disrupted: isTrue(findCondition(status?.conditions, 'DisruptionTarget')),
    unplaced: status?.phase === 'Running' ? undefined : unplacedBecause(spec, status?.conditions),
    ties: tiesOf(spec, metadata?.namespace ?? ''),
    demand: demandOf(spec),
    scopeTraits: traitsOf(spec),
    step: workflowStepOf(raw),
  };
};

/** Whether a pod of this spec is started again whenever it ends: what Kubernetes takes for granted. */
export const restarts = (spec: Pick<PodSpec, 'restartPolicy'> | undefined): boolean =>
  (spec?.restartPolicy ?? 'Always') === 'Always';

// As in `The pod is spot instance, and have been released at 2020-04-08T12:36Z`.
const releaseIn = (message: string | undefined): number | undefined =>
  instantMs(/released at (\S+)/.exec(message ?? '')?.[1]);

const findCondition = (
  conditions: readonly PodCondition[] | undefined,
  type: string,
): PodCondition | undefined => conditions?.find((condition) => condition.type === type);

// The vendor's pages write `true` in lower case, and the API server stores it as it comes.
const isTrue = (condition: PodCondition | undefined): boolean => condition?.status.toLowerCase() === 'true';

const signOf = (
  condition: PodCondition | undefined,
  counts: (condition: PodCondition) => boolean,
): InstanceSign | undefined =>
  condition && counts(condition)
    ? {
        sinceMs: instantMs(condition.lastTransitionTime),
        reason: condition.reason ?? '',
        message: condition.message ?? '',
      }
    : undefined;

/** Its containers have ended for good; Ready may still say True (ECI leaves it on a released pod). */
export const isTerminal = (pod: Pod): boolean => pod.phase === 'Failed' || pod.phase === 'Succeeded';

/** `ContainerInstanceCreated` says by its reason that ECI takes the instance back; its status stays what it was. */
export const isReclaimed = ({ instance }: Pod): boolean => instance?.reason === 'SpotToBeReleased';

/** It runs or will run: neither terminal nor being deleted. */
export const isLive = (pod: Pod): boolean => !isTerminal(pod) && pod.deletionAtMs === undefined;

/** It can serve: live and Ready. */
export const isServing = (pod: Pod): boolean => isLive(pod) && pod.ready;

/**
 * It has ended, and yet its budget counts it as healthy: the disruption controller (measured on 1.36) asks for Ready and
 * no deletion, not for the phase.
 */
export const isCountedHealthy = (pod: Pod): boolean =>
  isTerminal(pod) && pod.ready && pod.deletionAtMs === undefined;
