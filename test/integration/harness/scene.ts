import { filter, map, type Observable } from 'rxjs';
import type { Event, Pod } from 'kubernetes-types/core/v1.js';
import type { PodDisruptionBudget, PodDisruptionBudgetStatus } from 'kubernetes-types/policy/v1.js';
import type {
  InterruptionEntry,
  SpotPolicySpecInput,
  SpotPolicyStatus,
} from '../../../operator/api/index.ts';
import type { SpotPolicyObject } from '../../../operator/api/spot-policy.ts';
import type { Access } from '../../../hack/cluster/access.ts';
import { RestError } from '../../../hack/cluster/client.ts';
import { aPolicy } from '../../builders/policy.ts';
import { aNamespace, sharedCluster, waitFor } from './cluster.ts';
import { follow$ } from './follow.ts';
import {
  aProgrammedPolicy,
  create,
  interruptionOf,
  isReady,
  pathTo,
  readyPods,
  statusOf,
} from './objects.ts';

/** A namespace whose one policy, `spot`, governs every pod; the pods carry their annotations by themselves. */
export interface Scene {
  readonly admin: Access['admin'];
  readonly namespace: string;
  create<T extends { kind?: string; metadata?: object }>(manifest: T): Promise<T>;
  /** A merge patch. */
  patch(kind: string, name: string, body: object): Promise<unknown>;
  delete(kind: string, name: string): Promise<void>;
  /** The pods of an app once that many are Running and Ready. */
  ready(app: string, count: number): Promise<Pod[]>;
  /** The only pod of an app, once it is Running and Ready. */
  one(app: string): Promise<Pod>;
  /** The pod of this UID as it is now; undefined when it is gone, whoever has its name. */
  find(pod: Pod): Promise<Pod | undefined>;
  /** The policy's entry about a pod once it satisfies `holds`. */
  entry(
    pod: Pod,
    holds: (entry: InterruptionEntry) => boolean,
    timeoutMs?: number,
  ): Promise<InterruptionEntry>;
  /** The policy's status as it is now. */
  status(): Promise<SpotPolicyStatus>;
  /** The policy's status once it satisfies `holds`. */
  statusWith(holds: (status: SpotPolicyStatus) => boolean): Promise<SpotPolicyStatus>;
  /** The status of a budget once it satisfies `holds`. */
  budgetWith(
    name: string,
    holds: (status: PodDisruptionBudgetStatus) => boolean,
  ): Promise<PodDisruptionBudgetStatus>;
  /** Events about an object by its UID, the operator's and the platform's. */
  events(uid: string): Promise<Event[]>;
}

/**
 * Makes a scene with the policy in force; `cluster` is another than the shared one. Pods are evicted as they are, without
 * waiting for their replacements, unless a test asks for that.
 */
export const aScene = async (
  interruption: NonNullable<SpotPolicySpecInput['interruption']> = {},
  cluster?: Pick<Access, 'admin'>,
): Promise<Scene> => {
  const { admin } = cluster ?? (await sharedCluster());
  const namespace = await aNamespace(cluster === undefined ? {} : { cluster });
  const settings = { replacement: 'AfterEviction' as const, ...interruption };
  const spec = {
    selector: {},
    strategy: undefined,
    injection: { at: 'None' } as const,
    interruption: settings,
  };
  await aProgrammedPolicy(admin, namespace, aPolicy({ name: 'spot', spec }));
  return {
    admin,
    namespace,
    create: (manifest) => create(admin, namespace, manifest),
    patch: (kind, name, body) => admin.patch(pathTo(kind, namespace, name), body),
    delete: (kind, name) => admin.delete(pathTo(kind, namespace, name)),
    ready: (app, count) => readyPods(admin, namespace, app, count),
    one: async (app) => {
      const [pod] = await readyPods(admin, namespace, app, 1);
      return pod ?? Promise.reject(new Error(`no pod of ${app}`));
    },
    find: (pod) => findPod(admin, pod),
    entry: (pod, holds, timeoutMs) =>
      interruptionOf(admin, { namespace, name: 'spot' }, uidOf(pod), holds, timeoutMs),
    status: () => statusOf(admin, namespace, 'spot'),
    statusWith: (holds) =>
      waitFor('the status of the policy', async () => {
        const status = await statusOf(admin, namespace, 'spot');
        return holds(status) ? status : Promise.reject(new Error(JSON.stringify(status)));
      }),
    budgetWith: (name, holds) =>
      waitFor(`the status of budget ${name}`, async () => {
        const { status } = await admin.get<PodDisruptionBudget>(
          pathTo('PodDisruptionBudget', namespace, name),
        );
        return status && holds(status) ? status : Promise.reject(new Error(JSON.stringify(status)));
      }),
    events: (uid) =>
      admin.list(
        `${pathTo('Event', namespace)}?fieldSelector=${encodeURIComponent(`involvedObject.uid=${uid}`)}`,
      ),
  };
};

/** The UID of an object that an API server gave out. */
export const uidOf = ({ metadata }: { metadata?: { uid?: string } }): string => {
  if (metadata?.uid === undefined)
    throw new Error('the object has no metadata.uid; take it from the API server');
  return metadata.uid;
};

const findPod = async (admin: Access['admin'], pod: Pod): Promise<Pod | undefined> => {
  try {
    const found = await admin.get<Pod>(pathTo('Pod', pod.metadata?.namespace ?? '', pod.metadata?.name));
    return uidOf(found) === uidOf(pod) ? found : undefined;
  } catch (error) {
    if (error instanceof RestError && error.status === 404) return undefined;
    throw error;
  }
};

