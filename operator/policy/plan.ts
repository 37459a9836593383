import type { EffectiveSpec } from '../api/index.ts';
import type { Plan, Settings, WorkloadReference } from '../world/interruption.ts';
import { type Controller, isNodeBound } from '../world/object.ts';
import type { Pod } from '../world/pod.ts';

/** What a plan depends on. */
export interface PlanInput {
  /** From the nearest controller to the top-level workload. */
  readonly chain: readonly WorkloadReference[];
  readonly settings: Settings;
  /** The Job's podFailurePolicy ignores DisruptionTarget. */
  readonly ignoresDisruption: boolean;
  readonly mirror: boolean;
  /** Its containers are started again whenever they end. */
  readonly restarts: boolean;
  readonly step: Pod['step'];
  /** Its user asked the virtual node to evict it (`api-evict`). */
  readonly evictedByNode: boolean;
}

const atOnce = (because: string): Plan => ({ when: 'AtOnce', because, charged: false });
const never = (because: string): Plan => ({ when: 'Never', because, charged: false });

/** When a doomed pod is evicted, by who owns it and who else evicts it. */
export const planEviction = ({
  chain,
  settings,
  ignoresDisruption,
  mirror,
  restarts,
  step,
  evictedByNode,
}: PlanInput): Plan => {
  if (settings.evictor === 'None') return never('the policy leaves evictions to others (evictor: None)');
  if (mirror) return never('a static pod belongs to its node');
  const plan = planByOwner(chain[0], { settings, ignoresDisruption, restarts, step });
  if (plan.when === 'Never')
    return evictedByNode
      ? never(`${plan.because}; its virtual node evicts it all the same (api-evict)`)
      : plan;
  // Two evictions of one pod would ask its budget twice.
  if (evictedByNode) return { ...plan, when: 'ByNode', because: 'its virtual node evicts it (api-evict)' };
  return settings.evictor === 'VirtualNode' && plan.when === 'AtOnce'
    ? {
        ...plan,
        when: 'ByNode',
        because: 'the policy leaves it to its virtual node, which it does not ask (no api-evict)',
      }
    : plan;
};

/**
 * Whether a pod is to ask its virtual node for its eviction. It evicts on the warning: too early for pods that may use
 * the time they have left.
 */
export const asksNode = (
  { interruption: settings }: EffectiveSpec,
  { controller, restarts }: Planned,
): boolean => {
  const how = { settings, restarts, ignoresDisruption: false, step: undefined };
  return settings.evictor === 'VirtualNode' && planByOwner(controller, how).when === 'AtOnce';
};

/** The traits of a pod that decide when it is evicted, before it is doomed. */
export interface Planned extends Pick<PlanInput, 'restarts'> {
  readonly controller: Controller | undefined;
}

interface How extends Pick<PlanInput, 'restarts' | 'ignoresDisruption' | 'step'> {
  readonly settings: Pick<Settings, 'jobPods'>;
}

const planByOwner = (
  owner: Pick<WorkloadReference, 'group' | 'kind'> | undefined,
  { settings, ignoresDisruption, restarts, step }: How,
): Plan => {
  if (owner && isNodeBound(owner))
    return never(
      owner.kind === 'Node' ? 'a static pod belongs to its node' : 'a DaemonSet pod goes with its node',
    );
  if (!owner) return unhurried(settings, 'no controller will recreate it', false);
  switch (`${owner.group}/${owner.kind}`) {
    case 'batch/Job':
    // No pod's own controller, but its template makes pods of Jobs; so do the last two below of Workflows.
    case 'batch/CronJob':
      return unhurried(settings, 'it runs to completion', true, ignoresDisruption);
    case 'argoproj.io/Workflow':
    case 'argoproj.io/WorkflowTemplate':
    case 'argoproj.io/CronWorkflow':
      return planOfStep(settings, step);
    case 'sparkoperator.k8s.io/SparkApplication':
      return unhurried(
        settings,
        'it is a Spark driver, whose application its restartPolicy may run again,',
        false,
      );
    case '/Pod':
      return atOnce('the pod that owns it, such as a Spark driver, starts another');
    default:
      return restarts
        ? atOnce(`its ${owner.kind} recreates it`)
        : unhurried(settings, `its ${owner.kind} lets it run to completion`, false);
  }
};

// Argo takes a released pod for Failed, and a deleted one for an Error unless it reads it to its end.
const planOfStep = (settings: Pick<Settings, 'jobPods'>, step: Pod['step']): Plan => {
  if (settings.jobPods === 'Immediately') return atOnce('the policy evicts workflow pods immediately');
  const { retries, isReadToTheEnd } = step ?? {};
  if (retries === undefined) return never('what Argo retries of it is not known');
  if (retries === null) return never('its template has no retryStrategy');
  const by = `(retryPolicy ${retries})`;
  if (retries === 'OnFailure' || retries === 'Always')
    return isReadToTheEnd
      ? unhurried(settings, `Argo retries it, evicted or released ${by},`, false)
      : never(`Argo retries a pod that ECI released ${by}`);
  return retries === 'OnError' && !isReadToTheEnd
    ? unhurried(settings, `Argo retries it only where it is evicted ${by},`, false)
    : never(`Argo does not retry a pod that has failed ${by}`);
};

// Pods that would lose work, or that nothing recreates, may use the time they have left.
const unhurried = (
  settings: Pick<Settings, 'jobPods'>,
  what: string,
  isJob: boolean,
  ignoresDisruption = false,
): Plan => {
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
