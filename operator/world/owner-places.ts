import { isHeldKind } from './objects.ts';
import type { GroupKind, OwnerKind, Standing } from './owner-kinds.ts';

/** A kind as places are given out: who asks for it, and how it stands. */
export interface Applicant {
  readonly known: OwnerKind;
  /** Namespaces in which something asks for it; the empty one stands for policies of the cluster. */
  readonly askedIn: Iterable<string>;
}

// Each kind that is followed is one more watch.
const mostPlaces = 64;

// Controllers of pods that are well known, and what is above them. Each has a place of its own.
const wellKnown: Readonly<Record<string, readonly string[]>> = {
  '': ['ReplicationController'],
  'actions.github.com': ['EphemeralRunner', 'EphemeralRunnerSet', 'AutoscalingRunnerSet'],
  'apps.kruise.io': ['CloneSet', 'StatefulSet', 'BroadcastJob', 'AdvancedCronJob'],
  'argoproj.io': ['Workflow', 'CronWorkflow', 'WorkflowTemplate', 'Rollout'],
  'batch.volcano.sh': ['Job'],
  'jobset.x-k8s.io': ['JobSet'],
  'leaderworkerset.x-k8s.io': ['LeaderWorkerSet'],
  'serving.knative.dev': ['Service', 'Configuration', 'Revision'],
  'sparkoperator.k8s.io': ['SparkApplication', 'ScheduledSparkApplication'],
  'tekton.dev': ['TaskRun', 'PipelineRun'],
};

/** Whether a kind has a place of its own. */
export const isWellKnown = ({ group, kind }: GroupKind): boolean =>
  Object.hasOwn(wellKnown, group) && (wellKnown[group]?.includes(kind) ?? false);

const worthless: readonly Standing['standing'][] = ['Absent', 'Forbidden', 'Failing'];

/**
 * The places of kinds that are not well known, 64 in all. Anyone who may create a pod or a policy can name a kind that
 * does not exist, so a place is not kept for ever: when none is free, a kind that cannot be read gives way to one that
 * has not been tried, and else the newest kind of the namespace that takes the most places gives way to one of a
 * namespace that takes at least two fewer.
 */
export class OwnerPlaces {
  // Which namespace each place is charged to, by kind, the oldest first.
  readonly #payers = new Map<string, string>();

  /** Whether a kind may take a place now, and the kind that gives way to it. */
  offer(
    { known, askedIn }: Applicant,
    standingOf: (key: string) => Standing['standing'],
  ): { readonly taken: boolean; readonly insteadOf?: string } {
    if (this.#payers.size < mostPlaces) return { taken: true };
    if (known.standing !== 'Sought') return { taken: false };
    const keys = [...this.#payers.keys()];
    const unreadable = keys.find((key) => worthless.includes(standingOf(key)));
    if (unreadable !== undefined) return { taken: true, insteadOf: unreadable };
    const loads = this.#loads();
    const [largest, most] = [...loads].reduce((a, b) => (b[1] > a[1] ? b : a), ['', 0] as const);
    const newest = keys.findLast((key) => this.#payers.get(key) === largest);
    const least = Math.min(...[...askedIn].map((namespace) => loads.get(namespace) ?? 0));
    return newest !== undefined && most > least + 1 ? { taken: true, insteadOf: newest } : { taken: false };
  }

  /** Charges a place to the namespace, of those that ask for the kind, that takes the fewest. */
  take(key: string, askedIn: Iterable<string>): void {
    const loads = this.#loads();
    const load = (namespace: string): number => loads.get(namespace) ?? 0;
    this.#payers.delete(key);
    this.#payers.set(
      key,
      [...askedIn].reduce((a, b) => (load(b) < load(a) ? b : a), [...askedIn][0] ?? ''),
    );
  }

  /** The kind does not need its place, or the namespace that it was charged to does not ask for it any more. */
  leave(key: string): boolean {
    return this.#payers.delete(key);
  }

  payer(key: string): string | undefined {
    return this.#payers.get(key);
  }

  #loads(): Map<string, number> {
    const loads = new Map<string, number>();
    for (const payer of this.#payers.values()) loads.set(payer, (loads.get(payer) ?? 0) + 1);
    return loads;
  }
}

// The API server takes no longer names for kinds and groups of a CustomResourceDefinition.
const [longestKind, longestGroup] = [63, 253];

/** Whether a kind that something names may be one that is met while running. */
export const isPossible = ({ group, kind }: GroupKind): boolean =>
  kind.length <= longestKind &&
  group.length <= longestGroup &&
  !(kind === 'Pod' && group === '') &&
  !isHeldKind(kind, group);
