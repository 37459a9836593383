import { type Cluster, startCluster } from '../../hack/cluster/cluster.ts';
import type { KubernetesObject, RestClient } from '../../hack/cluster/client.ts';
import { installOperator, type Replica } from '../../hack/cluster/operator.ts';
import { ensureToolchain } from '../../hack/cluster/toolchain.ts';
import { waitFor } from '../../hack/cluster/wait-for.ts';
import { say } from '../../hack/say.ts';
import { aPolicy, manifestOf } from '../builders/policy.ts';
import { forEach } from './connections.ts';

const programmedMs = 180_000;

/**
 * A control plane with the operator installed but not running, and with these namespaces. Of it only etcd and the API
 * server still run: nobody else may touch the pods or take the processor from what is measured.
 */
export const aBenchCluster = async (namespaces: readonly string[]): Promise<Cluster> => {
  const cluster = await startCluster({ binaries: await ensureToolchain({ log: say }) });
  await installOperator(cluster);
  const { admin } = cluster;
  await forEach(namespaces, async (name) => {
    await admin.post('/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
  });
  await waitFor('a ServiceAccount in every namespace', async () => {
    const accounts = await admin.list('/api/v1/serviceaccounts?fieldSelector=metadata.name%3Ddefault');
    return accounts.length >= namespaces.length;
  });
  for (const name of ['kwok', 'kube-scheduler', 'kube-controller-manager'] as const) {
    await cluster.component(name).kill();
  }
  return cluster;
};

/** Creates one policy for each app of the namespaces and waits until admission answers by all of them. */
export const addPolicies = async (
  admin: RestClient,
  added: readonly { readonly namespace: string; readonly apps: number }[],
): Promise<void> => {
  const policies = added.flatMap(({ namespace, apps }) =>
    Array.from({ length: apps }, (_, app) =>
      aPolicy({
        namespace,
        name: `policy-${app}`,
        spec: { selector: { matchLabels: { app: `app-${app}` } } },
      }),
    ),
  );
  await forEach(policies, (policy) =>
    admin.post(
      `/apis/spotpolicy.dev/v1alpha1/namespaces/${policy.metadata.namespace}/spotpolicies`,
      manifestOf(policy),
    ),
  );
  const isProgrammed = ({ status }: KubernetesObject): boolean =>
    JSON.stringify(status ?? {}).includes('"reason":"Programmed"');
  const all = async (): Promise<true> => {
    const known = await admin.list('/apis/spotpolicy.dev/v1alpha1/spotpolicies');
    const waiting = known.filter((policy) => !isProgrammed(policy)).length;
    if (waiting > 0) throw new Error(`${waiting} of ${known.length} policies are not Programmed`);
    return true;
  };
  await waitFor('every policy to be Programmed', all, { timeoutMs: programmedMs });
};

/** Deletes all pods of the namespaces; resolves when they are gone, for the operator too where one runs. */
export const deletePods = async (
  admin: RestClient,
  namespaces: readonly string[],
  replica?: Replica,
): Promise<void> => {
  await forEach(namespaces, (namespace) =>
    admin.delete(`/api/v1/namespaces/${namespace}/pods?gracePeriodSeconds=0`),
  );
  if (replica === undefined) return;
  await waitFor('the operator to have seen the pods go', async () =>
    /^spot_world_objects\{kind="Pod"\} 0$/m.test(await replica.metrics()),
  );
};
