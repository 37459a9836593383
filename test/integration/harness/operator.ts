import { afterAll, inject } from 'vitest';
import { startCluster, type Cluster } from '../../../hack/cluster/cluster.ts';
import { installOperator } from '../../../hack/cluster/operator.ts';

/** The operator that runs beside the shared cluster for the whole run. */
export interface SharedOperator {
  readonly healthUrl: string;
  readonly webhookUrl: string;
  readonly logPath: string;
}

declare module 'vitest' {
  interface ProvidedContext {
    operator: SharedOperator;
  }
}

/** Where the shared operator is; it must not be stopped. */
export const sharedOperator = (): SharedOperator => inject('operator');

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
