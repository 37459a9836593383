import type { RestClient } from '../../hack/cluster/client.ts';
import type { Replica } from '../../hack/cluster/operator.ts';
import type { Connections } from './connections.ts';
import { measure, type Measurements } from './measure.ts';
import { deletePods } from './place.ts';
import { restingMiB } from './processes.ts';
import type { Way } from './ways.ts';

/** The operator's resident memory in MiB, without a pod in the cluster, before and after so many creations. */
export interface Memory {
  readonly beforeMiB: number;
  readonly afterMiB: number;
  readonly creations: number;
}

const clients = 50;
const portion = 1_000;

/** Creates many governed pods, in each way by turns, and watches the operator's memory. Pods are deleted meanwhile. */
export const soak = async (
  {
    connections,
    admin,
    record,
    replica,
  }: { connections: Connections; admin: RestClient; record: Measurements; replica: Replica },
  ways: readonly Way[],
  creations: number,
): Promise<Memory> => {
  const beforeMiB = await restingMiB(replica.pid);
  let deleted: Promise<void> = Promise.resolve();
  for (let created = 0; created < creations; created += portion) {
    for (const way of ways) {
      const count = Math.min(portion, creations) / ways.length;
      await measure(connections, record, { ...way, name: 'soak' }, { clients, creations: count });
      await deleted;
      deleted = deletePods(admin, way.namespaces);
    }
  }
  await deleted;
  for (const way of ways) await deletePods(admin, way.namespaces, replica);
  return { beforeMiB, afterMiB: await restingMiB(replica.pid), creations };
};
