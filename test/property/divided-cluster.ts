import type { ReplicaSet } from 'kubernetes-types/apps/v1.js';
import type { Pod as RawPod } from 'kubernetes-types/core/v1.js';
import type { Question } from '../../operator/injection/place.ts';
import { type PodAnswer, type PodRequest, reviewPod } from '../../operator/injection/review.ts';
import { nextShare, type Distribution, type Share, type Tally } from '../../operator/policy/distribution.ts';
import { parseShare, settleShare, shareFor } from '../../operator/shares.ts';
import { cohortOf } from '../../operator/world/cohort.ts';
import { controllerOf } from '../../operator/world/object.ts';
import type { World } from '../../operator/world/world.ts';
import { aStamping, patched } from '../builders/admission.ts';
import { aPod, noonMs, ownedBy } from '../builders/pod.ts';
import { aPolicy } from '../builders/policy.ts';
import { aWorld, drop, put } from '../builders/world.ts';

/** One pod of the model: asked for, and then created or refused. */
export interface ModelPod {
  readonly name: string;
  readonly nonce: string;
  readonly revision: string;
  readonly raw: RawPod;
  readonly admittedAtMs: number;
}

interface Replica {
  world: World;
  /** What its watches have not told it yet, in order. */
  inbox: ((world: World) => void)[];
}

const strategy = 'k8s.aliyun.com/eci-spot-strategy';
/** How long after it a reservation that a failing ReplicaSet did not use is known to be refused. */
const doubtMs = 1_000;

/** A cluster of one workload whose pods a policy divides, seen by replicas that hear of everything later. */
export class DividedCluster {
  nowMs = noonMs;
  /** Between the replicas: `lost` brings questions to the leader and no answers back. */
  wire: 'sound' | 'lost' | 'cut' = 'sound';
  readonly distribution: Distribution;
  readonly living = new Map<string, ModelPod>();
  readonly underWay = new Map<string, ModelPod>();
  readonly #refused: ModelPod[] = [];
  readonly #wanted = new Map<string, number>();
  readonly #failing = new Set<string>();
  readonly #replicas: Replica[];
  #made = 0;

  constructor(distribution: Distribution, replicas: number) {
    this.distribution = distribution;
    this.#replicas = Array.from({ length: replicas }, () => ({ world: this.#listed(), inbox: [] }));
  }

  /** A ReplicaSet wants so many pods from now on. */
  scale(revision: string, wanted: number): void {
    this.#wanted.set(revision, wanted);
    this.#tell((world) => put(world, 'ReplicaSet', this.#replicaSet(revision, wanted), this.nowMs));
  }

  /** Whether the ReplicaSet would create a pod. */
  hasRoom(revision: string): boolean {
    return this.#count(revision) < (this.#wanted.get(revision) ?? 0);
  }

  /** Admission of one more pod by a replica; returns it as it will be stored. */
  async admit(revision: string, at: number, dryRun = false): Promise<ModelPod> {
    const nonce = `nonce${(this.#made += 1)}`;
    const name = `web-${revision}-${this.#made}`;
    const owner = ownedBy('ReplicaSet', `web-${revision}`);
    const raw = aPod({ name, owner, annotations: { [strategy]: undefined }, phase: 'Pending' });
    const answer = await this.#review(at, raw, nonce, dryRun);
    const pod = { name, nonce, revision, raw: patched(raw, answer.patch), admittedAtMs: this.nowMs };
    if (!dryRun) this.underWay.set(name, pod);
    return pod;
  }

  /** The API server asks again about a pod under way, perhaps another replica; returns how many changes come of it. */
  async admitAgain({ name, raw, nonce }: ModelPod, at: number): Promise<number> {
    const changed = {
      ...raw,
      metadata: { ...raw.metadata, labels: { ...raw.metadata?.labels, mesh: 'on' } },
    };
    const { patch } = await this.#review(at, changed, `${nonce}again`, false);
    const pod = this.underWay.get(name);
    if (pod) this.underWay.set(name, { ...pod, raw: changed });
    return patch.length;
  }

