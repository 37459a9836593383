import { readFile } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';
import type { RestClient } from '../../hack/cluster/client.ts';
import type { Replica } from '../../hack/cluster/operator.ts';
import type { Load } from './load.ts';
import { measure, type Measurements } from './measure.ts';
import { deletePods } from './place.ts';
import { quantile } from './statistics.ts';
import type { Way } from './ways.ts';

/** The operator's resident memory in MiB, without a pod in the cluster, before and after so many creations. */
export interface Memory {
  readonly beforeMiB: number;
  readonly afterMiB: number;
  readonly creations: number;
}

const clients = 50;
const portion = 1_000;

const residentMiB = async (pid: number): Promise<number> => {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) / 1024;
};

// The collector runs when it sees fit, so one look may fall before it and the next after.
const restingMiB = async (pid: number): Promise<number> => {
  const looks: number[] = [];
  for (let look = 0; look < 11; look += 1) {
    looks.push(await residentMiB(pid));
    await pause(200);
  }
  return quantile(looks, 0.5);
};

/** Creates many governed pods, in each way by turns, and watches the operator's memory. Pods are deleted meanwhile. */
export const soak = async (
  { load, admin, record, replica }: { load: Load; admin: RestClient; record: Measurements; replica: Replica },
  ways: readonly Way[],
  creations: number,
): Promise<Memory> => {
  const beforeMiB = await restingMiB(replica.pid);
  let deleted: Promise<void> = Promise.resolve();
  for (let created = 0; created < creations; created += portion) {
    for (const way of ways) {
      const count = Math.min(portion, creations) / ways.length;
      await measure(load, record, { ...way, name: 'soak' }, { clients, creations: count });
      await deleted;
      deleted = deletePods(admin, way.namespaces);
    }
  }
  await deleted;
  for (const way of ways) await deletePods(admin, way.namespaces, replica);
  return { beforeMiB, afterMiB: await restingMiB(replica.pid), creations };
};
