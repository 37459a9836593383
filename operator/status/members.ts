import { contenders } from '../policy/rules.ts';
import type { Step } from '../world/collection.ts';
import { type Identity, isSameController, objectKey, type Owned } from '../world/object.ts';
import type { Pod } from '../world/pod.ts';
import type { Policy, SoundPolicy } from '../world/policy.ts';
import type { Change, View } from '../world/view.ts';

/** A pod, and the policies that would govern it if those before them were not there; the first one does. */
export interface Member {
  readonly pod: Pod;
  readonly contenders: readonly SoundPolicy[];
}

/** The members of one namespace, true as long as these are its rules. */
interface Register {
  readonly rules: readonly SoundPolicy[];
  readonly byPod: Map<string, Member>;
  readonly byPolicy: Map<string, Set<Member>>;
}

/**
 * Which pods each policy is about. The pods of a namespace are gone through when it is first asked for, and again after
 * its policies or owners of its pods changed; a change of a pod costs that pod.
 */
export class Members {
  readonly view: View;
  readonly #registers = new Map<string, Register>();

  constructor(view: View) {
    this.view = view;
  }

  /** The pods of a namespace that a policy governs, or would without others. */
  of(policy: Policy, namespace: string): Iterable<Member> {
    return this.#registerOf(namespace).byPolicy.get(policy.uid) ?? [];
  }

  /** Takes in a step of the world; none may be left out. */
  note(change: Change): void {
    switch (change.kind) {
      case 'Pod':
        this.#notePod(change);
        return;
      case 'Deployment':
      case 'ReplicaSet':
      case 'StatefulSet':
      case 'Job':
      case 'CronJob':
      case 'Owner':
        if (!isSameLink(change)) this.#registers.delete(namespaceOf(change));
        return;
      case 'OwnerKind': {
        const kind = change.after ?? change.before;
        for (const namespace of kind ? this.view.ownerKindAskedIn(kind) : [])
          this.#registers.delete(namespace);
        return;
      }
      case 'SpotPolicy':
        if (!change.after) this.#registers.delete(namespaceOf(change));
        return;
      case 'ClusterSpotPolicy':
        if (!change.after) this.#registers.clear();
        return;
      case 'Namespace':
        if (!change.after) this.#registers.delete(change.before?.name ?? '');
        return;
      default:
    }
  }

  #notePod(step: Step<Pod>): void {
    const { before, after } = step;
    const register = this.#registers.get(namespaceOf(step));
    if (!register) return;
    if (before) leave(register, before.uid);
    if (after) join(register, { pod: after, contenders: contenders(this.view, after) });
    // A pod may be the owner of others, as a Spark driver is.
    const { namespace, uid } = (after ?? before) as Pod;
    const key = objectKey({ namespace, group: '', kind: 'Pod', uid });
    if (!isSameLink(step) && this.view.pods.group('controller', key).size > 0)
      this.#registers.delete(namespaceOf(step));
  }

  #registerOf(namespace: string): Register {
    const rules = this.view.rules(namespace);
    const known = this.#registers.get(namespace);
    if (known?.rules === rules) return known;
    const register: Register = { rules, byPod: new Map(), byPolicy: new Map() };
    for (const pod of this.view.pods.group('namespace', namespace))
      join(register, { pod, contenders: contenders(this.view, pod) });
    // Of a namespace that is gone, only what is left to delete is still asked for.
    if (this.view.namespaces.byName('', namespace)) this.#registers.set(namespace, register);
    return register;
  }
}

const namespaceOf = ({ before, after }: Step<Identity>): string => (after ?? before)?.namespace ?? '';

// Whether a chain of owners goes on from here as it did.
const isSameLink = ({ before, after }: Step<Owned>): boolean =>
  before !== undefined && after !== undefined && isSameController(before, after);

const join = ({ byPod, byPolicy }: Register, member: Member): void => {
  if (member.contenders.length === 0) return;
  byPod.set(member.pod.uid, member);
  for (const { uid } of member.contenders) {
    const members = byPolicy.get(uid);
    if (members) members.add(member);
    else byPolicy.set(uid, new Set([member]));
  }
};

const leave = ({ byPod, byPolicy }: Register, uid: string): void => {
  const member = byPod.get(uid);
  if (!member) return;
  byPod.delete(uid);
  for (const { uid: policy } of member.contenders) {
    const members = byPolicy.get(policy);
    members?.delete(member);
    if (members?.size === 0) byPolicy.delete(policy);
  }
};
