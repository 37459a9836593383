import { z } from 'zod';
import { dryRun } from './dry-run-status.ts';
import { gauge, maximumInt32, name, statusBounds } from './status-parts.ts';

const total = (meaning: string) => z.int().min(0).default(0).describe(meaning);
const instant = (meaning: string) =>
  z.iso.datetime({ offset: true }).describe(`${meaning} RFC 3339, in UTC.`);
const message = (meaning: string) => z.string().max(statusBounds.messageLength).describe(meaning);

const condition = z
  .object({
    type: z.string().min(1).max(316).describe('What the condition is about, as Ready.'),
    status: z.enum(['True', 'False', 'Unknown']).describe('Whether it holds.'),
    observedGeneration: z
      .int()
      .min(0)
      .describe('The metadata.generation that the condition was computed from.')
      .optional(),
    lastTransitionTime: instant('When the status of the condition last changed.'),
    reason: z.string().min(1).max(1024).describe('Why, in one word for programs.'),
    message: z.string().max(32768).describe('Why, in a sentence for people.'),
  })
  .describe('One observation about the policy.');

const conditions = z
  .array(condition)
  .max(statusBounds.conditions)
  .meta({ 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['type'] })
  .describe(
    'Accepted says whether the policy can be followed, Programmed whether new pods get what it asks for, Ready whether the operator has done what it asks. Reconciling and Stalled are there only while true.',
  );

const pods = z
  .object({
    matched: gauge('Living pods that the policy governs.'),
    spot: gauge(
      'Of these, pods on spot capacity: on a virtual node, with a spot strategy, not moved on demand by ECI.',
    ),
    onDemand: gauge('Of these, pods on demand, those by fallback included.'),
    fallback: gauge('Pods on demand because ECI had no spot capacity when they were created.'),
    pending: gauge('Pods that wait for capacity.'),
    outdated: gauge('Pods annotated by an older revision of the policy; they change when they are replaced.'),
    uninjected: gauge(
      'Pods created under the policy that did not get its annotations, as while the operator was down.',
    ),
    userValueKept: gauge(
      'Pods with an ECI annotation of their user that differs from the policy and was kept.',
    ),
    offVirtualNode: gauge(
      'Pods with a spot strategy that do not run on a virtual node, where it has no effect.',
    ),
  })
  .describe('Counts of the governed pods.');

const workload = z
  .object({
    ref: z
      .object({
        group: name('The API group; "" is the core group.'),
        kind: name('The kind.'),
        namespace: name('The namespace.'),
        name: name('The name.'),
      })
      .describe('The workload at the top of the chain of owners.'),
    pods: gauge('Its governed pods.'),
    spot: gauge('Of these, pods on spot capacity.'),
    onDemand: gauge('Of these, pods on demand.'),
    fallback: gauge('Of those on demand, pods for which ECI had no spot capacity.'),
    deviation: z
      .int()
      .min(0)
      .max(maximumInt32)
      .describe(
        'How many of its pods ask for spot where the distribution of the policy means on demand, or the other way round; pods created later reduce it. Absent without a distribution.',
      )
      .optional(),
  })
  .describe('The governed pods of one workload.');

const replacement = z
  .object({
    pod: name('The name of the pod.'),
    uid: name('Its UID.'),
    capacity: z.enum(['Spot', 'OnDemand']).describe('What it runs on.').optional(),
    readyAt: instant('When it became Ready.').optional(),
  })
  .describe('The pod that took the place of the reclaimed one.');

const interruptionEntry = z
  .object({
    pod: name('The name of the reclaimed pod.'),
    namespace: name('Its namespace, in the status of a ClusterSpotPolicy.').optional(),
    uid: name('Its UID, as a StatefulSet uses names again.'),
    node: name('The virtual node it ran on.').optional(),
    workload: z
      .object({
        group: name('The API group; "" is the core group.'),
        kind: name('The kind.'),
        name: name('The name.'),
        uid: name('The UID.'),
      })
      .describe('The workload whose controller recreates the pod; absent where nothing does.')
      .optional(),
    noticedAt: instant('When ECI gave notice, by the clock of the cluster.'),
    deadline: instant('When ECI takes the pod.'),
    phase: z
      .enum(['Noticed', 'Replacing', 'Evicting', 'Blocked', 'Terminating', 'AwaitingReplacement', 'Done'])
      .describe('How far it has come.'),
    message: message(
      'Why it waits, in the figures of the API server: which budget, how many healthy, how many needed.',
    ).optional(),
    evictedAt: instant('When the eviction or deletion was accepted.').optional(),
    replacement: replacement.optional(),
    outcome: z
      .enum([
        ...['Replaced', 'NotReplaced', 'NotNeeded', 'Completed', 'WorkloadFailed'],
        ...['Forced', 'Missed', 'LeftToReclaim', 'NotReclaimed'],
      ] as const)
      .describe(
        'How it ended. Completed: the pod finished by itself, before anything evicted it. WorkloadFailed: its Job or workflow has failed by the reclaim or by the eviction. Forced: it was deleted at the deadline in spite of a budget. Missed: ECI took it before it could be evicted. LeftToReclaim: it was left to ECI on purpose. NotReclaimed: a minute after the deadline ECI had not taken it.',
      )
      .optional(),
  })
  .describe('One reclaim of one pod.');

