import type { Pod } from 'kubernetes-types/core/v1.js';
import type { PodDisruptionBudget } from 'kubernetes-types/policy/v1.js';
import { concat, filter, map, merge, mergeMap, type Observable, share, tap, throwError } from 'rxjs';
import type { SpotPolicyObject } from '../../operator/api/index.ts';
import type { RestClient } from '../cluster/client.ts';
import { type Step, stepsOfPod, stepsOfPolicy } from './timeline.ts';

/** How far a budget was drawn upon, over every version of its status that a watch saw. */
export interface BudgetFigures {
  readonly lowestHealthy: number;
  readonly needed: number;
  readonly versions: number;
}

/** What only a watch can know, as far as it has seen. */
export interface Witnessed {
  readonly policies: ReadonlyMap<string, SpotPolicyObject>;
  /** By `namespace/name`. */
  readonly budgets: ReadonlyMap<string, BudgetFigures>;
  /** By the UID of the pod that waited: the first reason that the status gave. */
  readonly blocked: ReadonlyMap<string, string>;
}

type Change<T> = { readonly before: T | undefined; readonly after: T | undefined };

interface Named {
  readonly metadata?: { readonly name?: string; readonly namespace?: string; readonly uid?: string };
}

/** Every change of a collection's objects in some namespaces, their present state first; errors when the watch ends. */
const changes$ = <T extends Named>(
  admin: RestClient,
  path: string,
  namespaces: readonly string[],
): Observable<Change<T>> => {
  const known = new Map<string, T>();
  const ended = () => new Error(`watching ${path}: the API server ended the watch`);
  return concat(admin.watch$<T>(path), throwError(ended)).pipe(
    filter(({ object }) => namespaces.includes(object.metadata?.namespace ?? '')),
    map(({ type, object }) => {
      const uid = object.metadata?.uid ?? '';
      const before = known.get(uid);
      const after = type === 'DELETED' ? undefined : object;
      if (after) known.set(uid, after);
      else known.delete(uid);
      return { before: before ?? (after ? undefined : object), after };
    }),
  );
};

/** Watches policies, pods and budgets: what they tell, step by step, and what is witnessed on the way. */
export const watchWorld = (
  admin: RestClient,
  namespaces: readonly string[],
): { steps$: Observable<Step>; witnessed: Witnessed } => {
  const policies = new Map<string, SpotPolicyObject>();
  const budgets = new Map<string, BudgetFigures>();
  const blocked = new Map<string, string>();

  const policySteps$ = changes$<SpotPolicyObject>(
    admin,
    '/apis/spotpolicy.dev/v1alpha1/spotpolicies',
    namespaces,
  ).pipe(
    tap(({ after }) => {
      if (after === undefined) return;
      policies.set(after.metadata.uid, after);
      for (const { uid, phase, message } of after.status?.interruptions ?? [])
        if (phase === 'Blocked' && !blocked.has(uid)) blocked.set(uid, message ?? '');
    }),
    mergeMap(({ before, after }) => (after ? stepsOfPolicy(before, after) : [])),
  );
  const podSteps$ = changes$<Pod>(admin, '/api/v1/pods', namespaces).pipe(
    mergeMap(({ before, after }) => stepsOfPod(before, after)),
  );
  const budgetSteps$ = changes$<PodDisruptionBudget>(
    admin,
    '/apis/policy/v1/poddisruptionbudgets',
    namespaces,
  ).pipe(
    tap(({ after }) => after && noteBudget(budgets, after)),
    mergeMap((): Step[] => []),
  );
  return {
    steps$: merge(policySteps$, podSteps$, budgetSteps$).pipe(share()),
    witnessed: { policies, budgets, blocked },
  };
};

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
