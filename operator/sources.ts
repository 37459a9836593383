import { connect, filter, merge, mergeMap, type Observable, take } from 'rxjs';
import type { Kube, Selection } from './kube/kube.ts';
import { type Resource, resources } from './kube/resources.ts';
import { listWatchCalls, listWatchOptions, type WatchLength } from './kube/list-watch-calls.ts';
import { listWatch } from './runtime/list-watch.ts';
import {
  trimBudget,
  trimCronJob,
  trimDefinition,
  trimDeployment,
  trimJob,
  trimNamespace,
  trimNode,
  trimReplicaSet,
  trimStatefulSet,
  trimWebhook,
} from './world/objects.ts';
import { trimEvent } from './world/platform-event.ts';
import { trimPod } from './world/pod.ts';
import { trimClusterPolicy, trimPolicy } from './world/policy.ts';
import { trimClaim, trimQuota } from './world/room.ts';
import type { Change, Kind, Kinds, View } from './world/view.ts';
import type { World } from './world/world.ts';

/** One list-watch of the cluster, delivered into a world; emits the steps it makes there. Neither completes nor errors. */
export type Source = (world: World) => Observable<Change>;

type Trim<K extends Kind> = (raw: never) => Kinds[K];
type Row<K extends Kind> = readonly [Resource<'list' | 'watch'>, Trim<K>, Selection?];

const platformEvents = (reason: string): Selection => ({
  fieldSelector: `reason=${reason},involvedObject.kind=Pod`,
});
const metadataOnly: Selection = { metadataOnly: true };
// Only these fields tell which keys of a template our field manager owns, and who else writes the webhook configuration or
// the status of a policy.
const managedFields: Selection = { managedFields: true };

// Every kind of the world, where it comes from, and what is kept of it.
const rows = (webhookName: string): { readonly [K in Kind]: Row<K> } => ({
  Pod: [resources.pods, trimPod],
  SpotPolicy: [resources.spotPolicies, trimPolicy, managedFields],
  ClusterSpotPolicy: [resources.clusterSpotPolicies, trimClusterPolicy, managedFields],
  Namespace: [resources.namespaces, trimNamespace],
  Node: [resources.nodes, trimNode, metadataOnly],
  PodDisruptionBudget: [resources.podDisruptionBudgets, trimBudget],
  PersistentVolumeClaim: [resources.persistentVolumeClaims, trimClaim],
  ResourceQuota: [resources.resourceQuotas, trimQuota],
  Deployment: [resources.deployments, trimDeployment, managedFields],
  ReplicaSet: [resources.replicaSets, trimReplicaSet, managedFields],
  StatefulSet: [resources.statefulSets, trimStatefulSet, managedFields],
  Job: [resources.jobs, trimJob, managedFields],
  CronJob: [resources.cronJobs, trimCronJob, managedFields],
  ReclaimEvent: [resources.events, trimEvent, platformEvents('SpotToBeReleased')],
  DegradeEvent: [resources.events, trimEvent, platformEvents('SpotDegraded')],
  Webhook: [
    resources.mutatingWebhookConfigurations,
    trimWebhook,
    { ...metadataOnly, ...managedFields, fieldSelector: `metadata.name=${webhookName}` },
  ],
  CustomResourceDefinition: [resources.customResourceDefinitions, trimDefinition, metadataOnly],
});

/** Every kind of the world. */
export const allKinds = Object.keys(rows('')) as readonly Kind[];

/** Without these nothing can be decided: labels of namespaces say which policies there are, and who opts out. */
export const requiredKinds: readonly Kind[] = ['Pod', 'Namespace', 'SpotPolicy', 'ClusterSpotPolicy'];

/** What nothing can be decided without and has not been listed yet, in words; undefined once all of it has. */
export const waitingFor = (view: Pick<View, 'synced'>): string | undefined => {
  const missing = requiredKinds.filter((kind) => !view.synced(kind));
  return missing.length > 0 ? `waiting for the first list of ${missing.join(', ')}` : undefined;
};

/** What the sources need beside the client; without a length their watches last as long as client-go's. */
export interface SourceParts {
  readonly random: () => number;
  readonly nowMs: () => number;
  readonly watchLength?: WatchLength;
}

/** Every source of the world, over one client. */
export const sourcesOf = (
  kube: Kube,
  webhookName: string,
  { random, nowMs, watchLength }: SourceParts,
): readonly Source[] => {
  const table = rows(webhookName);
  const options = listWatchOptions(random, watchLength);
  const source =
    <K extends Kind>(kind: K): Source =>
    (world) => {
      const [resource, trim, selection = {}]: Row<K> = table[kind];
      const calls = listWatchCalls(kube, resource, { ...selection, trim });
      return listWatch<Kinds[K]>(calls, options).pipe(
        mergeMap((watched) => world.apply(kind, watched, nowMs())),
      );
    };
  const ofPods: readonly Kind[] = ['ReclaimEvent', 'DegradeEvent'];
  const others = allKinds.filter((kind) => kind !== 'Pod' && !ofPods.includes(kind));
  return [...others.map((kind) => source(kind)), afterFirstList(source('Pod'), ofPods.map(source))];
};

/**
 * A source, and others that begin once it has been listed. The world keeps few Events whose pods it does not hold, so
 * the first listing of Events, which may be an hour's, must find the pods there.
 */
const afterFirstList =
  (source: Source, others: readonly Source[]): Source =>
  (world) =>
    source(world).pipe(
      connect((change$) =>
        merge(
          change$,
          change$.pipe(
            filter(({ kind }) => kind === 'Synced'),
            take(1),
            mergeMap(() => merge(...others.map((other) => other(world)))),
          ),
        ),
      ),
    );
