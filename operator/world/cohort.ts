import { ourAnnotations } from '../api/keys.ts';
import { objectKey, type Owned } from './object.ts';

/** What tells to which cohort a pod belongs. */
export interface Member extends Owned {
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
}

// Of workloads that create pods of several revisions themselves: StatefulSet, CloneSet and their like.
const revisionLabel = 'controller-revision-hash';

/**
 * The key of the pods among which a policy divides spot and on demand: those of one revision of one workload, which for a
 * Deployment are those of one ReplicaSet. Pods that nobody controls count together by namespace and policy.
 */
export const cohortOf = ({ namespace, labels, controller }: Member, policy: string): string =>
  controller ? `${objectKey(controller)}/${labels[revisionLabel] ?? ''}` : `${namespace}/${policy}`;

/** What tells one admission from any other; undefined for a pod that carries no stamp of ours. */
export const nonceOf = (annotations: Readonly<Record<string, string>>): string | undefined =>
  annotations[ourAnnotations.admission]?.split('.')[0] || undefined;
