import { beforeAll, describe, expect, test } from 'vitest';
import type { SpotPolicySpecInput } from '../../../operator/api/spot-policy.ts';
import { aPolicy } from '../../builders/policy.ts';
import { aNamespace, sharedCluster, waitFor } from '../harness/cluster.ts';
import { aProgrammedPolicy } from '../harness/objects.ts';
import { admit, aPod, asWritten, givenTo, governorOf, spotAnnotations, stampsOf } from './admitted.ts';

const { admin } = await sharedCluster();

const limit = { strategy: 'SpotWithPriceLimit', priceLimit: '0.5', fallback: { mode: 'Never' } } as const;
const overwrite = { injection: { existing: 'Overwrite' } } as const;

// One policy for each, over the pods of that `app`.
const specs: Readonly<Record<string, Partial<SpotPolicySpecInput>>> = {
  keep: {},
  'keep-limit': limit,
  'keep-none': { strategy: 'NoSpot' },
  overwrite: { ...overwrite },
  'overwrite-limit': { ...limit, ...overwrite },
  'overwrite-none': { strategy: 'NoSpot', ...overwrite },
};

let namespace: string;
beforeAll(async () => {
  namespace = await aNamespace();
  await Promise.all(
    Object.entries(specs).map(([name, spec]) =>
      aProgrammedPolicy(
        admin,
        namespace,
        aPolicy({ name, spec: { ...spec, selector: { matchLabels: { app: name } } } }),
      ),
    ),
  );
});

const eci = (values: Record<string, string>): Record<string, string> =>
  Object.fromEntries(Object.entries(values).map(([key, value]) => [`k8s.aliyun.com/eci-${key}`, value]));

const kept = 'UserValueKept';

describe.concurrent('an annotation that the user wrote', () => {
  test.each<
    [
      policy: string,
      own: Record<string, string>,
      becomes: Record<string, string>,
      reason: string,
      spot: boolean,
    ]
  >([
    // Kept, key by key; the spot annotations are one decision, and no pair of ours and theirs contradicts itself.
    ['keep', { 'spot-duration': '0' }, { ...spotAnnotations, ...eci({ 'spot-duration': '0' }) }, kept, true],
    [
      'keep',
      { 'spot-strategy': 'SpotWithPriceLimit', 'spot-price-limit': '0.5' },
      eci({ 'spot-strategy': 'SpotWithPriceLimit', 'spot-price-limit': '0.5' }),
      kept,
      true,
    ],
    [
      'keep-limit',
      { 'spot-strategy': 'SpotAsPriceGo' },
      eci({ 'spot-strategy': 'SpotAsPriceGo' }),
      kept,
      true,
    ],
    [
      'keep-limit',
      { 'spot-price-limit': '0.70' },
      eci({ 'spot-strategy': 'SpotWithPriceLimit', 'spot-price-limit': '0.70', 'spot-duration': '1' }),
      kept,
      true,
    ],
    ['keep', { 'spot-price-limit': '0.7' }, eci({ 'spot-price-limit': '0.7' }), kept, false],
    [
      'keep-none',
      { 'spot-strategy': 'SpotAsPriceGo' },
      eci({ 'spot-strategy': 'SpotAsPriceGo' }),
      kept,
      true,
    ],
    // Replaced, and what would contradict the policy taken away; what is not about spot stays.
    [
      'overwrite',
      { 'spot-strategy': 'SpotWithPriceLimit', 'spot-price-limit': '9', 'image-cache': 'true' },
      { ...spotAnnotations, ...eci({ 'image-cache': 'true' }) },
      'Policy',
      true,
    ],
    [
      'overwrite-limit',
      { 'spot-strategy': 'SpotAsPriceGo', 'spot-fallback': 'true' },
      eci({ 'spot-strategy': 'SpotWithPriceLimit', 'spot-price-limit': '0.5', 'spot-duration': '1' }),
      'Policy',
      true,
    ],
    [
      'overwrite-none',
      { 'spot-strategy': 'SpotAsPriceGo', 'spot-duration': '1', 'use-specs': '2-4Gi' },
      eci({ 'use-specs': '2-4Gi' }),
      'Policy',
      false,
    ],
  ])('is treated as policy %s asks: %j', async (policy, own, becomes, reason, spot) => {
    const pod = await admit(admin, namespace, aPod({ app: policy, annotations: eci(own) }));
    expect(givenTo(pod)).toEqual({
      labels: { 'spotpolicy.dev/capacity': spot ? 'spot' : 'on-demand' },
      annotations: { ...becomes, ...stampsOf(namespace, policy, reason) },
    });
  });
});

