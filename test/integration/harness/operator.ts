import { inject } from 'vitest';
import { startCluster, type Cluster } from '../../../hack/cluster/cluster.ts';
import { installOperator } from '../../../hack/cluster/operator.ts';
import { atEndOfFile } from './endings.ts';

/** A cluster of the test file's own with everything installed but no operator running; it ends with the file. */
export const anOwnCluster = async (): Promise<Cluster> => {
  const cluster = await startCluster({ binaries: inject('binaries') });
  atEndOfFile(() => cluster.stop());
  await installOperator(cluster);
  return cluster;
};