/** Merges `spec` into the policy of a scene and resolves when its status, which a leader writes, is about that edition. */
export const editPolicy = async (
  { admin, namespace, statusWith }: Pick<Scene, 'admin' | 'namespace' | 'statusWith'>,
  spec: object,
): Promise<void> => {
  const path = pathTo('SpotPolicy', namespace, 'spot');
  const { metadata } = await admin.patch<SpotPolicyObject>(path, { spec });
  await statusWith(({ observedGeneration }) => observedGeneration === metadata.generation);
};

/** Ends the grace of pods that are being deleted: they stop now. */
export const letGo = async (
  { admin, namespace }: Pick<Scene, 'admin' | 'namespace'>,
  pods: readonly Pod[],
): Promise<void> => {
  const ended = pods.map(async (pod) => {
    const options = { gracePeriodSeconds: 1, preconditions: { uid: uidOf(pod) } };
    const path = pathTo('Pod', namespace, pod.metadata?.name);
    await admin.delete(path, options).catch((error: unknown) => {
      if (!(error instanceof RestError && error.status === 404)) throw error;
    });
  });
  await Promise.all(ended);
};

/** Resolves when the pod of this UID is gone. */
export const isGone = (scene: Scene, pod: Pod): Promise<true> =>
  waitFor(`pod ${pod.metadata?.name} to be gone`, async () => (await scene.find(pod)) === undefined, {
    timeoutMs: 60_000,
  });

/** Resolves at an instant of the machine's clock. */
export const clockReaches = (atMs: number): Promise<true> =>
  waitFor('the clock', () => Date.now() >= atMs, { timeoutMs: Math.max(0, atMs - Date.now()) + 5_000 });

/** How often something was told about an object, repetitions counted. */
export const timesTold = (events: readonly Event[], reason: string): number =>
  events.filter((event) => event.reason === reason).reduce((sum, { count }) => sum + (count ?? 1), 0);

/**
 * The Events about an object once there is one for this reason. The operator writes Events after the status, and one
 * after the other: with the last expected one every earlier one is there.
 */
export const eventsUpTo = (
  scene: Pick<Scene, 'events'>,
  object: { metadata?: { uid?: string } },
  reason: string,
): Promise<Event[]> =>
  waitFor(`the Event ${reason}`, async () => {
    const events = await scene.events(uidOf(object));
    return timesTold(events, reason) > 0 && events;
  });

/** Whether anybody has begun to remove the pod, or noted an interruption on it. */
export const isTouched = ({ metadata, status }: Pod): boolean =>
  metadata?.deletionTimestamp !== undefined ||
  metadata?.annotations?.['spotpolicy.dev/interruption'] !== undefined ||
  (status?.conditions ?? []).some(({ type }) => type === 'DisruptionTarget');

/** What a watch saw until now, which throws if the watch ended by itself; `stop` ends it. */
export interface Watched<T> {
  readonly seen: readonly T[];
  stop(): void;
}

const collect = <T>(source$: Observable<T>): Watched<T> => {
  const seen: T[] = [];
  let failure: unknown;
  const watching = source$.subscribe({
    next: (value) => seen.push(value),
    error: (error: unknown) => (failure = error),
    complete: () => (failure = new Error('the API server ended the watch')),
  });
  return {
    get seen() {
      if (failure !== undefined) throw failure;
      return seen;
    },
    stop: () => watching.unsubscribe(),
  };
};

/** Every status that a budget has from now on, the present one first. */
export const watchBudget = (
  { admin, namespace }: Pick<Scene, 'admin' | 'namespace'>,
  name: string,
): Watched<PodDisruptionBudgetStatus> => {
  const path = `${pathTo('PodDisruptionBudget', namespace)}?fieldSelector=metadata.name%3D${name}`;
  return collect(
    admin.watch$<PodDisruptionBudget>(path).pipe(
      map(({ object }) => object.status),
      filter((status) => status !== undefined),
    ),
  );
};

/** Every state that the pods of a scene have from now on, the present ones first. */
export const watchPods = (scene: Pick<Scene, 'admin' | 'namespace'>): Watched<Pod> =>
  watchAll<Pod>(scene, 'Pod');

/** Every state that the objects of a kind have in a scene from now on, the present ones first. */
export const watchAll = <T extends object>(
  { admin, namespace }: Pick<Scene, 'admin' | 'namespace'>,
  kind: string,
): Watched<T> => collect(follow$<T>(admin, pathTo(kind, namespace)));

/** Follows a pod; afterwards gives the kinds of its controllers, one after the other. */
export const followOwners = async (
  scene: Pick<Scene, 'admin' | 'namespace'>,
  pod: Pod,
): Promise<() => readonly (string | undefined)[]> => {
  const pods = watchPods(scene);
  await waitFor('the watch', () => pods.seen.length > 0);
  return () => {
    pods.stop();
    const owners = pods.seen
      .filter((seen) => uidOf(seen) === uidOf(pod))
      .map(({ metadata }) => metadata?.ownerReferences?.[0]?.kind);
    return owners.filter((kind, index) => kind !== owners[index - 1]);
  };
};

/** The fewest pods that served at any version which the API server had of them, in the order of the watch. */
export const fewestServing = (seen: readonly Pod[], from: number): number => {
  const serving = new Set<string>();
  const counts = seen.map((pod) => {
    const serves = isReady(pod) && pod.metadata?.deletionTimestamp === undefined;
    if (serves) serving.add(uidOf(pod));
    else serving.delete(uidOf(pod));
    return serving.size;
  });
  return Math.min(...counts.slice(from));
};
