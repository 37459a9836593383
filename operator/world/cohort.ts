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

// The Job controller numbers them, and their number alone decides.
const completionIndex = 'batch.kubernetes.io/job-completion-index';

/**
 * Whether a pod is counted among those of its controller alone. Pods that come to an end are not, as of a Job with one pod no
 * share is left; but the executors of one Spark driver are, and the pods that a Job numbers.
 */
export const isCountedByController = ({ controller, restarts, labels }: Member): boolean =>
  controller !== undefined && (restarts || controller.kind === 'Pod' || completionIndex in labels);

/**
 * The key of the pods among which a policy divides spot and on demand: those of one revision of one workload, which for a
 * Deployment are those of one ReplicaSet. Pods that come to an end count with those of the same schedule, a CronJob or a
 * CronWorkflow, and without one by namespace and policy. So do pods that nobody controls.
 */
export const cohortOf = (member: Member, policy: string): string => {
  const { namespace, labels, controller } = member;
  if (controller && isCountedByController(member))
    return `${objectKey(controller)}/${labels[revisionLabel] ?? ''}`;
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
