import type { Secret } from 'kubernetes-types/core/v1.js';
import { expect, test } from 'vitest';
import { installation } from '../../../cdk8s/operator-chart.ts';
import { startFaultProxy } from '../../../hack/cluster/fault-proxy.ts';
import { startReplica } from '../../../hack/cluster/operator.ts';
import { certificateSecretName } from '../../../operator/server/certificates.ts';
import { waitFor } from '../harness/cluster.ts';
import { anOwnCluster } from '../harness/operator.ts';

const cluster = await anOwnCluster();
const path = `/api/v1/namespaces/${installation.namespace}/secrets/${certificateSecretName}`;

test('what somebody does to the Secret of the certificates while it is not watched is noticed once it is listed anew', async () => {
  const proxy = await startFaultProxy(cluster);
  await startReplica(cluster, { serverUrl: proxy.url });
  const certificateNow = async (): Promise<string | undefined> =>
    (await cluster.admin.get<Secret>(path)).data?.['tls.crt'];
  const before = await waitFor('a certificate', certificateNow);

  // Nothing of what follows reaches the watch: what is listed after it tells.
  await proxy.startOutage();
  await cluster.admin.patch(path, { data: { 'tls.crt': null, 'tls.key': null } });
  proxy.setGoneWatches({ every: 1, as: 'status' });
  await proxy.endOutage();
  const after = await waitFor('another certificate', certificateNow, { timeoutMs: 60_000 });
  expect(after).not.toBe(before);
});