describe.concurrent('annotations that are not about spot capacity', () => {
  const notes = (count: number) =>
    Object.fromEntries(
      Array.from({ length: count }, (_, index) => [`example.com/note-${index}`, `${index}`]),
    );

  test.each([0, 1, 100])('stay as they are where the pod has %i of them', async (count) => {
    const own = notes(count);
    const pod = await admit(admin, namespace, aPod({ app: 'keep', annotations: own }));
    expect(pod.metadata?.annotations).toEqual({
      ...own,
      ...spotAnnotations,
      ...stampsOf(namespace, 'keep'),
    });
  });

  test('cost a pod ours rather than its creation where they leave no room', async () => {
    const mostBytes = 256 * 1024;
    const annotations = { note: 'x'.repeat(mostBytes - 'note'.length) };
    const pod = await admit(admin, namespace, aPod({ app: 'keep', annotations }));
    expect(pod.metadata?.annotations).toEqual(annotations);
  });
});

describe.concurrent('a stamp that is not of this admission', () => {
  test('is replaced when somebody made it up', async () => {
    const annotations = {
      'spotpolicy.dev/policy': 'SpotPolicy/elsewhere/other',
      'spotpolicy.dev/revision': 'ffffffffffff',
      'spotpolicy.dev/reason': 'UserValueKept',
      'spotpolicy.dev/interruption': '{}',
      'spotpolicy.dev/admission': `AAAAAAAAAAAA.${(Date.now() + 20_000).toString(36)}.${'A'.repeat(43)}`,
    };
    const forged = aPod({ app: 'keep', annotations, labels: { 'spotpolicy.dev/capacity': 'on-demand' } });
    expect(givenTo(await admit(admin, namespace, forged))).toEqual({
      labels: { 'spotpolicy.dev/capacity': 'spot' },
      annotations: { ...spotAnnotations, ...stampsOf(namespace, 'keep') },
    });
  });

  test('is replaced when it was copied from a pod of another owner', async () => {
    const owner = { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'keep-1' };
    const first = await admit(admin, namespace, aPod({ app: 'keep', owner }));
    const { annotations = {}, labels = {} } = first.metadata ?? {};
    const copy = await admit(admin, namespace, aPod({ app: 'keep', annotations, labels }));
    expect(givenTo(copy).annotations).toEqual({ ...spotAnnotations, ...stampsOf(namespace, 'keep') });
    expect(copy.metadata?.annotations?.['spotpolicy.dev/admission']).not.toBe(
      annotations['spotpolicy.dev/admission'],
    );
  });

  test('is accepted, and decides, when the same admission comes again', async () => {
    const owner = { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'keep-1' };
    const first = await admit(admin, namespace, aPod({ app: 'keep', owner }));
    const { annotations = {}, labels = {} } = first.metadata ?? {};
    const again = await admit(admin, namespace, aPod({ app: 'keep', owner, annotations, labels }));
    expect(again.metadata?.annotations).toEqual(annotations);
    expect(again.metadata?.labels).toEqual(labels);
  });
});

describe.concurrent('whoever opts out is left alone', () => {
  const optOut = { 'spotpolicy.dev/inject': 'false' };

  test('by the label on the pod: it is stored as it was written', async () => {
    const elsewhere = await aNamespace();
    const pod = aPod({ app: 'keep', labels: optOut });
    const [governed, free] = await Promise.all([admit(admin, namespace, pod), admit(admin, elsewhere, pod)]);
    expect(asWritten(governed)).toEqual(asWritten(free));
  });

  test('by the label on the namespace, as long as it is there', async () => {
    const place = await aNamespace();
    await aProgrammedPolicy(admin, place, aPolicy());
    const isGoverned = async () => governorOf(await admit(admin, place, aPod())) === 'web';
    expect(await isGoverned()).toBe(true);

    const label = (value: string | null) =>
      admin.patch(`/api/v1/namespaces/${place}`, {
        metadata: { labels: { 'spotpolicy.dev/inject': value } },
      });
    await label('false');
    await waitFor('pods to be left alone', async () => !(await isGoverned()));
    await label(null);
    await waitFor('pods to be governed again', isGoverned);
  });
});
