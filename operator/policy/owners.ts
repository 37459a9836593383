import type { WorkloadReference } from '../world/interruption.ts';
import { isNodeBound, objectKey, type ObjectKey, type Owned } from '../world/object.ts';
import type { View } from '../world/view.ts';
import { guessOwner } from './guess-owner.ts';
import type { Labels } from './selector.ts';

/** What a pod says about itself, at admission or later. */
export interface Subject extends Owned {
  readonly namespace: string;
  readonly labels: Labels;
}

// A chain is as long as its references: eight is more than any system writes, and ends a circle.
const longestChain = 8;

/**
 * The controllers of a pod from the nearest to the top-level workload; empty for a bare pod.
 *
 * A controller the world has not seen yet (a pod is often created milliseconds after its owner), or may not see, is
 * completed from the names and labels that the systems themselves write. A reference found that way has an empty UID.
 */
export const ownerChain = (view: View, subject: Subject): readonly WorkloadReference[] => {
  const chain: WorkloadReference[] = [];
  let controller = subject.controller;
  while (controller && chain.length < longestChain) {
    chain.push(controller);
    const known = view.owner(controller);
    controller = known ? known.controller : guessOwner(controller, subject.labels);
  }
  return chain;
};

/** What an object controls, and what that controls: all whose chain of owners leads through it. */
export function* ownedBelow(
  view: View,
  owner: ObjectKey,
  depth = longestChain,
): Generator<ObjectKey & { readonly name: string }, void, undefined> {
  if (depth === 0) return;
  const key = objectKey(owner);
  const pods = [...view.pods.group('controller', key)].map(({ namespace, name, uid }) => ({
    ...{ namespace, group: '', kind: 'Pod', name, uid },
  }));
  for (const each of [...pods, ...view.controlledBy(key)]) {
    yield each;
    yield* ownedBelow(view, each, depth - 1);
  }
}

/**
 * Whether a pod drives a Spark application, whose end is the application's end: by its label, where its controller is an
 * application or none. The Spark operator adds the reference by a webhook, perhaps after ours, and `spark-submit` none.
 */
export const isSparkDriver = ({ labels, controller }: Pick<Subject, 'labels' | 'controller'>): boolean =>
  labels['spark-role'] === 'driver' &&
  (!controller || (controller.kind === 'SparkApplication' && controller.group === 'sparkoperator.k8s.io'));

/** The workload a user would name: the last of the chain; undefined for a bare pod. */
export const topWorkload = (chain: readonly WorkloadReference[]): WorkloadReference | undefined =>
  chain.at(-1);

/** Whether a pod goes wherever its node goes, and so is none of ours. */
export const isBoundToNode = ({ controller }: Pick<Subject, 'controller'>): boolean =>
  controller !== undefined && isNodeBound(controller);
