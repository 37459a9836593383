import type { OwnerReference } from 'kubernetes-types/meta/v1.js';
import { describe, expect, it } from 'vitest';
import { probeName } from '../../../operator/injection/probe.ts';
import { type PodAnswer, type PodRequest, reviewPod } from '../../../operator/injection/review.ts';
import { aStamping, patched } from '../../builders/admission.ts';
import { ownedBy } from '../../builders/pod.ts';
import { aPolicy, type PolicyWishes } from '../../builders/policy.ts';
import { aWorld } from '../../builders/world.ts';

const world = (spec: PolicyWishes['spec'] = {}) => aWorld({ SpotPolicy: [aPolicy({ spec })] });
const request = (metadata: PodRequest['object']['metadata'], more: Partial<PodRequest> = {}): PodRequest => ({
  namespace: 'shop',
  name: '',
  object: metadata ? { metadata } : {},
  ...more,
});
const labels = { app: 'web' };
const nothing = { patch: [], warnings: [] };
const settled = (reviewed: ReturnType<typeof reviewPod>): PodAnswer => {
  if ('place' in reviewed) throw new Error('its share is to be settled first');
  return reviewed;
};
const review = (asked: PodRequest, spec: PolicyWishes['spec'] = {}) =>
  settled(reviewPod(world(spec), asked, aStamping()));

describe('a pod that stays as it is, byte for byte', () => {
  it('is one that no policy governs', () => {
    expect(review(request({ labels: { app: 'api' } }))).toEqual(nothing);
    expect(review(request({ labels }, { namespace: 'bank' }))).toEqual(nothing);
    expect(review(request(undefined))).toEqual(nothing);
    expect(reviewPod(aWorld(), request({ labels }), aStamping())).toEqual(nothing);
  });

  it('is one whose policy annotates nothing', () => {
    const spec = { strategy: undefined, injection: { at: 'None' } } as const;
    expect(review(request({ labels }), spec)).toEqual(nothing);
  });

  it('is one that wants to be left alone', () => {
    expect(review(request({ labels: { ...labels, 'spotpolicy.dev/inject': 'false' } }))).toEqual(nothing);
  });

  it.each(['DaemonSet', 'Node'])('is one that a %s controls', (kind) => {
    expect(review(request({ labels, ownerReferences: [ownedBy(kind, 'x')] }))).toEqual(nothing);
  });

  it('is none that a Node of some other system controls', () => {
    const owner = { ...ownedBy('Node', 'x'), apiVersion: 'chain.example.com/v1' };
    expect(review(request({ labels, ownerReferences: [owner] })).patch).not.toEqual([]);
  });

  it('is one that a DaemonSet merely owns no longer: only a controller counts', () => {
    const owner: OwnerReference = { ...ownedBy('DaemonSet', 'x'), controller: false };
    expect(review(request({ labels, ownerReferences: [owner] })).patch).not.toEqual([]);
  });

  it('is any request for a part of it', () => {
    expect(review(request({ labels }, { subResource: 'eviction', name: 'web-1' }))).toEqual(nothing);
    expect(review(request({ labels }, { subResource: 'status', name: 'web-1' }))).toEqual(nothing);
  });
});

describe('the patch of a governed pod', () => {
  it.each([
    ['labels and annotations', { labels, annotations: { team: 'web' } }],
    ['labels alone', { labels }],
    ['empty annotations', { labels, annotations: {} }],
    ['nothing', {}],
  ])(
    'is one that an API server takes where the pod has %s',
    (_, metadata: NonNullable<PodRequest['object']['metadata']>) => {
      const pod = { metadata: { name: 'web-1', ...metadata }, spec: { containers: [] } };
      const { patch } = review(request(pod.metadata), { selector: {} });
      const after = patched(pod, patch);
      expect(after.metadata).toMatchObject(metadata);
      expect(after.metadata).toMatchObject({
        labels: { 'spotpolicy.dev/capacity': 'spot' },
        annotations: { 'k8s.aliyun.com/eci-spot-strategy': 'SpotAsPriceGo' },
      });
      expect(after.spec).toEqual(pod.spec);
    },
  );

  it('is withheld, with a warning, where the pod would exceed what the API server takes', () => {
    const mostBytes = 256 * 1024;
    const given = (left: number) =>
      review(request({ labels, annotations: { n: 'é'.repeat((mostBytes - left) / 2) } }));
    expect(given(2)).toEqual({ patch: [], warnings: [expect.stringContaining('256 KiB')] });
    expect(given(2_000)).toEqual({ patch: expect.any(Array), warnings: [] });
    expect(given(2_000).patch).not.toEqual([]);
  });

  it('touches annotations and labels and nothing else', () => {
    const { patch } = review(request({ labels, annotations: {} }));
    for (const { path } of patch) expect(path).toMatch(/^\/metadata\/(annotations|labels)(\/|$)/);
  });

  it('looks up the labels that it changes, however many there are: no other is read', () => {
    const many = Object.fromEntries(Array.from({ length: 60_000 }, (_, index) => [`label-${index}`, 'x']));
    const unlisted = new Proxy(
      { ...many, ...labels },
      {
        ownKeys: () => {
          throw new Error('every label was asked for');
        },
      },
    );
    const { patch } = review(request({ labels: unlisted, annotations: {} }));
    expect(patch.filter(({ path }) => path.startsWith('/metadata/labels'))).toEqual([
      { op: 'add', path: '/metadata/labels/spotpolicy.dev~1capacity', value: 'spot' },
    ]);
    const overwriting = { injection: { existing: 'Overwrite', scheduling: 'VirtualNode' } } as const;
    expect(review(request({ labels: unlisted, annotations: {} }), overwriting).patch).not.toEqual([]);
  });

  it('is empty when the API server asks again about what it was answered', () => {
    const pod = { metadata: { labels, annotations: {} } };
    const { metadata } = patched(pod, review(request(pod.metadata)).patch);
    expect(review(request(metadata))).toEqual(nothing);
  });

  it('is the same at a replica that sees the same world', () => {
    expect(review(request({ labels }))).toEqual(review(request({ labels })));
  });

  it('is there for a pod whose owners the world has not seen yet', () => {
    const targetRefs = [{ group: 'apps', kind: 'Deployment', name: 'web' }];
    const metadata = {
      labels: { ...labels, 'pod-template-hash': 'abc' },
      ownerReferences: [ownedBy('ReplicaSet', 'web-abc')],
    };
    expect(review(request(metadata), { selector: undefined, targetRefs }).patch).not.toEqual([]);
  });
});

it('a probe is refused with the generation of the policy that it asks about', () => {
  const [policy] = world().policies.all();
  const name = probeName(policy ?? { uid: '', namespace: '', name: '' }, 'nonce');
  expect(review(request(undefined, { subResource: 'eviction', name }))).toEqual({
    ...nothing,
    refusal: `${name} knows generation 1`,
  });
});
