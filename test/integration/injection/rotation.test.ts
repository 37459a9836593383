import type { Secret } from 'kubernetes-types/core/v1.js';
import { filter, interval, lastValueFrom, mergeMap, takeWhile } from 'rxjs';
import { expect, test } from 'vitest';
import { installation } from '../../../cdk8s/operator-chart.ts';
import { startReplica } from '../../../hack/cluster/operator.ts';
import { certificateSecretName } from '../../../operator/server/certificates.ts';
import { aPolicy } from '../../builders/policy.ts';
import { aNamespace } from '../harness/cluster.ts';
import { aProgrammedPolicy } from '../harness/objects.ts';
import { anOwnCluster } from '../harness/operator.ts';
import { bundleOf } from '../harness/webhook-configuration.ts';
import { admit, aPod, governorOf } from './admitted.ts';
import { askReplica } from './direct-review.ts';

// Serving certificates live for 18 s and are renewed after 12 s; the authority for 27 s, renewed after 18 s, and the next
// one signs 4.2 s later.
const flags = [
  '--serving-lifetime-hours',
  '0.005',
  '--ca-lifetime-hours',
  '0.0075',
  '--ca-overlap-minutes',
  '0.07',
];
// Within the overlap: whoever read the bundle so long ago must still be able to verify.
const bundleAgeMs = 3_000;

const perSecond = 50;
// A machine that cannot keep up is given fewer, or the API server would not wait for admission, whoever is to blame.
const mostUnderWay = 16;
// About what a rotation meets at that pace; with fewer a second they meet the next rotation as well.
const creations = 1_000;

test('certificates and their authority are renewed under 50 creations a second: every pod is annotated, by either replica', async ({
  onTestFinished,
}) => {
  const cluster = await anOwnCluster();
  const replicas = [await startReplica(cluster, { flags }), await startReplica(cluster, { flags })];
  const namespace = await aNamespace({ cluster });
  await aProgrammedPolicy(cluster.admin, namespace, aPolicy());

  const [authorities, certificates] = [new Set<string>(), new Set<string>()];
  const secrets = `/api/v1/namespaces/${installation.namespace}/secrets?fieldSelector=metadata.name%3D${certificateSecretName}`;
  const watching = cluster.admin.watch$<Secret>(secrets).subscribe(({ object: { data } }) => {
    authorities.add(data?.['ca.crt'] ?? '');
    certificates.add(data?.['tls.crt'] ?? '');
  });
  onTestFinished(() => watching.unsubscribe());
  const renewed = () => authorities.size >= 2 && certificates.size >= 3;

  let [created, underWay, asked] = [0, 0, 0];
  const isOver = () => renewed() && created >= creations;
  const createOne = async (): Promise<void> => {
    underWay += 1;
    expect(governorOf(await admit(cluster.admin, namespace, aPod()))).toBe('web');
    underWay -= 1;
    created += 1;
  };
  // Each in its time, whether or not the last one is answered yet: a slow answer must not thin out the load.
  const keepCreating = (): Promise<void> =>
    lastValueFrom(
      interval(1_000 / perSecond).pipe(
        takeWhile(() => !isOver()),
        filter(() => underWay < mostUnderWay),
        mergeMap(createOne),
      ),
    );
  // Always by the oldest bundle that somebody may still go by: a change of authorities meets one that knows nothing of it.
  const keepAsking = async (): Promise<void> => {
    let bundles: { readAtMs: number; pem: string }[] = [];
    while (!isOver()) {
      bundles.push({ readAtMs: performance.now(), pem: await bundleOf(cluster.admin) });
      bundles = bundles.filter(({ readAtMs }) => performance.now() < readAtMs + bundleAgeMs);
      const [oldest] = bundles;
      if (!oldest) continue;
      const reviewed = await Promise.all(
        replicas.map((replica) => askReplica(replica, oldest.pem, namespace, aPod())),
      );
      expect(reviewed.map(({ pod }) => governorOf(pod))).toEqual(['web', 'web']);
      asked += 1;
    }
  };
  await Promise.all([keepCreating(), keepAsking()]);
  // The API server and the other replica have the last renewal now, or soon.
  expect(governorOf(await admit(cluster.admin, namespace, aPod()))).toBe('web');
  expect(asked).toBeGreaterThan(20);
});
