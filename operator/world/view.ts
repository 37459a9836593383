import type { Lookup, Step } from './collection.ts';
import type { Contests } from './contests.ts';
import type { Interruption, Totals } from './interruption.ts';
import type { InterruptionIndex } from './interruption-groups.ts';
import type {
  Budget,
  Definition,
  Namespace,
  Node,
  Probe,
  Webhook,
  WebhookContest,
  Workload,
  WorkloadKind,
} from './objects.ts';
import type { Lifetimes } from './lifetimes.ts';
import type { ObjectKey, Owned } from './object.ts';
import type { GroupKind, Owner, OwnerKind } from './owner-kinds.ts';
import type { PlatformEvent } from './platform-event.ts';
import type { Pod } from './pod.ts';
import type { PodEvents } from './pod-events.ts';
import type { Policy, SoundPolicy } from './policy.ts';
import type { Claim, Quota } from './room.ts';
import type { Refusals } from './refusals.ts';
import type { Reservations } from './reservations.ts';
import type { SightingBook } from './sightings.ts';
import type { Taken } from './taken.ts';
import type { Templated, TemplateKind, TemplateTrouble } from './template.ts';
import type { WorkloadIndex } from './workloads.ts';

/** What each source delivers. */
export interface Kinds extends Record<WorkloadKind, Workload> {
  Pod: Pod;
  Namespace: Namespace;
  Node: Node;
  SpotPolicy: Policy;
  ClusterSpotPolicy: Policy;
  PodDisruptionBudget: Budget;
  ReclaimEvent: PlatformEvent;
  DegradeEvent: PlatformEvent;
  Webhook: Webhook;
  CustomResourceDefinition: Definition;
  PersistentVolumeClaim: Claim;
  ResourceQuota: Quota;
}

/** A source of the world. */
export type Kind = keyof Kinds;

/** One step of the world, as streams read it: which object, before and after. */
export type Change =
  | { [K in Kind]: { readonly kind: K } & Step<Kinds[K]> }[Kind]
  | ({ readonly kind: 'Interruption' } & Step<Interruption>)
  | ({ readonly kind: 'Probe' } & Step<Probe>)
  | ({ readonly kind: 'Contest' } & Step<WebhookContest>)
  | ({ readonly kind: 'Template' } & Step<TemplateTrouble>)
  | ({ readonly kind: 'Owner' } & Step<Owner>)
  | ({ readonly kind: 'OwnerKind' } & Step<OwnerKind>)
  | { readonly kind: 'Synced'; readonly of: Kind }
  | { readonly kind: 'Failed'; readonly of: Kind; readonly trouble: Trouble };

/** A source that fails: its last error, and how many came since it last delivered something. */
export interface Trouble {
  readonly error: unknown;
  readonly failures: number;
}

/** How pods are found: `controller` by its `objectKey`, `cohort` by what `cohortOf` gives, `ghost` by namespace those that ended and count as healthy, `ending` by namespace those that are being deleted. */
export type PodIndex = 'namespace' | 'controller' | 'cohort' | 'ghost' | 'ending';

/** The world, read-only. */
export interface View {
  readonly pods: Lookup<Pod, PodIndex>;
  readonly taken: Pick<Taken, 'of' | 'freedAtMs'>;
  readonly namespaces: Lookup<Namespace>;
  readonly nodes: Lookup<Node>;
  /** Of both kinds; the namespace of those of the cluster is empty. */
  readonly policies: Lookup<Policy, 'namespace'>;
  readonly budgets: Lookup<Budget, 'namespace'>;
  readonly claims: Lookup<Claim>;
  readonly quotas: Lookup<Quota, 'namespace'>;
  readonly reclaimEvents: Pick<PodEvents, 'about'>;
  readonly degradeEvents: Pick<PodEvents, 'about'>;
  readonly webhooks: Lookup<Webhook>;
  readonly probes: Lookup<Probe>;
  readonly contests: Pick<Contests, 'current'>;
  readonly templateTroubles: Lookup<TemplateTrouble, 'policy'>;
  readonly interruptions: Lookup<Interruption, InterruptionIndex>;
  workloads(kind: WorkloadKind): Lookup<Workload, WorkloadIndex>;
  /** The workloads with a pod template of a kind; of those that other systems bring along, none that are not read whole. */
  templated(kind: TemplateKind): Lookup<Templated, 'template'>;
  /** The workload that a reference names; undefined where the world does not hold it (yet), or not in its namespace. */
  workload(reference: ObjectKey): Workload | undefined;
  /** What a reference names, whatever its kind, and who controls it; undefined where the world does not hold it (yet). */
  owner(reference: ObjectKey): Owned | undefined;
  /** The owners that are controlled by the object of an `objectKey`; pods are found by their own index. */
  controlledBy(key: string): readonly (Workload | Owner)[];
  /** An object of a kind that was met while running; undefined where the world does not hold it (yet). */
  met(reference: ObjectKey): Owner | undefined;
  /** Whether there is a workload of that name, of any kind; undefined where that is not known. */
  hasWorkload(kind: GroupKind, namespace: string, name: string): boolean | undefined;
  /** How a kind stands that was met while running; undefined for one that always was known, or was never met. */
  ownerKind(kind: GroupKind): OwnerKind | undefined;
  /** The namespaces in which an object of the world or a policy names a kind that is met while running. */
  ownerKindAskedIn(kind: GroupKind): readonly string[];
  /** Sources that fail; one that delivers again is no longer among them. */
  readonly troubles: ReadonlyMap<Kind, Trouble>;
  synced(kind: Kind): boolean;
  /** The policies that govern in a namespace, as they were last edited, in the order in which they are asked. */
  rules(namespace: string): readonly SoundPolicy[];
  /** Whether a policy, whatever its mode, is about pods of a namespace. */
  reaches(policy: Policy, namespace: Namespace): boolean;
  /** Whether nothing governs in a namespace, whatever its labels. */
  isExempt(namespace: string): boolean;
  /** Those of this term. */
  readonly refusals: Pick<Refusals, 'lastMs'>;
  readonly lifetimes: Pick<Lifetimes, 'seenAt' | 'endedAt' | 'isDeparted'>;
  /** When the conditions of spot pods appeared. */
  readonly sightings: Pick<SightingBook, 'of'>;
  totals(policy: string): Totals;
  /** The places of admitted pods that have not been seen yet. */
  readonly reservations: Pick<Reservations, 'open'>;
}
