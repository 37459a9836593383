import type { Job, PodFailurePolicyRule } from 'kubernetes-types/batch/v1.d.ts';
import { instantMs } from './object.ts';

/** That a Job has failed. */
export interface JobFailure {
  /** When its controller decided so, in milliseconds since the epoch, cut to the second; undefined where that is not said. */
  readonly atMs: number | undefined;
  /** The Job's own words. */
  readonly message: string;
}

/** Why a Job fails when it loses one more pod, by how it loses it; undefined where it goes on. */
export interface LastPod {
  /** By an eviction. */
  readonly evicted: string | undefined;
  /** By the reclaim. */
  readonly released: string | undefined;
}

/** How a Job takes the loss of a pod. */
export interface JobFailures {
  readonly failure: JobFailure | undefined;
  /** Its podFailurePolicy ignores DisruptionTarget: an eviction is not charged to it. */
  readonly ignoresDisruption: boolean;
  readonly lastPod: LastPod;
  /** Likewise for a pod whose index has used up its own retries. */
  readonly lastPodOfIndex: LastPod;
  /** How often each index is tried again; undefined where all share the limit of the Job. */
  readonly retriesPerIndex: number | undefined;
  /** Indexes that it has given up for good, as its status lists them: `1,3-5`; known only with `backoffLimitPerIndex`. */
  readonly failedIndexes: string;
}

/** What a Job without failures and without limits makes of the loss of a pod. */
export const noJobFailures: JobFailures = {
  failure: undefined,
  ignoresDisruption: false,
  lastPod: { evicted: undefined, released: undefined },
  lastPodOfIndex: { evicted: undefined, released: undefined },
  retriesPerIndex: undefined,
  failedIndexes: '',
};

// What a container that does not handle SIGTERM exits with, and one that is cut off.
const terminated = 143;
const killed = 137;

/** How a Job takes the loss of a pod, by its status, its limits and the rules of its podFailurePolicy in their order. */
export const jobFailuresOf = ({ spec, status }: Job): JobFailures => {
  const rules = spec?.podFailurePolicy?.rules ?? [];
  // The API server fills in a limit: 6, or none where each index has its own.
  const { backoffLimit = 6, backoffLimitPerIndex, maxFailedIndexes } = spec ?? {};
  const usedUp =
    (status?.failed ?? 0) >= backoffLimit ? `its backoffLimit of ${backoffLimit} is used up` : undefined;
  const noIndexLeft =
    maxFailedIndexes !== undefined && countListed(status?.failedIndexes) >= maxFailedIndexes
      ? `its maxFailedIndexes of ${maxFailedIndexes} is used up`
      : undefined;
  const because = (loss: Loss, isIndexSpent: boolean): string | undefined => {
    const action = rules.find((rule) => matches(rule, loss))?.action;
    if (action === 'FailJob') return 'its podFailurePolicy fails it';
    if (action === 'Ignore') return undefined;
    if (action === 'FailIndex') return noIndexLeft;
    return usedUp ?? (isIndexSpent ? noIndexLeft : undefined);
  };
  const lastPod = (isIndexSpent: boolean): LastPod => ({
    evicted: because(
      { conditions: ['DisruptionTarget', 'ContainerInstanceExpired'], exitCode: terminated },
      isIndexSpent,
    ),
    released: because({ conditions: ['ContainerInstanceExpired'], exitCode: killed }, isIndexSpent),
  });
  return {
    failure: failureIn(status),
    failedIndexes: status?.failedIndexes ?? '',
    ignoresDisruption:
      rules.find((rule) => matches(rule, { conditions: ['DisruptionTarget'], exitCode: undefined }))
        ?.action === 'Ignore',
    lastPod: lastPod(false),
    lastPodOfIndex: lastPod(true),
    retriesPerIndex: backoffLimitPerIndex,
  };
};

// As in `1,3-5`.
const countListed = (indexes = ''): number =>
  indexes
    .split(',')
    .filter(Boolean)
    .map((range) => range.split('-').map(Number))
    .reduce((sum, [first = 0, last = first]) => sum + last - first + 1, 0);

// FailureTarget comes first; Failed follows when the last pod has ended, and repeats its words.
const failureIn = (status: Job['status']): JobFailure | undefined => {
  const conditions = status?.conditions ?? [];
  const failed = ['FailureTarget', 'Failed'].flatMap((type) =>
    conditions.filter((condition) => condition.type === type && condition.status === 'True'),
  )[0];
  // Its time was up: no pod that it lost decides that.
  if (!failed || failed.reason === 'DeadlineExceeded') return undefined;
  return { atMs: instantMs(failed.lastTransitionTime), message: failed.message ?? '' };
};

/** What a rule sees of a lost pod. */
interface Loss {
  /** Types of its conditions that are True. */
  readonly conditions: readonly string[];
  /** What its containers exit with where they do not choose themselves; undefined leaves exit codes out. */
  readonly exitCode: number | undefined;
}

const matches = (
  { onPodConditions = [], onExitCodes }: PodFailurePolicyRule,
  { conditions, exitCode }: Loss,
): boolean => {
  if (onExitCodes)
    return (
      exitCode !== undefined && onExitCodes.values.includes(exitCode) === (onExitCodes.operator === 'In')
    );
  return onPodConditions.some(
    ({ type, status }) => (status ?? 'True') === 'True' && conditions.includes(type),
  );
};
