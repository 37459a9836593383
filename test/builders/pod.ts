import type { Event, Pod as RawPod, PodCondition } from 'kubernetes-types/core/v1.js';
import type { OwnerReference } from 'kubernetes-types/meta/v1.js';
import { eciAnnotations } from '../../operator/api/keys.ts';
import { apiTime } from '../../operator/world/object.ts';
import { trimEvent, type PlatformEvent } from '../../operator/world/platform-event.ts';
import { type Pod, trimPod } from '../../operator/world/pod.ts';

/** Noon of an ordinary day, in milliseconds since 1970: pods of these builders were created then. */
export const noonMs = Date.parse('2026-03-01T12:00:00Z');

/** The moment so many seconds after noon, in milliseconds since 1970. */
export const at = (seconds: number): number => noonMs + seconds * 1000;

/** The UID of an object of these builders. */
export const uidOf = (kind: string, name: string, namespace = 'shop'): string =>
  `uid-of-${kind}-${namespace}-${name}`;

const groupVersions: Readonly<Record<string, string>> = {
  ReplicationController: 'v1',
  Pod: 'v1',
  Node: 'v1',
  Job: 'batch/v1',
  CronJob: 'batch/v1',
  Workflow: 'argoproj.io/v1alpha1',
  WorkflowTemplate: 'argoproj.io/v1alpha1',
  CronWorkflow: 'argoproj.io/v1alpha1',
  Rollout: 'argoproj.io/v1alpha1',
  Revision: 'serving.knative.dev/v1',
  Configuration: 'serving.knative.dev/v1',
  Service: 'serving.knative.dev/v1',
  SparkApplication: 'sparkoperator.k8s.io/v1beta2',
  CloneSet: 'apps.kruise.io/v1beta1',
};

/** The owner reference of a controller, for kinds of `apps/v1` and those that the tests need besides. */
export const ownedBy = (kind: string, name: string, namespace = 'shop'): OwnerReference => ({
  apiVersion: groupVersions[kind] ?? 'apps/v1',
  kind,
  name,
  uid: uidOf(kind, name, namespace),
  controller: true,
});

/** What a test says about a pod; times are milliseconds since 1970. */
export interface PodWishes {
  readonly name?: string;
  readonly namespace?: string;
  readonly uid?: string;
  readonly labels?: Record<string, string>;
  /** Besides the spot strategy; `undefined` takes one away. */
  readonly annotations?: Record<string, string | undefined>;
  /** `undefined` makes it a bare pod. */
  readonly owner?: OwnerReference | undefined;
  readonly createdAtMs?: number;
  readonly deletion?: { readonly atMs: number; readonly graceSeconds: number };
  readonly finalizers?: readonly string[];
  readonly graceSeconds?: number;
  readonly nodeName?: string;
  readonly phase?: 'Pending' | 'Running' | 'Succeeded' | 'Failed';
  readonly reason?: string;
  /** The text beside the reason. */
  readonly message?: string;
  readonly ready?: boolean;
  readonly readyAtMs?: number;
  readonly conditions?: readonly PodCondition[];
}

/** A pod as the API server hands it out: `shop/web-1` of ReplicaSet `web-abc`, on spot capacity, Running and Ready. */
export const aPod = (wishes: PodWishes = {}): RawPod => {
  const { name = 'web-1', namespace = 'shop', phase = 'Running', createdAtMs = noonMs } = wishes;
  const { ready = phase === 'Running', deletion, nodeName = 'virtual-kubelet-cn-hangzhou-h' } = wishes;
  const owner = 'owner' in wishes ? wishes.owner : ownedBy('ReplicaSet', 'web-abc', namespace);
  // Through JSON, as every pod comes: it knows no `undefined`.
  return JSON.parse(
    JSON.stringify({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: {
        name,
        namespace,
        uid: wishes.uid ?? uidOf('Pod', name, namespace),
        resourceVersion: '1',
        labels: { app: 'web', ...wishes.labels },
        annotations: { [eciAnnotations.spotStrategy]: 'SpotAsPriceGo', ...wishes.annotations },
        ...(owner && { ownerReferences: [owner] }),
        finalizers: wishes.finalizers,
        creationTimestamp: apiTime(createdAtMs),
        ...(deletion && {
          deletionTimestamp: apiTime(deletion.atMs + deletion.graceSeconds * 1000),
          deletionGracePeriodSeconds: deletion.graceSeconds,
        }),
      },
      spec: { nodeName, terminationGracePeriodSeconds: wishes.graceSeconds ?? 30, containers: [] },
      status: {
        phase,
        reason: wishes.reason,
        message: wishes.message,
        conditions: [
          {
            type: 'Ready',
            status: ready ? 'True' : 'False',
            lastTransitionTime: apiTime(wishes.readyAtMs ?? createdAtMs),
          },
          ...(wishes.conditions ?? []),
        ],
      },
    }),
  );
};

/** The world's record of such a pod. */
export const aKnownPod = (wishes: PodWishes = {}): Pod => trimPod(aPod(wishes));

/** The condition by which the node says that ECI takes the instance back; without a time where the platform gives none. */
export const anExpiry = (atMs?: number, more: Partial<PodCondition> = {}): PodCondition => ({
  type: 'ContainerInstanceExpired',
  status: 'True',
  ...(atMs !== undefined && { lastTransitionTime: apiTime(atMs) }),
  ...more,
});

/** What a test says about an Event of the platform; times are milliseconds since 1970. */
export interface EventWishes {
  readonly name?: string;
  readonly pod?: string;
  readonly namespace?: string;
  /** `involvedObject.uid`; the pod's by default. */
  readonly uid?: string;
  readonly reason?: string;
  readonly message?: string;
  readonly firstAtMs?: number;
  readonly lastAtMs?: number;
}

/** The warning that `shop/web-1` is released in 3 minutes, seen once at noon. */
export const anEvent = (wishes: EventWishes = {}): Event => {
  const { pod = 'web-1', namespace = 'shop', reason = 'SpotToBeReleased', firstAtMs = noonMs } = wishes;
  const { name = `${pod}.${reason}`, uid = uidOf('Pod', pod, namespace) } = wishes;
  return {
    metadata: {
      name,
      namespace,
      uid: uidOf('Event', name, namespace),
      creationTimestamp: apiTime(firstAtMs),
    },
    involvedObject: { kind: 'Pod', namespace, name: pod, uid },
    type: 'Warning',
    reason,
    message: wishes.message ?? 'Spot ECI will be released in 3 minutes',
    firstTimestamp: apiTime(firstAtMs),
    lastTimestamp: apiTime(wishes.lastAtMs ?? firstAtMs),
    count: 1,
  };
};

/** The world's record of such an Event. */
export const aKnownEvent = (wishes: EventWishes = {}): PlatformEvent => trimEvent(anEvent(wishes));
