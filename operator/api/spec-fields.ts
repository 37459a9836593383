import { z } from 'zod';
import { instanceSpec } from './instance-spec.ts';
import { labelSelector } from './label-selector.ts';
import { price } from './price.ts';

/** What absent `fallback.mode` means. The schema has no default for it, so that a price limit can insist on a written choice. */
export const defaultFallbackMode = 'AtCreation';

/** What absent `interruption.replacement` means. Without a default in the schema, so that it is known what its user wrote beside an evictor. */
export const defaultReplacement = 'BeforeEviction';

/** What absent `interruption.failedPodTTLSeconds` means, which has no default in the schema for the same reason, beside Keep. */
export const defaultFailedPodTTLSeconds = 3600;

const fallback = z
  .object({
    mode: z
      .enum(['AtCreation', 'Never'])
      .describe(
        'AtCreation lets ECI start a pod on demand at once when it finds no spot capacity for it (annotation eci-spot-fallback); such a pod is never reclaimed and never moved back. Never leaves it Pending while ECI bids again. Default AtCreation; with strategy SpotWithPriceLimit it must be written out.',
      )
      .exactOptional(),
  })
  .describe('What happens when there is no spot capacity for a pod.');

/** How the pods of a workload are divided. */
export const distribution = z
  .object({
    onDemandBase: z
      .int()
      .min(0)
      .max(10_000)
      .default(0)
      .describe(
        'How many pods of each revision of a workload are on demand before any is on spot, 0 to 10000.',
      ),
    spotPercentage: z
      .int()
      .min(0)
      .max(100)
      .default(100)
      .describe(
        'Of the pods of a revision above onDemandBase, the share in percent that is on spot, rounded down to whole pods, 0 to 100. Pods that come to an end, as those of Jobs, count together with those of the same CronJob or CronWorkflow, and without one with all others under the policy in the namespace, those that have ended included while their objects are there.',
      ),
  })
  .describe(
    'How the pods of each revision of a workload are divided between spot and on demand. Decided when a pod is created; running pods are never moved. Pods of a StatefulSet and of an Indexed Job are divided by their index, so the lowest are the base. Without it every pod is on spot.',
  );

/** Where and how the annotations are written. */
export const injection = z
  .object({
    at: z
      .enum(['Pod', 'Workload', 'None'])
      .default('Pod')
      .describe(
        'Pod annotates pods when they are created, so a change of the policy rolls nothing out and reaches new pods only. Workload writes the same annotations into the pod template of each workload, so each change of what pods get rolls the workload out, and no pod is touched at admission; it needs rights that are installed apart. None annotates nothing: pods keep what their users wrote, and their interruptions are handled.',
      ),
    existing: z
      .enum(['Keep', 'Overwrite'])
      .default('Keep')
      .describe(
        'What happens to an ECI annotation that a pod already carries: Keep leaves it as its user wrote it; where a user wrote the strategy, price limit, duration and fallback are left to that user too, and a price limit without a fallback stays a cap. Overwrite puts the value of this policy in its place.',
      ),
    scheduling: z
      .enum(['AsIs', 'VirtualNode'])
      .default('AsIs')
      .describe(
        'VirtualNode also gives pods the label alibabacloud.com/eci: "true", which sends them to virtual nodes in an ACK cluster. AsIs leaves scheduling alone, as where every pod runs on ECI anyway.',
      ),
    whenUnavailable: z
      .enum(['Ignore', 'Fail'])
      .default('Ignore')
      .describe(
        'What happens to new pods while the operator cannot be reached: Ignore creates them without annotations, and they count as uninjected. Fail refuses them, and every other new pod of the namespaces that the policy reaches, until it can be reached again.',
      ),
  })
  .describe('Where and how annotations are written on pods.');

/** Spark applications. */
export const spark = z
  .object({
    driver: z
      .enum(['OnDemand', 'Spot'])
      .default('OnDemand')
      .describe(
        'What the driver of a Spark application runs on. OnDemand keeps it on demand, since the application ends with its driver; Spot treats it like any other pod. Executors are governed in any case.',
      ),
  })
  .describe('What is different for the pods of Spark applications.');

