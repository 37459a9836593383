import type { TestProject } from 'vitest/node';
import { startCluster } from '../../hack/cluster/cluster.ts';
import { installOperator, startReplica } from '../../hack/cluster/operator.ts';
import { ensureToolchain } from '../../hack/cluster/toolchain.ts';
import { say } from '../../hack/say.ts';
import { passedOver, unhurriedAdmission } from './harness/api-server.ts';

/** Starts the one cluster that all integration tests of a run share, with an operator, and ends both after the last. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const binaries = await ensureToolchain({ log: say });
  project.provide('binaries', binaries);
  const cluster = await startCluster({ binaries });
  say(`shared cluster ready in ${(cluster.startedInMs / 1000).toFixed(1)} s`);
  project.provide('cluster', cluster.data);
  await installOperator(cluster);
  await startReplica(cluster, { flags: unhurriedAdmission });
  return async () => {
    // A pod without its policy may be one of these.
    const reviews = await passedOver(cluster).catch(() => 0);
    if (reviews > 0) say(`the API server of the shared cluster passed over ${reviews} admission reviews`);
    await cluster.stop();
  };
}