  /** A pod under way is stored. */
  land(pod: ModelPod): void {
    const landed = this.underWay.get(pod.name) ?? pod;
    this.underWay.delete(pod.name);
    this.living.set(pod.name, landed);
    this.#tell((world) => put(world, 'Pod', landed.raw, this.nowMs));
    if (this.#failing.delete(pod.revision)) this.scale(pod.revision, this.#wanted.get(pod.revision) ?? 0);
  }

  /** A pod under way is refused by somebody after us, and its ReplicaSet says so. */
  refuse(pod: ModelPod): void {
    this.underWay.delete(pod.name);
    this.#refused.push(pod);
    this.#failing.add(pod.revision);
    this.scale(pod.revision, this.#wanted.get(pod.revision) ?? 0);
  }

  /** A living pod begins to go. */
  remove(pod: ModelPod): void {
    this.living.delete(pod.name);
    this.#tell((world) => drop(world, 'Pod', pod.raw, this.nowMs));
  }

  /** A replica hears the next `count` things. */
  deliver(at: number, count = Infinity): void {
    const replica = this.#replica(at);
    for (const tell of replica.inbox.splice(0, count)) tell(replica.world);
  }

  /** A replica starts anew: it lists what there is and remembers nothing. */
  restart(at: number): void {
    Object.assign(this.#replica(at), { world: this.#listed(), inbox: [] });
  }

  /** Whether the replica has heard everything. */
  isCurrent(at: number): boolean {
    return this.#replica(at).inbox.length === 0;
  }

  /** A pod was refused of which the replicas cannot know yet. */
  isInDoubt(revision: string): boolean {
    const recent = this.#refused.filter(
      (pod) =>
        pod.revision === revision &&
        this.nowMs - pod.admittedAtMs < (this.#failing.has(revision) ? doubtMs : 30_000) &&
        this.#replicas.some(({ world }) =>
          world.reservations
            .open(this.#cohort(revision), this.nowMs)
            .some(({ nonce }) => nonce === pod.nonce),
        ),
    );
    return recent.length > 0;
  }

  /** What the next pod of a revision is to be, by the truth. */
  due(revision: string): string {
    return nextShare(this.tally(revision), this.distribution).capacity;
  }

  /** The pods that a revision has or is about to have. */
  tally(revision: string): Tally {
    const pods = [...this.living.values(), ...this.underWay.values()].filter(
      (pod) => pod.revision === revision,
    );
    const spot = pods.filter(({ raw }) => capacityOf(raw) === 'spot').length;
    return { spot, onDemand: pods.length - spot };
  }

  /** How many places a replica holds for pods it has not seen. */
  reserved(at: number, revision: string): number {
    return this.#replica(at).world.reservations.open(this.#cohort(revision), this.nowMs).length;
  }

  #count(revision: string): number {
    const { spot, onDemand } = this.tally(revision);
    return spot + onDemand;
  }

  async #review(at: number, raw: RawPod, nonce: string, dryRun: boolean): Promise<PodAnswer> {
    const { world } = this.#replica(at);
    const request = { namespace: 'shop', object: raw } as PodRequest;
    const reviewed = reviewPod(world, request, aStamping({ nonce, nowMs: this.nowMs }));
    if (!('place' in reviewed)) return reviewed;
    const askLeader = (question: Question) => this.#askLeader(at, question);
    return settleShare(reviewed, { ...this.#partsOf(at), askLeader }, dryRun);
  }

  /** The first replica leads; what it is asked and answers passes over a wire. */
  async #askLeader(at: number, question: Question): Promise<Share | undefined> {
    if (this.#replica(at) === this.#replica(0) || this.wire === 'cut') return undefined;
    const share = await shareFor(JSON.parse(JSON.stringify(question)), this.#partsOf(0));
    return this.wire === 'sound' ? parseShare(JSON.parse(JSON.stringify(share))) : undefined;
  }

  #partsOf(at: number) {
    const { world, inbox } = this.#replica(at);
    // While a replica waits it hears what its watches bring: all of it, where it waits as long as it may.
    const pause = async (): Promise<void> => this.deliver(at, Math.max(2, Math.ceil(inbox.length / 2)));
    return { world, nowMs: () => this.nowMs, pause };
  }

  #listed(): World {
    const { distribution } = this;
    return aWorld({
      SpotPolicy: [aPolicy({ spec: { distribution } })],
      ReplicaSet: [...this.#wanted].map(([revision, wanted]) => this.#replicaSet(revision, wanted)),
      Pod: [...this.living.values()].map(({ raw }) => raw),
    });
  }

  #replicaSet(revision: string, replicas: number): ReplicaSet {
    const metadata = { name: `web-${revision}`, ownerReferences: [ownedBy('Deployment', 'web')] };
    const failure = { type: 'ReplicaFailure', status: 'True' };
    const conditions = this.#failing.has(revision) ? [failure] : [];
    return { metadata, spec: { replicas, selector: {} }, status: { replicas: 0, conditions } };
  }

  #cohort(revision: string): string {
    const ownerReferences = [ownedBy('ReplicaSet', `web-${revision}`)];
    const controller = controllerOf({ namespace: 'shop', ownerReferences });
    return cohortOf({ namespace: 'shop', labels: {}, controller, restarts: true }, '');
  }

  #tell(tell: (world: World) => void): void {
    for (const { inbox } of this.#replicas) inbox.push(tell);
  }

  #replica(at: number): Replica {
    const replica = this.#replicas[at % this.#replicas.length];
    if (!replica) throw new Error('a divided cluster has at least one replica');
    return replica;
  }
}

/** What a pod of the model is on, by its label. */
export const capacityOf = ({ metadata }: RawPod): string | undefined =>
  metadata?.labels?.['spotpolicy.dev/capacity'];