const interruption = z
  .object({
    active: gauge('Reclaims under way.'),
    blocked: gauge('Of these, evictions that a disruption budget holds up.'),
    awaitingReplacement: gauge('Of these, pods that are gone and whose replacement is not Ready yet.'),
    earliestDeadline: instant('When ECI takes the first of them.').optional(),
  })
  .describe('All reclaims under way, in one line.');

const totals = z
  .object({
    noticed: total('Reclaims noticed.'),
    evicted: total('Pods evicted through their budgets.'),
    replaced: total('Reclaimed pods whose replacement became Ready; counted when the pod is gone.'),
    forced: total('Pods deleted at the deadline in spite of a budget.'),
    missed: total('Pods that ECI took before they could be evicted.'),
    leftToReclaim: total('Pods left to ECI on purpose.'),
    workloadFailed: total('Reclaims by which a Job or a workflow has failed.'),
  })
  .describe('Counts since the policy was created.');

// What a fresh policy shows until the operator has looked, so that `kubectl wait` and kstatus wait for it. The time is a
// constant because a default must be one; Gateway API starts its conditions the same way.
const unseen = (type: 'Ready' | 'Reconciling', status: 'Unknown' | 'True') => ({
  type,
  status,
  reason: 'Pending',
  message: 'Waiting for the operator',
  lastTransitionTime: '1970-01-01T00:00:00Z',
});

const fields = {
  observedGeneration: z
    .int()
    .min(0)
    .describe('The metadata.generation that this status was computed from.')
    .optional(),
  revision: name('A hash of the effective spec; pods carry the one they were annotated by.').optional(),
  conditions: conditions.optional(),
  pods: pods.optional(),
  workloads: z
    .array(workload)
    .max(statusBounds.workloads)
    .meta({ 'x-kubernetes-list-type': 'atomic' })
    .describe('The governed workloads, at most 20 of them.')
    .optional(),
  workloadsTotal: z.int().min(0).max(maximumInt32).describe('How many workloads there are.').optional(),
  interruption: interruption.optional(),
  interruptions: z
    .array(interruptionEntry)
    .max(statusBounds.interruptions)
    .meta({ 'x-kubernetes-list-type': 'atomic' })
    .describe('The latest reclaims, at most 20: those under way first, then the newest.')
    .optional(),
  totals: totals.optional(),
  dryRun: dryRun.optional(),
};

const begin = { conditions: [unseen('Ready', 'Unknown'), unseen('Reconciling', 'True')] };
const meaning = 'What the operator has seen and done.';

/** The status of a SpotPolicy; what is absent is not known yet. */
export const spotPolicyStatus = z.object(fields).default(begin).describe(meaning);

const governedNamespace = z
  .object({
    name: name('The name of the namespace.'),
    pods: gauge('Its pods that the policy governs.'),
    spot: gauge('Of these, pods on spot capacity.'),
    onDemand: gauge('Of these, pods on demand.'),
  })
  .describe('The governed pods of one namespace.');

/** The status of a ClusterSpotPolicy; what is absent is not known yet. */
export const clusterSpotPolicyStatus = z
  .object({
    ...fields,
    namespaces: z
      .array(governedNamespace)
      .max(statusBounds.namespaces)
      .meta({ 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['name'] })
      .describe('The namespaces that the policy reaches, by name, at most 20 of them.')
      .optional(),
    namespacesTotal: z
      .int()
      .min(0)
      .max(maximumInt32)
      .describe('How many namespaces the policy reaches.')
      .optional(),
  })
  .default(begin)
  .describe(meaning);

/** A status as the operator writes it, of either kind. */
export type SpotPolicyStatus = z.output<typeof clusterSpotPolicyStatus>;

/** A condition as Kubernetes defines it; the time is RFC 3339 text. */
export type Condition = z.output<typeof condition>;

/** One reclaim as the status tells it. */
export type InterruptionEntry = z.output<typeof interruptionEntry>;
