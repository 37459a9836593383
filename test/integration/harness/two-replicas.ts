import type { Cluster } from '../../../hack/cluster/cluster.ts';
import { type Replica, type ReplicaOptions, startReplica } from '../../../hack/cluster/operator.ts';
import { waitFor } from './cluster.ts';
import { counterOf } from './counters.ts';
import { anOwnCluster } from './operator.ts';
import { readWebhook } from './webhook-configuration.ts';

/** Two replicas of one installation on a cluster of the test file's own. */
export interface TwoReplicas {
  readonly cluster: Cluster;
  readonly leader: Replica;
  readonly follower: Replica;
}

/** How long the lease of these replicas outlives its holder, in seconds: short enough for a test to wait for. */
export const leaseSeconds = 6;

const lease = [
  ...['--lease-seconds', String(leaseSeconds), '--lease-renew-deadline-seconds', '4'],
  ...['--lease-retry-seconds', '0.5'],
];

/** Starts the replicas `first`, which leads, and `second`; they end with the file. */
export const twoReplicas = async (flags: readonly string[] = []): Promise<TwoReplicas> => {
  const cluster = await anOwnCluster();
  const leader = await startCandidate(cluster, 'first', { flags });
  await waitFor('the first replica to lead', () => leads(leader));
  return { cluster, leader, follower: await startCandidate(cluster, 'second', { flags }) };
};

/** Starts a replica that the Lease knows by this name. */
export const startCandidate = (
  cluster: Cluster,
  identity: string,
  options: Pick<ReplicaOptions, 'serverUrl' | 'nodeFlags' | 'flags'> = {},
): Promise<Replica> =>
  startReplica(cluster, {
    ...options,
    flags: [...lease, '--identity', identity, ...(options.flags ?? [])],
  });

/** Whether a replica holds the lease, as it says itself. */
export const leads = async (replica: Pick<Replica, 'metrics'>): Promise<boolean> =>
  (await counterOf(replica, 'spot_leader')) === 1;

/** Resolves when a replica leads and the API server is told to ask it, which may take it a moment more to do. */
export const takesOver = async ({ admin }: Pick<Cluster, 'admin'>, replica: Replica): Promise<void> => {
  await waitFor('the other replica to lead', () => leads(replica));
  await waitFor('the webhook configuration to name it', async () => {
    return (await readWebhook(admin))?.webhooks?.[0]?.clientConfig.url === replica.webhookUrl;
  });
};
