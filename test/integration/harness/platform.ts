import type { Event, Pod } from 'kubernetes-types/core/v1.js';
import type { Access } from '../../../hack/cluster/access.ts';
import { RestError } from '../../../hack/cluster/client.ts';
import { waitFor } from './cluster.ts';
import { create, pathTo } from './objects.ts';
import { sim } from './pods.ts';

/** A notice that leaves little time, so that a test need not wait for whole minutes. */
export interface NoticeOptions {
  /** Seconds from now until ECI takes the pod; its deadline is then a whole second. */
  readonly leftSeconds: number;
  /** The text in place of ECI's own. */
  readonly text?: string;
}

/** What a notice comes to, in milliseconds since the epoch. */
export interface Times {
  readonly noticedAtMs: number;
  readonly deadlineMs: number;
}

const defaultMinutes = 3;

// An Event may come late: part of its window has passed.
const timesOfEvent = ({ leftSeconds }: NoticeOptions): Times => {
  const deadlineMs = Math.ceil(Date.now() / 1000 + leftSeconds) * 1000;
  return { noticedAtMs: deadlineMs - defaultMinutes * 60_000, deadlineMs };
};

// A condition counts from when it appears, so its text names the short window. The API has whole seconds.
const timesOfCondition = ({ leftSeconds }: NoticeOptions): Times => {
  const noticedAtMs = Math.floor(Date.now() / 1000) * 1000;
  return { noticedAtMs, deadlineMs: noticedAtMs + leftSeconds * 1000 };
};

const textOf = (minutes: number): string => `Spot ECI will be released in ${minutes} minutes`;

/** The times as the API server writes them, in whole seconds. */
const apiTime = (ms: number): string => new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z');

/**
 * Plays the virtual node: writes the condition ContainerInstanceExpired on a pod, and lets the simulated ECI take the
 * pod at the deadline. `status` is the condition's as the platform may spell it.
 */
export const warn = async (
  admin: Access['admin'],
  pod: Pod,
  notice: NoticeOptions & { status?: string },
): Promise<Times> => {
  const { namespace = '', name, uid } = pod.metadata ?? {};
  const path = pathTo('Pod', namespace, name);
  // The condition may be written in the next second.
  const releasedAt = new Date(timesOfCondition(notice).deadlineMs + 1_000).toISOString();
  await admin.patch(path, { metadata: { uid, annotations: sim({ 'released-at': releasedAt }) } });
  const times = timesOfCondition(notice);
  const condition = {
    type: 'ContainerInstanceExpired',
    status: notice.status ?? 'True',
    reason: 'SpotToBeReleased',
    message: notice.text ?? textOf(notice.leftSeconds / 60),
    lastTransitionTime: apiTime(times.noticedAtMs),
  };
  await admin.patch(
    `${path}/status`,
    { metadata: { uid }, status: { conditions: [condition] } },
    'strategic',
  );
  return times;
};

/** Lets the simulated ECI take a pod now, without a word before; resolves when it is Failed. */
export const release = async (admin: Access['admin'], pod: Pod): Promise<void> => {
  const { namespace = '', name, uid } = pod.metadata ?? {};
  const path = pathTo('Pod', namespace, name);
  await admin.patch(path, {
    metadata: { uid, annotations: sim({ 'released-at': new Date().toISOString() }) },
  });
  await waitFor(`pod ${name} to be taken`, () => isTaken(admin, path));
};

const isTaken = async (admin: Access['admin'], path: string): Promise<boolean> => {
  try {
    return (await admin.get<Pod>(path)).status?.phase === 'Failed';
  } catch (error) {
    // The operator may have removed it by now.
    if (error instanceof RestError && error.status === 404) return true;
    throw error;
  }
};

/** The Event SpotToBeReleased about a pod as ECI writes it; `uid` is what it names instead of the pod's own. */
export const noticeEvent = (
  { metadata }: Pod,
  notice: NoticeOptions & { uid?: string },
): { event: Event; times: Times } => {
  const times = timesOfEvent(notice);
  const { namespace = '', name = '', uid = '' } = metadata ?? {};
  const event: Event = {
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { generateName: `${name}.`, namespace },
    involvedObject: { apiVersion: 'v1', kind: 'Pod', namespace, name, uid: notice.uid ?? uid },
    type: 'Warning',
    reason: 'SpotToBeReleased',
    message: notice.text ?? textOf(defaultMinutes),
    source: { component: 'kubelet', host: 'eci' },
    firstTimestamp: apiTime(times.noticedAtMs),
    lastTimestamp: apiTime(times.noticedAtMs),
    count: 1,
  };
  return { event, times };
};

/** Announces a reclaim by Event alone, as ack-virtual-node below 2.11.0 does; nobody takes the pod. */
export const announce = async (
  admin: Access['admin'],
  pod: Pod,
  notice: NoticeOptions & { uid?: string },
): Promise<Times & { name: string }> => {
  const { event, times } = noticeEvent(pod, notice);
  const { metadata } = await create(admin, pod.metadata?.namespace ?? '', event);
  return { ...times, name: metadata.name ?? '' };
};
