import { onTestFinished } from 'vitest';
import { createKube } from '../../../operator/kube/client.ts';
import type { Kube } from '../../../operator/kube/kube.ts';
import { sharedCluster } from '../harness/cluster.ts';

/** A client by a kubeconfig; closed with the test. */
export const kubeOf = (kubeconfig: string): Kube => {
  const kube = createKube({ kubeconfig, connections: 8, version: 'test' });
  onTestFinished(() => kube.close());
  return kube;
};

/** A client of the shared cluster that may do everything. */
export const asAdmin = async (): Promise<Kube> => kubeOf((await sharedCluster()).adminKubeconfigPath);
