import { ourAnnotations } from '../api/keys.ts';
import type { Watched } from '../runtime/list-watch.ts';
import { cohortOf, nonceOf } from './cohort.ts';
import { Collection, joined, type Lookup, type Step } from './collection.ts';
import { Contests } from './contests.ts';
import { countStep, type Interruption, type Totals } from './interruption.ts';
import { interruptionGroups, type InterruptionIndex } from './interruption-groups.ts';
import { Lifetimes } from './lifetimes.ts';
import { byController, type Identity, type ObjectKey, type Owned } from './object.ts';
import type { Namespace, Probe, Workload, WorkloadKind } from './objects.ts';
import {
  type GroupKind,
  isPod,
  type Owner,
  type OwnerKind,
  OwnerKinds,
  type Standing,
} from './owner-kinds.ts';
import { isCountedHealthy, isTerminal, type Pod } from './pod.ts';
import { PodEvents } from './pod-events.ts';
import { type Policy, policyOf, type SoundPolicy } from './policy.ts';
import { Refusals } from './refusals.ts';
import { Reservations } from './reservations.ts';
import type { Claim, Quota } from './room.ts';
import { type Precedence, RuleBook } from './rule-book.ts';
import { SightingBook } from './sightings.ts';
import { Taken } from './taken.ts';
import { Tally } from './tally.ts';
import type { Templated, TemplateKind, TemplateTrouble } from './template.ts';
import type { Change, Kind, Kinds, PodIndex, Trouble, View } from './view.ts';
import { type WorkloadIndex, Workloads } from './workloads.ts';

const inNamespace = ({ namespace }: { namespace: string }): readonly string[] => [namespace];