/** What is done about a reclaim. */
export const interruption = z
  .object({
    evictor: z
      .enum(['Operator', 'VirtualNode', 'None'])
      .default('Operator')
      .describe(
        'Operator evicts a pod that ECI is about to reclaim, through its disruption budgets. VirtualNode has new pods ask their virtual node for that (annotation eci-spot-release-strategy: api-evict, ack-virtual-node 2.11.0 or later), but for those that may use the time they have left, which the operator evicts; no replacement is started first. None evicts and deletes nothing and only reports what happens.',
      ),
    replacement: z
      .enum(['BeforeEviction', 'AfterEviction'])
      .describe(
        'BeforeEviction starts the replacement of a pod of a Deployment first, where nothing is in the way, and evicts the pod once the Deployment has enough Ready pods without it; a CloneSet of OpenKruise that surges is told to do the same by itself. AfterEviction leaves that to the workload, which starts one when the pod goes. The status says why a pod was not replaced first. Default BeforeEviction; means nothing with another evictor than Operator.',
      )
      .exactOptional(),
    surge: z
      .enum(['AsDoomed', 'AsWorkload'])
      .default('AsDoomed')
      .describe(
        'How many pods of a Deployment may wait for their replacements at once. AsDoomed starts the replacement of every pod that ECI is about to reclaim at once, since all of them go within minutes: a Deployment may have up to twice its pods for that time. AsWorkload lets at most maxSurge of its strategy wait at a time, the earliest deadline first; pods for which the time does not suffice are evicted without a replacement, and the status says so. A CloneSet keeps to its own maxSurge in any case.',
      ),
    jobPods: z
      .enum(['AtDeadline', 'Immediately', 'Never'])
      .default('AtDeadline')
      .describe(
        'When to evict pods that run to completion and pods that no controller recreates: AtDeadline lets them use the time they have left, Immediately does not, Never leaves them to the reclaim.',
      ),
    onDeadline: z
      .enum(['Delete', 'Leave'])
      .default('Delete')
      .describe(
        'What happens to a pod that its disruption budget still holds when its grace period would soon no longer fit before the reclaim: Delete ends it gracefully in spite of the budget, Leave lets ECI take it without warning.',
      ),
    failedPods: z
      .enum(['Delete', 'Keep'])
      .default('Delete')
      .describe(
        'What happens to the object of a pod that ECI has taken (Failed, BidFailed), which Kubernetes keeps where a ReplicaSet owns it: Delete removes it after failedPodTTLSeconds, or at once where it still shows Ready and so counts as healthy in a disruption budget. Keep leaves it. Pods of other owners, as of a Job, always stay, and so does every pod with evictor None.',
      ),
    failedPodTTLSeconds: z
      .int()
      .min(0)
      .max(604_800)
      .describe(
        'Seconds for which the object of a pod that ECI has taken stays, 0 to 604800 (a week). Default 3600. Means nothing with failedPods Keep.',
      )
      .exactOptional(),
  })
  .describe('What is done about a pod that ECI is about to reclaim.');

/**
 * Returns the fields of a policy, in the order of the reference, with those that say whom this kind of policy concerns.
 */
export const policyFields = <Scope extends z.ZodRawShape>(scope: Scope) => ({
  mode: z
    .enum(['Enforce', 'DryRun', 'Disabled'])
    .default('Enforce')
    .describe(
      'Enforce lets the policy govern pods. A policy in DryRun governs none and takes none from another policy; status.dryRun tells which it would. A Disabled one is not looked at. In any mode, reclaims of pods that the policy has annotated are handled by it.',
    ),
  priority: z
    .int()
    .min(-1000)
    .max(1000)
    .default(0)
    .describe(
      'Decides between policies that select the same pod: the highest wins, from -1000 to 1000. Among equals one with targetRefs goes before one without, then the first by name. Between policies of one level only: a ClusterSpotPolicy with precedence Overrides goes before every SpotPolicy, one with Defaults after them.',
    ),
  selector: labelSelector('pod')
    .describe(
      'The pods that this policy governs, by their labels; {} takes every pod in scope. A policy that names its workloads besides governs those pods that satisfy both.',
    )
    .exactOptional(),
  ...scope,
  strategy: z
    .enum(['SpotAsPriceGo', 'SpotWithPriceLimit', 'NoSpot'])
    .describe(
      'How ECI buys capacity. SpotAsPriceGo pays the market price, which can reach the on-demand price; SpotWithPriceLimit bids at most priceLimit; NoSpot keeps the pods it selects on demand. Required unless injection.at is None.',
    )
    .exactOptional(),
  priceLimit: price
    .describe(
      'The highest price to pay per hour for a whole instance, in the currency of the account: decimal text in quotes, above 0, at most 3 decimals, as "0.25". Given with strategy SpotWithPriceLimit only, and required there.',
    )
    .exactOptional(),
  durationHours: z
    .int()
    .min(0)
    .max(1)
    .default(1)
    .describe('Hours from its creation during which ECI does not reclaim a pod: 1, or 0 for no protection.'),
  instanceSpecs: z
    .array(instanceSpec)
    .max(5)
    .meta({ 'x-kubernetes-list-type': 'atomic' })
    .describe(
      'Instances that ECI may use, tried in this order, at most 5; they replace the size that the containers ask for. Without them ECI adds up the resources of the containers.',
    )
    .exactOptional(),
  fallback: fallback.exactOptional(),
  distribution: distribution.exactOptional(),
  injection: injection.exactOptional(),
  spark: spark.exactOptional(),
  interruption: interruption.exactOptional(),
});
