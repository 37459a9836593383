import { Collection } from './collection.ts';
import { byController, type ObjectKey } from './object.ts';
import { isHeldKind, type Workload, type WorkloadKind } from './objects.ts';
import type { GroupKind } from './owner-kinds.ts';

/** How workloads are found: by the key of their controller, and those with a template by namespace. */
export type WorkloadIndex = 'controller' | 'template';

const aCollection = () =>
  new Collection<Workload, WorkloadIndex>({
    controller: byController,
    template: ({ template, namespace }) => (template ? [namespace] : []),
  });

/** The workloads of every kind that the world holds from the start. */
export class Workloads {
  readonly byKind: Readonly<Record<WorkloadKind, Collection<Workload, WorkloadIndex>>> = {
    Deployment: aCollection(),
    ReplicaSet: aCollection(),
    StatefulSet: aCollection(),
    Job: aCollection(),
    CronJob: aCollection(),
  };

  /** The workloads of a kind; undefined for kinds that are not held. */
  of({ group, kind }: GroupKind): Collection<Workload, WorkloadIndex> | undefined {
    return isHeldKind(kind, group) ? this.byKind[kind] : undefined;
  }

  /** The workload that a reference names; undefined where it is not held, or is in another namespace. */
  get({ namespace, uid, ...of }: ObjectKey): Workload | undefined {
    const known = this.of(of)?.byUid(uid);
    return known?.namespace === namespace ? known : undefined;
  }

  /** Those that the object of an `objectKey` controls. */
  controlledBy(key: string): readonly Workload[] {
    return Object.values(this.byKind).flatMap((workloads) => [...workloads.group('controller', key)]);
  }

  /** Whether objects of this source are workloads. */
  has(source: string): source is WorkloadKind {
    return Object.hasOwn(this.byKind, source);
  }
}
