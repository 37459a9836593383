import { specifiedDelete } from '../api/keys.ts';
import { isCloneSet } from '../world/clone-set.ts';
import { describe, type Interruption } from '../world/interruption.ts';
import { isOfKind } from '../world/objects.ts';

/** One thing worth telling about an interruption: a constant line for the log, a reason and a sentence for an Event. */
export interface EventStory {
  readonly type: 'Normal' | 'Warning';
  readonly reason:
    | 'SpotReclaimNoticed'
    | 'ReplacementStarted'
    | 'EvictionBlocked'
    | 'PodEvicted'
    | 'ReplacementReady'
    | 'DeadlineForced'
    | 'ReclaimMissed'
    | 'TerminationOverdue'
    | 'WorkloadFailed';
  readonly line: string;
  readonly message: string;
  readonly details: Readonly<Record<string, unknown>>;
}

/** What a step of an interruption gives to tell; usually nothing. */
export const tellStep = (before: Interruption | undefined, after: Interruption): readonly EventStory[] => {
  // One that begins counted was told of by an earlier leader.
  const earlier = before ?? (after.counted ? after : undefined);
  return stories.flatMap((story) =>
    story.holds(after) && !(earlier && story.holds(earlier)) ? [story.tell(after)] : [],
  );
};

interface Story {
  readonly holds: (interruption: Interruption) => boolean;
  readonly tell: (interruption: Interruption) => EventStory;
}

const stories: readonly Story[] = [
  {
    holds: () => true,
    tell: (interruption) => {
      const { deadlineMs, noticedAtMs, plan } = interruption;
      return {
        type: 'Warning',
        reason: 'SpotReclaimNoticed',
        line: 'reclaim noticed',
        message: `ECI takes the instance back at ${isoTime(deadlineMs)}; ${describePlan(interruption)}`,
        details: {
          deadline: isoTime(deadlineMs),
          windowSeconds: (deadlineMs - noticedAtMs) / 1000,
          plan: plan.when,
        },
      };
    },
  },
  {
    holds: ({ detached }) => detached !== undefined,
    tell: ({ detached }) => ({
      type: 'Normal',
      reason: 'ReplacementStarted',
      ...(detached?.origin
        ? {
            line: 'detached pod',
            message: `taken out of ReplicaSet ${detached.origin.name}, which starts another: it serves until that one is Ready`,
            details: { replicaSet: detached.origin.name },
          }
        : {
            line: 'labelled pod for its CloneSet',
            message: `labelled ${specifiedDelete}: its CloneSet replaces it as its maxUnavailable and maxSurge allow`,
            details: {},
          }),
    }),
  },
  {
    // Its replacement is Ready some milliseconds before its budget says so: nobody is held up until a call was refused.
    holds: ({ phase, detached, refusal }) =>
      phase === 'Blocked' && !(detached !== undefined && refusal && refusal.of === undefined),
    tell: (interruption) => ({
      type: 'Warning',
      reason: 'EvictionBlocked',
      line: 'eviction blocked',
      message: describe(interruption),
      details: { because: describe(interruption) },
    }),
  },
  {
    holds: ({ evictedAtMs, forced }) => evictedAtMs !== undefined && !forced,
    tell: ({ plainly }) => ({
      type: 'Normal',
      reason: 'PodEvicted',
      line: 'evicted pod',
      message: describe({ message: 'evicted before ECI takes the instance back', plainly }),
      details: plainly === undefined ? {} : { notReplacedFirst: plainly },
    }),
  },
  {
    holds: ({ forced }) => forced,
    tell: ({ message }) => ({
      type: 'Warning',
      reason: 'DeadlineForced',
      line: 'deleted pod at its deadline',
      message: `deleted gracefully in spite of its budget: ${message}`,
      details: { because: message },
    }),
  },
  {
    holds: ({ overdue = false }) => overdue,
    tell: ({ message }) => ({
      type: 'Warning',
      reason: 'TerminationOverdue',
      line: 'pod stays terminating',
      message,
      details: { because: message },
    }),
  },
  {
    holds: ({ outcome }) => outcome === 'Missed',
    tell: ({ refusal }) => ({
      type: 'Warning',
      reason: 'ReclaimMissed',
      line: 'reclaim missed',
      message: `ECI took the instance before the pod was evicted${refusal ? `: ${refusal.message}` : ''}`,
      details: { because: refusal?.message },
    }),
  },
  {
    holds: ({ outcome }) => outcome === 'WorkloadFailed',
    tell: ({ message, workload }) => ({
      type: 'Warning',
      reason: 'WorkloadFailed',
      line: 'workload failed',
      message: `lost to the reclaim: ${message}`,
      details: { workload: workload && `${workload.kind}/${workload.name}`, because: message },
    }),
  },
  {
    holds: ({ replacement }) => replacement?.readyAtMs !== undefined,
    tell: ({ replacement }) => ({
      type: 'Normal',
      reason: 'ReplacementReady',
      line: 'replacement ready',
      message: `replaced by ${replacement?.name} on ${replacement?.capacity} capacity`,
      details: { replacement: replacement?.name, capacity: replacement?.capacity },
    }),
  },
];

const describePlan = (interruption: Interruption): string => {
  const { when, because } = interruption.plan;
  switch (when) {
    case 'AtOnce':
      return mayComeFirst(interruption)
        ? `it goes when its replacement is Ready, or at once where none can start first (${because})`
        : `it is evicted at once (${because})`;
    case 'Late':
      return `it is evicted late (${because})`;
    case 'ByNode':
      return because;
    case 'Never':
      return `it is left to the reclaim (${because})`;
  }
};

const mayComeFirst = ({ settings, workload }: Interruption): boolean =>
  settings.replacement === 'BeforeEviction' &&
  workload !== undefined &&
  (isOfKind(workload, 'Deployment') || isCloneSet(workload));

const isoTime = (ms: number): string => new Date(ms).toISOString();
