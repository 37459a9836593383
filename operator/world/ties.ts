import type { Affinity, Container, PodSpec, Volume } from 'kubernetes-types/core/v1.d.ts';
import type { LabelSelector } from 'kubernetes-types/meta/v1.d.ts';

/** What may keep a second pod like this one from running beside it. */
export interface Ties {
  /** PersistentVolumeClaims that it mounts, by name. */
  readonly claims: readonly string[];
  /** Volumes that one machine at a time may hold, by name. */
  readonly heldVolumes: readonly string[];
  /** It uses the network of its node, on ports that it need not name. */
  readonly hostNetwork: boolean;
  /** Ports of its node, such as `TCP/80`. */
  readonly hostPorts: readonly string[];
  /** Pods of its own namespace beside which it must not run. */
  readonly avoids: readonly Avoided[];
  /** It has more ports, or rules about other pods, than are kept of it. */
  readonly beyond: boolean;
}

// Each is compared with all pods of the namespace: what a user writes must not make a look long.
const mostPorts = 16;
const mostAvoided = 8;
const mostTexts = 64;

/** Pods that must not run in one domain with another, such as on one node or in one zone. */
export interface Avoided {
  /** The label of nodes that names the domain. */
  readonly topologyKey: string;
  readonly selector: LabelSelector;
}

/** What ties a pod of this spec; undefined where nothing does, as for most. */
export const tiesOf = (spec: PodSpec | undefined, namespace: string): Ties | undefined => {
  const volumes = spec?.volumes ?? [];
  const containers = [...(spec?.initContainers ?? []), ...(spec?.containers ?? [])];
  const hostPorts = containers.flatMap(hostPortsOf);
  const avoids = avoidedBy(spec?.affinity, namespace);
  const kept = avoids.filter(({ selector }) => textsIn(selector) <= mostTexts).slice(0, mostAvoided);
  const ties: Ties = {
    claims: volumes.flatMap(({ persistentVolumeClaim: claim }) => claim?.claimName ?? []),
    heldVolumes: volumes.filter(isHeld).map(({ name }) => name),
    hostNetwork: spec?.hostNetwork === true,
    hostPorts: hostPorts.slice(0, mostPorts),
    avoids: kept,
    beyond: hostPorts.length > mostPorts || avoids.length > kept.length,
  };
  const lists = [ties.claims, ties.heldVolumes, ties.hostPorts, ties.avoids];
  return ties.hostNetwork || ties.beyond || lists.some(({ length }) => length > 0) ? ties : undefined;
};

// Disks and targets that are attached to one machine for writing; a cloud disk by FlexVolume is how ACK names its own.
const disks = [
  'awsElasticBlockStore',
  'azureDisk',
  'cinder',
  'fc',
  'flexVolume',
  'gcePersistentDisk',
  'iscsi',
  'rbd',
  'vsphereVolume',
] as const satisfies readonly (keyof Volume)[];

const isHeld = (volume: Volume): boolean =>
  disks.some((kind) => {
    const source: object | undefined = volume[kind];
    return source !== undefined && !('readOnly' in source && source.readOnly === true);
  });

const hostPortsOf = ({ ports = [] }: Container): readonly string[] =>
  ports.flatMap(({ hostPort, protocol = 'TCP' }) => (hostPort ? [`${protocol}/${hostPort}`] : []));

const avoidedBy = (affinity: Affinity | undefined, namespace: string): readonly Avoided[] =>
  (affinity?.podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? [])
    .filter(
      ({ namespaces, namespaceSelector }) =>
        namespaces?.includes(namespace) || namespaceSelector !== undefined || !namespaces?.length,
    )
    .flatMap(({ topologyKey, labelSelector: selector }) => (selector ? [{ topologyKey, selector }] : []));

const textsIn = ({ matchLabels = {}, matchExpressions = [] }: LabelSelector): number =>
  matchExpressions.reduce((sum, { values = [] }) => sum + 1 + values.length, Object.keys(matchLabels).length);
