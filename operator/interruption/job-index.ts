import { indexOf } from '../policy/distribution.ts';
import type { Interruption } from '../world/interruption.ts';
import { isOfKind } from '../world/objects.ts';
import type { Pod } from '../world/pod.ts';
import type { View } from '../world/view.ts';

/** The completion index of a doomed pod of an Indexed Job; undefined for any other pod. */
export const jobIndexOf = (
  view: View,
  { uid, name, workload }: Pick<Interruption, 'uid' | 'name' | 'workload'>,
): number | undefined => {
  if (!workload || !isOfKind(workload, 'Job')) return undefined;
  const pod = view.pods.byUid(uid);
  return pod ? indexOf(view, pod) : indexIn(name, workload.name);
};

// With a pod its labels are gone. The Job controller names it `<job>-<index>-<five random characters>` and cuts the Job's
// name where the whole would exceed 63 (podGenerateNameWithIndex in pkg/controller/job/indexed_job_utils.go).
const indexIn = (name: string, job: string): number | undefined => {
  const [, base, index] = /^(.*)-(\d+)-[a-z0-9]{5}$/.exec(name) ?? [];
  if (base === undefined || index === undefined) return undefined;
  return base === job || (name.length === 63 && job.startsWith(base)) ? Number(index) : undefined;
};

/** Whether a pod may do the work of a doomed one as far as indexes go: only the same index replaces an index. */
export const isOfIndex = (view: View, pod: Pod, index: number | undefined): boolean => {
  const own = index === undefined ? undefined : indexOf(view, pod);
  return own === undefined || own === index;
};

/** Whether a list of indexes as the status of a Job has it, such as `1,3-5` or none at all, names this one. */
export const isListed = (list: string, index: number): boolean =>
  list !== '' &&
  list.split(',').some((range) => {
    const [first = Number.NaN, last = first] = range.split('-').map(Number);
    return first <= index && index <= last;
  });
