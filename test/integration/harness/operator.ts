import { afterAll, inject } from 'vitest';
import { startCluster, type Cluster } from '../../../hack/cluster/cluster.ts';
import { installOperator } from '../../../hack/cluster/operator.ts';

const own: Cluster[] = [];
afterAll(async () => {
  await Promise.all(own.map((cluster) => cluster.stop()));
});

/** A cluster of the test file's own with everything installed but no operator running; it ends with the file. */
export const anOwnCluster = async (): Promise<Cluster> => {
  const cluster = await startCluster({ binaries: inject('cluster').binaries });
  own.push(cluster);
  await installOperator(cluster);
  return cluster;
};
