import { ourAnnotations, ourLabels, specifiedDelete } from '../api/keys.ts';
import type { Kube } from '../kube/kube.ts';
import { isConflict, isNotFound, isUnsure, lacksRight, mayBeDone } from '../kube/errors.ts';
import type { EvictionAnswer } from '../kube/eviction.ts';
import { resources } from '../kube/resources.ts';
import type { Interruption } from '../world/interruption.ts';
import { apiTime, type Identity } from '../world/object.ts';
import type { Effect } from './look.ts';
import { writeMark } from './mark.ts';
import type { Answer } from './settle.ts';

/** What the calls of this room need. */
export interface EffectOptions {
  readonly kube: Kube;
  readonly nowMs: () => number;
  /** Aborts the call: the lease ends. */
  readonly signal: AbortSignal;
}

// As JSON Pointer spells a key.
const pointer = (key: string): string => key.replaceAll('~', '~0').replaceAll('/', '~1');

/** A pod that calls are about, with what recreates it. */
export type Doomed = Identity & Pick<Interruption, 'workload'>;

/** Does one thing to one pod, never to its namesake, and says what it came to. Does not throw for what an API server answers. */
export const perform = async (pod: Doomed, effect: Effect, options: EffectOptions): Promise<Answer> => {
  switch (effect.kind) {
    case 'Evict':
      return evict(pod, effect.graceSeconds, options);
    case 'Mark':
      return attempt('writing its interruption', () => mark(pod, writeMark(effect.mark), options));
    case 'Delete':
      return attempt('deleting it', () => remove(pod, effect, options), mayBeDone);
    case 'Remove':
      return attempt(
        'deleting it',
        () => remove(pod, { ...effect, pretendDisruption: false }, options),
        mayBeDone,
      );
    case 'Detach':
      return move('starting its replacement', pod, detaching(effect), options);
    case 'Delegate':
      return attempt('telling its CloneSet to replace it', () =>
        mark(pod, writeMark(effect.mark), options, delegated),
      );
    case 'Attach':
      return move('putting it back into its ReplicaSet', pod, attaching(pod, effect), options);
  }
};

/**
 * Deletes the object of a pod that has ended, never its namesake; one that is gone already is as good. Throws what else
 * the API server answers.
 */
export const removeLeftover = async (kube: Kube, pod: Identity, signal: AbortSignal): Promise<void> => {
  try {
    await kube.delete(resources.pods, pod, { uid: pod.uid, signal });
  } catch (error) {
    if (!isNotFound(error) && !isConflict(error)) throw error;
  }
};

const evict = async (pod: Doomed, graceSeconds: number, options: EffectOptions): Promise<Answer> => {
  const { kube, signal } = options;
  const seen = comesBack(pod) ? await readAgain(pod, options) : undefined;
  if (seen && seen.kind !== 'Done') return seen;
  return answerOf(await kube.evict(pod, { uid: pod.uid, gracePeriodSeconds: graceSeconds, signal }));
};

// Controllers that give each pod a name of its own.
const namers: readonly string[] = ['apps/Deployment', 'apps/ReplicaSet', 'batch/Job'];

const comesBack = ({ workload }: Doomed): boolean =>
  workload === undefined || !namers.includes(`${workload.group}/${workload.kind}`);

// The Eviction API spends the budget before it compares UIDs, and the world may lag behind: after a pause of this
// process every timer fires before the first watch event is read. So a pod whose name can come back is read again.
const readAgain = async (pod: Doomed, { kube, signal }: EffectOptions): Promise<Answer> => {
  let uid: string | undefined;
  const answer = await attempt('reading it', async () => {
    uid = (await kube.get(resources.pods, pod, { signal })).metadata.uid;
  });
  return answer.kind === 'Done' && uid !== pod.uid ? { kind: 'Gone' } : answer;
};

// A merge patch that names the UID fails with a conflict when the name belongs to another pod.
const mark = async (
  pod: Identity,
  text: string,
  { kube, signal }: EffectOptions,
  labels: Readonly<Record<string, string>> = {},
): Promise<void> => {
  const body = { metadata: { uid: pod.uid, labels, annotations: { [ourAnnotations.interruption]: text } } };
  await kube.patch(resources.pods, pod, { type: 'merge', body }, { signal });
};

// The label stays: a CloneSet that comes to it late does what it would have done.
const delegated = { [specifiedDelete]: 'true', [ourLabels.reclaiming]: 'true' };

const remove = async (
  pod: Identity,
  { graceSeconds, pretendDisruption }: Omit<Effect & { kind: 'Delete' }, 'kind'>,
  { kube, signal, nowMs }: EffectOptions,
): Promise<void> => {
  if (pretendDisruption) await markDisrupted(pod, kube, signal, nowMs()).catch(unlessUnsure);
  await kube.delete(resources.pods, pod, { uid: pod.uid, gracePeriodSeconds: graceSeconds, signal });
};

// Where the condition is not to be had its Job is charged, but its containers still end in time.
const unlessUnsure = (error: unknown): void => {
  if (isUnsure(error)) throw error;
};

