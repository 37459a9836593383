import type { Pod } from 'kubernetes-types/core/v1.js';
import type { PodDisruptionBudget } from 'kubernetes-types/policy/v1.js';
import { concat, filter, map, merge, type MonoTypeOperatorFunction, type Observable, throwError } from 'rxjs';
import type { SpotPolicyObject } from '../../operator/api/index.ts';
import type { RestClient, WatchEvent } from '../cluster/client.ts';
import { type Step, stepsOfPod, stepsOfPolicy } from './timeline.ts';

/** How far a budget was drawn upon, over every version of its status that a watch saw. */
export interface BudgetFigures {
  readonly lowestHealthy: number;
  readonly needed: number;
  readonly versions: number;
}

/** What the watches have seen so far. */
export interface Witnessed {
  /** The policies and pods that there are, by UID. */
  readonly policies: ReadonlyMap<string, SpotPolicyObject>;
  readonly pods: ReadonlyMap<string, Pod>;
  /** By `namespace/name`. */
  readonly budgets: ReadonlyMap<string, BudgetFigures>;
  /** By the UID of the pod that waited: the first reason that the status gave. */
  readonly blocked: ReadonlyMap<string, string>;
}

/** Watches policies, pods and budgets from their present state on; emits what each change tells, errors when a watch ends. */
export const watchWorld = (
  admin: RestClient,
  namespaces: readonly string[],
): { steps$: Observable<readonly Step[]>; witnessed: Witnessed } => {
  const policies = new Map<string, SpotPolicyObject>();
  const pods = new Map<string, Pod>();
  const budgets = new Map<string, BudgetFigures>();
  const blocked = new Map<string, string>();

  const policySteps$ = admin.watch$<SpotPolicyObject>('/apis/spotpolicy.dev/v1alpha1/spotpolicies').pipe(
    within(namespaces),
    map(({ object: policy }) => {
      const steps = stepsOfPolicy(policies.get(policy.metadata.uid), policy);
      policies.set(policy.metadata.uid, policy);
      for (const { uid, phase, message = '' } of policy.status?.interruptions ?? [])
        if (phase === 'Blocked' && !blocked.has(uid)) blocked.set(uid, message);
      return steps;
    }),
  );
  const podSteps$ = admin.watch$<Pod>('/api/v1/pods').pipe(
    within(namespaces),
    map(({ object: pod, type }) => {
      const uid = pod.metadata?.uid ?? '';
      const steps = stepsOfPod(pods.get(uid), type === 'DELETED' ? undefined : pod);
      if (type === 'DELETED') pods.delete(uid);
      else pods.set(uid, pod);
      return steps;
    }),
  );
  const budgetSteps$ = admin.watch$<PodDisruptionBudget>('/apis/policy/v1/poddisruptionbudgets').pipe(
    within(namespaces),
    map(({ object }) => {
      noteBudget(budgets, object);
      return [];
    }),
  );
  return {
    steps$: merge(policySteps$, podSteps$, budgetSteps$),
    witnessed: { policies, pods, budgets, blocked },
  };
};

type Placed = { readonly metadata?: { readonly namespace?: string } };

/** The events about objects of some namespaces; a watch that ends is an error, for what it did not see was not judged. */
const within =
  <T extends Placed>(namespaces: readonly string[]): MonoTypeOperatorFunction<WatchEvent<T>> =>
  (watch$) =>
    concat(
      watch$,
      throwError(() => new Error('the API server ended a watch; this machine may be overloaded')),
    ).pipe(filter(({ object }) => namespaces.includes(object.metadata?.namespace ?? '')));

const noteBudget = (budgets: Map<string, BudgetFigures>, { metadata, status }: PodDisruptionBudget): void => {
  if (status === undefined) return;
  const key = `${metadata?.namespace}/${metadata?.name}`;
  const { lowestHealthy, versions } = budgets.get(key) ?? { lowestHealthy: Infinity, versions: 0 };
  budgets.set(key, {
    lowestHealthy: Math.min(lowestHealthy, status.currentHealthy),
    needed: status.desiredHealthy,
    versions: versions + 1,
  });
};
