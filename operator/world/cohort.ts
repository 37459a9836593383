import { ourAnnotations } from '../api/keys.ts';
import { objectKey, type Owned } from './object.ts';

/** What tells to which cohort a pod belongs. */
export interface Member extends Owned {
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
  /** It is started again whenever it ends, so its controller lives as long as it is wanted. */
  readonly restarts: boolean;
}

// Of workloads that create pods of several revisions themselves: StatefulSet, CloneSet and their like.
const revisionLabel = 'controller-revision-hash';

/**
 * The key of the pods among which a policy divides spot and on demand: those of one revision of one workload, which for a
 * Deployment are those of one ReplicaSet. Pods that come to an end count with those of the same schedule, a CronJob or a
 * CronWorkflow, and without one by namespace and policy: of a Job with one pod no share is left by itself. So do pods that
 * nobody controls.
 */
export const cohortOf = ({ namespace, labels, controller, restarts }: Member, policy: string): string => {
  if (controller && restarts) return `${objectKey(controller)}/${labels[revisionLabel] ?? ''}`;
  const schedule = controller && scheduleOf(controller.name);
  return schedule
    ? `${namespace}/${controller.group}/${controller.kind}/${schedule}`
    : `${namespace}/${policy}`;
};

// Both name what they make after themselves and a time: minutes since the epoch, or seconds.
const scheduleOf = (name: string): string | undefined => /^(.+)-(?:\d{8}|\d{10})$/.exec(name)?.[1];

/** What tells one admission from any other; undefined for a pod that carries no stamp of ours. */
export const nonceOf = (annotations: Readonly<Record<string, string>>): string | undefined =>
  annotations[ourAnnotations.admission]?.split('.')[0] || undefined;
