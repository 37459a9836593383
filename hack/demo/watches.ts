import type { Pod } from 'kubernetes-types/core/v1.js';
import type { PodDisruptionBudget } from 'kubernetes-types/policy/v1.js';
import { concat, filter, map, merge, type Observable, throwError } from 'rxjs';
import type { SpotPolicyObject } from '../../operator/api/index.ts';
import type { RestClient } from '../cluster/client.ts';
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

  const watch$ = <T>(path: string, tell: (object: T, gone: boolean) => readonly Step[]) =>
    concat(
      admin.watch$<T & Named>(path),
      throwError(() => new Error(`watching ${path}: the API server ended the watch`)),
    ).pipe(
      filter(({ object }) => namespaces.includes(object.metadata?.namespace ?? '')),
      map(({ object, type }) => tell(object, type === 'DELETED')),
    );

  const policySteps$ = watch$<SpotPolicyObject>('/apis/spotpolicy.dev/v1alpha1/spotpolicies', (policy) => {
    const steps = stepsOfPolicy(policies.get(policy.metadata.uid), policy);
    policies.set(policy.metadata.uid, policy);
    for (const { uid, phase, message = '' } of policy.status?.interruptions ?? [])
      if (phase === 'Blocked' && !blocked.has(uid)) blocked.set(uid, message);
    return steps;
  });
  const podSteps$ = watch$<Pod>('/api/v1/pods', (pod, gone) => {
    const uid = pod.metadata?.uid ?? '';
    const steps = gone ? stepsOfPod(pod, undefined) : stepsOfPod(pods.get(uid), pod);
    if (gone) pods.delete(uid);
    else pods.set(uid, pod);
    return steps;
  });
  const budgetSteps$ = watch$<PodDisruptionBudget>('/apis/policy/v1/poddisruptionbudgets', (budget) => {
    noteBudget(budgets, budget);
    return [];
  });
  return {
    steps$: merge(policySteps$, podSteps$, budgetSteps$),
    witnessed: { policies, pods, budgets, blocked },
  };
};

type Named = { readonly metadata?: { readonly namespace?: string } };

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
