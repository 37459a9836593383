import type { Plan, Settings, WorkloadReference } from '../world/interruption.ts';

/** What a plan depends on. */
export interface PlanInput {
  /** From the nearest controller to the top-level workload. */
  readonly chain: readonly WorkloadReference[];
  readonly settings: Settings;
  /** The Job's podFailurePolicy ignores DisruptionTarget. */
  readonly ignoresDisruption: boolean;
  readonly mirror: boolean;
  /** Its user asked the virtual node to evict it (`api-evict`). */
  readonly evictedByNode: boolean;
}

const atOnce = (because: string): Plan => ({ when: 'AtOnce', because, charged: false });
const never = (because: string): Plan => ({ when: 'Never', because, charged: false });

/** When a doomed pod is evicted, by who owns it and who else evicts it. */
export const planEviction = (input: PlanInput): Plan => {
  const plan = planByOwner(input);
  // Two evictions of one pod would ask its budget twice.
  return input.evictedByNode && plan.when !== 'Never'
    ? { ...plan, when: 'ByNode', because: 'its virtual node evicts it (api-evict)' }
    : plan;
};

const planByOwner = ({ chain, settings, ignoresDisruption, mirror }: PlanInput): Plan => {
  if (settings.evictor === 'None') return never('the policy leaves evictions to others (evictor: None)');
  const owner = chain[0];
  if (mirror || owner?.kind === 'Node') return never('a static pod belongs to its node');
  if (!owner) return unhurried(settings, 'no controller will recreate it', false);
  switch (`${owner.group}/${owner.kind}`) {
    case 'apps/DaemonSet':
      return never('a DaemonSet pod goes with its node');
    case 'batch/Job':
      return unhurried(settings, 'it runs to completion', true, ignoresDisruption);
    case 'argoproj.io/Workflow':
      return settings.jobPods === 'Immediately'
        ? atOnce('the policy evicts workflow pods immediately')
        : never('Argo retries a pod that failed, and by default not one that was deleted');
    case 'sparkoperator.k8s.io/SparkApplication':
      return unhurried(settings, 'it is a Spark driver', false);
    case '/Pod':
      return atOnce('the pod that owns it, such as a Spark driver, starts another');
    default:
      return atOnce(`its ${owner.kind} recreates it`);
  }
};

// Pods that would lose work, or that nothing recreates, may use the time they have left.
const unhurried = (settings: Settings, what: string, isJob: boolean, ignoresDisruption = false): Plan => {
  const charged = isJob && ignoresDisruption;
  switch (settings.jobPods) {
    case 'AtDeadline':
      return { when: 'Late', because: `${what} and may use the time it has left`, charged };
    case 'Immediately':
      return { when: 'AtOnce', because: `${what}, and the policy evicts such pods immediately`, charged };
    case 'Never':
      return never(`${what}, and the policy leaves such pods to the reclaim (jobPods: Never)`);
  }
};