/** All that is known of the cluster, and the only mutable state of the program. */
export class World implements View {
  readonly pods = new Collection<Pod, PodIndex>({
    namespace: inNamespace,
    controller: byController,
    ending: (pod) => (!isTerminal(pod) && pod.deletionAtMs !== undefined ? [pod.namespace] : []),
    ghost: (pod) => (isCountedHealthy(pod) ? [pod.namespace] : []),
    cohort: (pod) => [cohortOf(pod, pod.annotations[ourAnnotations.policy] ?? '')],
  });
  readonly taken = new Taken();
  readonly namespaces = new Collection<Namespace>({});
  readonly nodes = new Collection<Kinds['Node']>({});
  readonly #ownPolicies = new Collection<Policy, 'namespace'>({ namespace: inNamespace });
  readonly #clusterPolicies = new Collection<Policy, 'namespace'>({ namespace: inNamespace });
  readonly policies = joined(this.#ownPolicies, this.#clusterPolicies);
  readonly budgets = new Collection<Kinds['PodDisruptionBudget'], 'namespace'>({ namespace: inNamespace });
  readonly claims = new Collection<Claim>({});
  readonly quotas = new Collection<Quota, 'namespace'>({ namespace: inNamespace });
  readonly lifetimes = new Lifetimes();
  readonly reclaimEvents = new PodEvents(this.pods, this.lifetimes);
  readonly degradeEvents = new PodEvents(this.pods, this.lifetimes);
  readonly webhooks = new Collection<Kinds['Webhook']>({});
  readonly probes = new Collection<Probe>({});
  readonly templateTroubles = new Collection<TemplateTrouble, 'policy'>({ policy: ({ policy }) => [policy] });
  readonly interruptions = new Collection<Interruption, InterruptionIndex>(interruptionGroups);
  readonly refusals = new Refusals(this.budgets);
  readonly sightings = new SightingBook();
  readonly reservations = new Reservations();
  readonly troubles = new Map<Kind, Trouble>();
  readonly contests = new Contests();

  readonly #ownerKinds = new OwnerKinds();
  readonly #collections: { readonly [K in Kind]: Pick<Collection<Kinds[K]>, 'apply' | 'size' | 'synced'> };
  readonly #workloads = new Workloads();
  readonly #tally = new Tally();
  #inTerm = false;

  readonly #ruleBook: RuleBook;

  /** `exempt` are the namespaces in which nothing governs, whatever their labels. */
  constructor(precedence: Precedence, exempt: readonly string[] = ['kube-system']) {
    this.#ruleBook = new RuleBook(precedence, {
      namespaces: this.namespaces,
      policies: this.#ownPolicies,
      clusterPolicies: this.#clusterPolicies,
      exempt,
    });
    this.#collections = {
      Pod: this.pods,
      Namespace: this.namespaces,
      Node: this.nodes,
      SpotPolicy: this.#ownPolicies,
      ClusterSpotPolicy: this.#clusterPolicies,
      PodDisruptionBudget: this.budgets,
      PersistentVolumeClaim: this.claims,
      ResourceQuota: this.quotas,
      ReclaimEvent: this.reclaimEvents,
      DegradeEvent: this.degradeEvents,
      Webhook: this.webhooks,
      CustomResourceDefinition: new Collection<Kinds['CustomResourceDefinition']>({}),
      ...this.#workloads.byKind,
    };
  }

  workloads(kind: WorkloadKind): Lookup<Workload, WorkloadIndex> {
    return this.#workloads.byKind[kind];
  }

  templated(kind: TemplateKind): Lookup<Templated, 'template'> {
    return this.#workloads.has(kind) ? this.#workloads.byKind[kind] : this.#ownerKinds.templated(kind);
  }

  workload(reference: ObjectKey): Workload | undefined {
    return this.#workloads.get(reference);
  }

  owner(reference: ObjectKey): Owned | undefined {
    if (isPod(reference)) {
      const pod = this.pods.byUid(reference.uid);
      return pod?.namespace === reference.namespace ? pod : undefined;
    }
    return this.workload(reference) ?? this.met(reference);
  }

  controlledBy(key: string): readonly (Workload | Owner)[] {
    return [...this.#workloads.controlledBy(key), ...this.#ownerKinds.controlledBy(key)];
  }

  met(reference: ObjectKey): Owner | undefined {
    return this.#ownerKinds.get(reference);
  }

  hasWorkload(of: GroupKind, namespace: string, name: string): boolean | undefined {
    const objects = isPod(of) ? this.pods : this.#workloads.of(of);
    if (!objects) return this.#ownerKinds.has(of, namespace, name);
    return objects.synced ? objects.byName(namespace, name) !== undefined : undefined;
  }

  ownerKind(kind: GroupKind): OwnerKind | undefined {
    return this.#ownerKinds.standingOf(kind);
  }

  ownerKindAskedIn(kind: GroupKind): readonly string[] {
    return this.#ownerKinds.askedIn(kind);
  }

  synced(kind: Kind): boolean {
    return this.#collections[kind].synced;
  }

  rules(namespace: string): readonly SoundPolicy[] {
    return this.#ruleBook.rules(namespace);
  }

  reaches(policy: Policy, namespace: Namespace): boolean {
    return this.#ruleBook.reaches(policy, namespace);
  }

  isExempt(namespace: string): boolean {
    return this.#ruleBook.isExempt(namespace);
  }

  /** How many objects of a kind it holds. */
  size(kind: Kind): number {
    return this.#collections[kind].size;
  }

  totals(policy: string): Totals {
    return this.#tally.of(policy);
  }

  /** Takes in what a source delivered at `nowMs` and returns the steps the world made, in order. */
  apply<K extends Kind>(kind: K, watched: Watched<Kinds[K]>, nowMs: number): readonly Change[] {
    if (kind === 'Pod') this.sightings.hear(watched.kind, nowMs);
    if (watched.kind === 'failed') {
      const trouble = { error: watched.error, failures: (this.troubles.get(kind)?.failures ?? 0) + 1 };
      this.troubles.set(kind, trouble);
      return [{ kind: 'Failed', of: kind, trouble }];
    }
    if (watched.kind === 'recovered') {
      // Who told that it failed tells that it is over.
      return this.troubles.delete(kind) ? [{ kind: 'Synced', of: kind }] : [];
    }
    if (watched.kind === 'synced') this.troubles.delete(kind);
    this.lifetimes.advance(nowMs);
    if (kind === 'Pod') this.lifetimes.hear(watched.kind);
    this.reservations.expire(nowMs);
    const steps: readonly Step<Kinds[K]>[] = this.#collections[kind].apply(watched);
    if (kind === 'Pod') for (const step of steps) this.#notePod(step as Step<Pod>, nowMs);
    const gone = kind === 'Pod' || this.#workloads.has(kind) ? steps.filter(({ after }) => !after) : [];
    const orphaned = gone.flatMap(({ before }) => this.#depart(before?.uid ?? ''));
    if (kind === 'SpotPolicy' || kind === 'ClusterSpotPolicy')
      for (const step of steps) this.#notePolicy(step as Step<Policy>);
    if (kind === 'PodDisruptionBudget')
      for (const { before, after } of steps) if (before && !after) this.refusals.forget(before);
    if (kind === 'Namespace') for (const step of steps) this.#ruleBook.onNamespace(step as Step<Namespace>);
    const changes = steps.map((step) => ({ kind, ...step }) as Change);
    if (watched.kind === 'synced') changes.push({ kind: 'Synced', of: kind });
    return [...changes, ...orphaned, ...this.#meet(kind, steps)];
  }

  /** Takes in what the watch of a kind delivered that was met while running. */
  applyOwners(of: GroupKind, watched: Watched<Owner>): readonly Change[] {
    const steps = this.#ownerKinds.apply(of, watched);
    const settled = this.#ownerKinds.settle(of);
    return [
      ...steps.map((step): Change => ({ kind: 'Owner', ...step })),
      ...this.#meet('Owner', steps),
      ...settled.map((step): Change => ({ kind: 'OwnerKind', ...step })),
    ];
  }

  /** Keeps how a kind stands that was met while running; nothing happens where nobody asks for it any more. */
  judgeOwnerKind(after: Standing): readonly Change[] {
    return this.#ownerKinds.judge(after).map((step) => ({ kind: 'OwnerKind', ...step }));
  }

  /** Keeps what became of an interruption, and counts the step; a first record counts nothing. */
  record(after: Interruption): Change {
    const before = this.interruptions.byUid(after.uid);
    this.interruptions.apply({ kind: 'changed', object: after });
    const { policy } = after.settings;
    // Nobody reads the totals of a policy that is gone.
    if (before && policyOf(this, policy)) this.#tally.add(policy, countStep(before, after));
    if (after.refusal && after.refusal !== before?.refusal) this.refusals.note(after.refusal);
    return { kind: 'Interruption', before, after };
  }

  /** Keeps what asking admission about a policy came to. */
  recordProbe(after: Probe): Change {
    const before = this.probes.byUid(after.uid);
    this.probes.apply({ kind: 'changed', object: after });
    return { kind: 'Probe', before, after };
  }

  /** Keeps what stands between a template and its policy, or that nothing does any more. */
  recordTrouble(uid: string, after: TemplateTrouble | undefined): Change {
    const before = this.templateTroubles.byUid(uid);
    if (after) this.templateTroubles.apply({ kind: 'changed', object: after });
    else if (before) this.templateTroubles.apply({ kind: 'deleted', object: before });
    return { kind: 'Template', before, after };
  }

  /** Forgets interruptions that are done. */
  forget(uid: string): void {
    const interruption = this.interruptions.byUid(uid);
    if (!interruption) return;
    this.interruptions.apply({ kind: 'deleted', object: interruption });
    if (!this.pods.byUid(uid)) this.lifetimes.forget(uid);
  }

  /**
   * A term as leader begins. Gives whether it goes on from the last one, because nobody ended that: all is kept then. Otherwise
   * interruptions are to be found again from the cluster, and totals continue from the policies' status.
   */
  beginTerm(): boolean {
    if (this.#inTerm) return true;
    this.#inTerm = true;
    for (const policy of this.policies.all()) this.#tally.resume(policy);
    return false;
  }

  /** Others have led, or all begins anew. Interruptions, totals, refusals, what came of probes and templates: all is forgotten. */
  endTerm(): void {
    this.#inTerm = false;
    for (const { uid } of [...this.interruptions.all()]) this.forget(uid);
    for (const probe of [...this.probes.all()]) this.probes.apply({ kind: 'deleted', object: probe });
    for (const { uid } of [...this.templateTroubles.all()]) this.recordTrouble(uid, undefined);
    this.contests.record(undefined);
    this.#tally.clear();
    this.refusals.clear();
  }

  // The Events about it go as well.
  #depart(uid: string): readonly Change[] {
    this.lifetimes.depart(uid);
    const of = (kind: 'ReclaimEvent' | 'DegradeEvent', events: PodEvents): readonly Change[] =>
      events.depart(uid).map((step) => ({ kind, ...step }));
    return [...of('ReclaimEvent', this.reclaimEvents), ...of('DegradeEvent', this.degradeEvents)];
  }

  #meet(kind: Kind | 'Owner', steps: readonly Step<Identity>[]): readonly Change[] {
    const met = steps.flatMap((step) => this.#ownerKinds.note(kind, step));
    return met.map((step) => ({ kind: 'OwnerKind', ...step }));
  }

  #notePolicy(step: Step<Policy>): void {
    const { before, after } = step;
    this.#ruleBook.onPolicy(step);
    if (before && after) return;
    for (const policy of [before, after]) if (policy) this.#tally.forget(policy);
    const probe = before && this.probes.byUid(before.uid);
    if (probe) this.probes.apply({ kind: 'deleted', object: probe });
  }

  #notePod(step: Step<Pod>, nowMs: number): void {
    this.taken.note(step, nowMs);
    this.sightings.note(step, nowMs);
    const nonce = step.after && nonceOf(step.after.annotations);
    if (nonce !== undefined && !step.before) this.reservations.delete(nonce);
    this.lifetimes.note(step, (uid) => this.interruptions.byUid(uid) !== undefined);
    for (const events of [this.reclaimEvents, this.degradeEvents]) events.notePod(step);
  }
}
