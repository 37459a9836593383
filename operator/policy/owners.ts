import { type Controller, groupOf } from '../world/object.ts';
import type { WorkloadReference } from '../world/interruption.ts';
import type { View } from '../world/view.ts';
import type { Labels } from './selector.ts';

/** What a pod says about itself, at admission or later. */
export interface Subject {
  readonly namespace: string;
  readonly labels: Labels;
  readonly controller: Controller | undefined;
}

/**
 * The controllers of a pod from the nearest to the top-level workload; empty for a bare pod.
 *
 * A controller the world has not seen yet (a pod is often created milliseconds after its owner) is completed from
 * what the systems themselves write: a ReplicaSet is named `<deployment>-<pod-template-hash>`, a CronJob's Job
 * `<cronjob>-<minutes>`. A reference found that way has an empty UID.
 */
export const ownerChain = (view: View, subject: Subject): readonly WorkloadReference[] => {
  const chain: WorkloadReference[] = [];
  let controller = subject.controller;
  // A chain is as long as its references: eight is more than any system writes, and ends a circle.
  while (controller && chain.length < 8) {
    chain.push(referenceTo(subject.namespace, controller));
    const known = view.workload(controller);
    controller = known ? known.controller : guessOwner(controller, subject.labels);
  }
  return chain;
};

const referenceTo = (namespace: string, { apiVersion, kind, name, uid }: Controller): WorkloadReference => ({
  group: groupOf(apiVersion),
  kind,
  namespace,
  name,
  uid,
});

const guessOwner = ({ apiVersion, kind, name }: Controller, labels: Labels): Controller | undefined => {
  const hash = labels['pod-template-hash'];
  if (kind === 'ReplicaSet' && groupOf(apiVersion) === 'apps' && hash && name.endsWith(`-${hash}`)) {
    return { apiVersion: 'apps/v1', kind: 'Deployment', name: name.slice(0, -hash.length - 1), uid: '' };
  }
  // The CronJob controller names its Jobs by the scheduled minute since the epoch, eight digits until 2160.
  const cronJob =
    kind === 'Job' && groupOf(apiVersion) === 'batch' ? /^(.+)-\d{8}$/.exec(name)?.[1] : undefined;
  return cronJob ? { apiVersion: 'batch/v1', kind: 'CronJob', name: cronJob, uid: '' } : undefined;
};

/** The workload a user would name: the last of the chain; undefined for a bare pod. */
export const topWorkload = (chain: readonly WorkloadReference[]): WorkloadReference | undefined =>
  chain.at(-1);

/** Kinds whose pods belong to one node and are never ECI instances: the owner of a static pod is its Node. */
export const nodeBoundKinds = ['DaemonSet', 'Node'] as const;

/** Whether a pod goes wherever its node goes, and so is none of ours. */
export const isBoundToNode = ({ controller }: Pick<Subject, 'controller'>): boolean =>
  nodeBoundKinds.some((kind) => kind === controller?.kind);