// A deletion carries no DisruptionTarget, which a Job's podFailurePolicy asks for. Without the transition time the
// disruption controller takes the condition back at once.
const markDisrupted = async (
  pod: Identity,
  kube: Kube,
  signal: AbortSignal,
  nowMs: number,
): Promise<void> => {
  const condition = {
    type: 'DisruptionTarget',
    status: 'True',
    reason: 'DeletionBySpotPolicy',
    message: 'SpotPolicy: ECI takes the instance back and a budget blocked the eviction',
    lastTransitionTime: apiTime(nowMs),
  };
  const body = { metadata: { uid: pod.uid }, status: { conditions: [condition] } };
  await kube.patch(resources.podStatus, pod, { type: 'strategic', body }, { signal, timeoutMs: 2_000 });
};

const text = `/metadata/annotations/${pointer(ourAnnotations.interruption)}`;
const label = `/metadata/labels/${pointer(ourLabels.reclaiming)}`;

// Without blockOwnerDeletion, which takes a right to the owner's finalizers where the API server runs the admission plugin
// OwnerReferencesPermissionEnforcement. Of a pod the garbage collector needs it not.
const reference = (kind: 'Deployment' | 'ReplicaSet', { name, uid }: { name: string; uid: string }) => ({
  apiVersion: 'apps/v1',
  kind,
  name,
  uid,
  controller: true,
});

/** A pod's way from one controller to another; `changes` are made beside that. */
interface Move {
  /** The UID of the controller that the pod must have. */
  readonly from: string;
  readonly to: ReturnType<typeof reference>;
  readonly changes: readonly object[];
}

// Labels stay, so that every Service and budget goes on knowing the pod.
const detaching = ({ detached, deployment, mark: told }: Effect & { kind: 'Detach' }): Move => ({
  from: detached.origin.uid,
  to: reference('Deployment', deployment),
  changes: [
    { op: 'add', path: label, value: 'true' },
    { op: 'add', path: text, value: writeMark(told) },
  ],
});

const attaching = (pod: Doomed, { origin, mark: told }: Effect & { kind: 'Attach' }): Move => ({
  from: pod.workload?.uid ?? '',
  to: reference('ReplicaSet', origin),
  changes: [
    // Somebody may have taken it away.
    { op: 'add', path: label, value: 'true' },
    { op: 'remove', path: label },
    { op: 'add', path: text, value: writeMark(told) },
  ],
});

// A pod that is being deleted fails the last test.
const patchOf = ({ uid }: Doomed, { from, to, changes }: Move, index: number) => {
  const owner = `/metadata/ownerReferences/${index}`;
  return [
    { op: 'test', path: '/metadata/uid', value: uid },
    { op: 'test', path: `${owner}/uid`, value: from },
    { op: 'test', path: '/metadata/deletionTimestamp', value: null },
    { op: 'replace', path: owner, value: to },
    ...changes,
  ];
};

// Others may edit the list of owners between any look and the patch, but hardly each time.
const mostTries = 4;

// Nearly always the controller is the pod's first owner. Where it is not, a test fails and the pod says where it stands.
const move = (
  doing: string,
  pod: Doomed,
  { from, to, changes }: Move,
  { kube, signal }: EffectOptions,
): Promise<Answer> =>
  attempt(doing, async () => {
    let index = 0;
    for (let tries = 1; ; tries += 1) {
      try {
        const body = patchOf(pod, { from, to, changes }, index);
        await kube.patch(resources.pods, pod, { type: 'json', body }, { signal });
        return;
      } catch (error) {
        if (!isConflict(error)) throw error;
        const { metadata } = await kube.get(resources.pods, pod, { signal });
        const { ownerReferences = [], deletionTimestamp } = metadata;
        index = ownerReferences.findIndex(({ controller }) => controller === true);
        const controllerUid = metadata.uid === pod.uid ? ownerReferences[index]?.uid : undefined;
        // Done before, and its answer lost.
        if (controllerUid === to.uid) return;
        if (controllerUid !== from || deletionTimestamp !== undefined || tries === mostTries)
          throw new Error('the pod is not as it was seen', { cause: error });
      }
    }
  });

const attempt = async (
  doing: string,
  call: () => Promise<void>,
  unsure: (error: unknown) => boolean = isUnsure,
): Promise<Answer> => {
  try {
    await call();
    return { kind: 'Done' };
  } catch (error) {
    if (isNotFound(error) || isConflict(error)) return { kind: 'Gone' };
    const message = `${doing} failed: ${error instanceof Error ? error.message : String(error)}`;
    return refused(message, { forbidden: lacksRight(error), unsure: unsure(error) });
  }
};

const refused = (
  message: string,
  rest: Partial<Omit<Answer & { kind: 'Refused' }, 'kind' | 'message'>> = {},
): Answer => ({
  kind: 'Refused',
  byBudget: false,
  message,
  ...rest,
});

const answerOf = (answer: EvictionAnswer): Answer => {
  switch (answer.kind) {
    case 'accepted':
      return { kind: 'Done' };
    case 'gone':
    case 'replaced':
      return { kind: 'Gone' };
    case 'blocked':
    case 'severalBudgets':
      return refused(answer.message, { byBudget: true });
    case 'throttled':
      return refused('the API server holds this client back', { afterMs: answer.afterSeconds * 1000 });
    case 'denied':
      return refused(`the eviction was denied: ${answer.message}`);
    case 'forbidden':
      return refused(`the operator may not create pods/eviction: ${answer.message}`, { forbidden: true });
    case 'namespaceEnding':
      return refused('its namespace is being deleted', { afterMs: 10_000 });
    case 'changed':
    case 'budgetBusy':
    case 'unavailable':
      return refused(answer.message);
    case 'unknown':
      return refused(answer.message, { unsure: true });
  }
};
