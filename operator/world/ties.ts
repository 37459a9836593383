import type { Affinity, Container, PodSpec, Volume } from 'kubernetes-types/core/v1.d.ts';
import type { LabelSelector } from 'kubernetes-types/meta/v1.d.ts';

/** What may keep a second pod like this one from running beside it. */
export interface Ties {
  /** PersistentVolumeClaims that it mounts, by name. */
  readonly claims: readonly string[];
  /** Volumes that one machine at a time may hold, by name. */
  readonly heldVolumes: readonly string[];
  readonly hostPort: boolean;
  /** Selectors of pods of its own namespace beside which it must not run. */
  readonly avoids: readonly LabelSelector[];
}

/** What ties a pod of this spec; undefined where nothing does, as for most. */
export const tiesOf = (spec: PodSpec | undefined, namespace: string): Ties | undefined => {
  const volumes = spec?.volumes ?? [];
  const containers = [...(spec?.initContainers ?? []), ...(spec?.containers ?? [])];
  const ties: Ties = {
    claims: volumes.flatMap(({ persistentVolumeClaim: claim }) => claim?.claimName ?? []),
    heldVolumes: volumes.filter(isHeld).map(({ name }) => name),
    hostPort: spec?.hostNetwork === true || containers.some(usesHostPort),
    avoids: avoidedBy(spec?.affinity, namespace),
  };
  const isFree = ties.claims.length + ties.heldVolumes.length + ties.avoids.length === 0 && !ties.hostPort;
  return isFree ? undefined : ties;
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

const usesHostPort = ({ ports = [] }: Container): boolean => ports.some(({ hostPort }) => Boolean(hostPort));

const avoidedBy = (affinity: Affinity | undefined, namespace: string): readonly LabelSelector[] =>
  (affinity?.podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? [])
    .filter(
      ({ namespaces, namespaceSelector }) =>
        namespaces?.includes(namespace) || namespaceSelector !== undefined || !namespaces?.length,
    )
    .flatMap(({ labelSelector }) => labelSelector ?? []);
