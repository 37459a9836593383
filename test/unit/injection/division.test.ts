import type { StatefulSet } from 'kubernetes-types/apps/v1.js';
import type { OwnerReference } from 'kubernetes-types/meta/v1.js';
import { describe, expect, it } from 'vitest';
import { type PodRequest, reviewPod, type Undecided } from '../../../operator/injection/review.ts';
import type { Distribution } from '../../../operator/policy/distribution.ts';
import { settleShare } from '../../../operator/shares.ts';
import type { World } from '../../../operator/world/world.ts';
import { aStamping, patched } from '../../builders/admission.ts';
import { aPod, at, ownedBy, type PodWishes } from '../../builders/pod.ts';
import { aPolicy, type PolicyWishes } from '../../builders/policy.ts';
import { aReplicaSet, aWorld, type Content, put } from '../../builders/world.ts';
import { aStatefulSet } from '../../builders/workloads.ts';

const strategy = 'k8s.aliyun.com/eci-spot-strategy';
const half: Distribution = { onDemandBase: 1, spotPercentage: 50 };
const dividing = (content: Content = {}, spec: PolicyWishes['spec'] = {}): World =>
  aWorld({ SpotPolicy: [aPolicy({ spec: { distribution: half, ...spec } })], ...content });
const wants = (replicas: number, failing = false) => ({
  ...aReplicaSet(),
  spec: { replicas, selector: {} },
  ...(failing && {
    status: { replicas: 0, conditions: [{ type: 'ReplicaFailure', status: 'True' }] },
  }),
});

let nonces = 0;
interface Asked extends PodWishes {
  readonly dryRun?: boolean;
  readonly nowMs?: number;
  readonly pause?: () => Promise<void>;
}

/** The pod as admission leaves it. */
const admit = async (world: World, { dryRun = false, nowMs = at(0), pause, ...wishes }: Asked = {}) => {
  const annotations = { [strategy]: undefined, ...wishes.annotations };
  const raw = aPod({ owner: ownedBy('ReplicaSet', 'web-abc'), ...wishes, annotations });
  const request = { namespace: 'shop', name: raw.metadata?.name ?? '', object: raw } as PodRequest;
  const reviewed = reviewPod(world, request, aStamping({ nonce: `nonce${(nonces += 1)}`, nowMs }));
  const askLeader = async () => undefined;
  let waitedMs = 0;
  const waits = async (ms: number) => {
    waitedMs += ms;
    await pause?.();
  };
  const parts = { world, nowMs: () => nowMs + waitedMs, pause: waits, askLeader };
  const { patch } = 'place' in reviewed ? await settleShare(reviewed, parts, dryRun) : reviewed;
  return patched(raw, patch);
};
const seen = async (world: World, asked: Asked) => put(world, 'Pod', await admit(world, asked));
const given = ({ metadata }: Awaited<ReturnType<typeof admit>>) => [
  metadata?.labels?.['spotpolicy.dev/capacity'],
  metadata?.annotations?.['spotpolicy.dev/reason'],
];
const several = async (world: World, count: number, asked: Asked = {}) => {
  const pods = [];
  for (let index = 0; index < count; index += 1) {
    pods.push(given(await admit(world, { name: `web-${index}`, ...asked })));
  }
  return pods.map(([capacity]) => (capacity === 'spot' ? 's' : 'd')).join('');
};

describe('pods of a policy that divides them', () => {
  it('are on demand up to the base, then on spot as far as the share allows, before any of them is seen', async () => {
    expect(await several(dividing(), 9)).toBe('ddsdsdsds');
  });

  it('say why', async () => {
    const world = dividing();
    expect(given(await admit(world, { name: 'a' }))).toEqual(['on-demand', 'OnDemandBase']);
    expect(given(await admit(world, { name: 'b' }))).toEqual(['on-demand', 'SpotPercentage']);
    expect(given(await admit(world, { name: 'c' }))).toEqual(['spot', 'SpotPercentage']);
  });

  it('carry nothing about spot where they are on demand, and the instances they may use in any case', async () => {
    const pod = await admit(dividing({}, { instanceSpecs: ['2-4Gi'] }));
    const keys = Object.keys(pod.metadata?.annotations ?? {}).filter((key) => key.includes('aliyun'));
    expect(keys).toEqual(['k8s.aliyun.com/eci-use-specs']);
  });

  it('are counted by workload and revision, and those that nobody controls by their policy', async () => {
    const world = dividing();
    const owners: (OwnerReference | undefined)[] = [
      ownedBy('ReplicaSet', 'web-abc'),
      ownedBy('ReplicaSet', 'web-def'),
      undefined,
    ];
    for (const owner of owners) expect(await several(world, 3, { owner })).toBe('dds');
    const clones = ownedBy('CloneSet', 'web');
    for (const hash of ['one', 'two']) {
      const labels = { 'controller-revision-hash': hash };
      expect(await several(world, 3, { owner: clones, labels })).toBe('dds');
    }
  });

  it('count once, whether they are on their way or there', async () => {
    const world = dividing();
    for (const name of ['a', 'b', 'c']) await seen(world, { name });
    expect(await several(world, 2)).toBe('ds');
  });

  it('do not count when they are going or have ended', async () => {
    const ended: PodWishes[] = [
      { name: 'a', phase: 'Failed' },
      { name: 'b', deletion: { atMs: at(0), graceSeconds: 30 } },
    ];
    expect(await several(dividing({ Pod: ended.map(aPod) }), 3)).toBe('dds');
  });

  it('count by what they ask for where their user has chosen', async () => {
    const world = dividing();
    const chosen = await admit(world, { name: 'a', annotations: { [strategy]: 'SpotAsPriceGo' } });
    expect(given(chosen)).toEqual(['spot', 'UserValueKept']);
    expect(await several(world, 4)).toBe('ddds');
  });

  it('are not what their user has chosen where that is overwritten', async () => {
    const world = dividing({}, { injection: { existing: 'Overwrite' } });
    const pod = await admit(world, { annotations: { [strategy]: 'SpotAsPriceGo' } });
    expect(given(pod)).toEqual(['on-demand', 'OnDemandBase']);
    expect(pod.metadata?.annotations).not.toHaveProperty([strategy]);
  });

  it('take no place in a dry run', async () => {
    const world = dividing();
    expect(await several(world, 5, { dryRun: true })).toBe('ddddd');
    expect(await several(world, 3)).toBe('dds');
  });

  it('are not divided where the policy leaves them all alike', async () => {
    const world = dividing({}, { distribution: { onDemandBase: 0, spotPercentage: 100 } });
    expect(given(await admit(world))).toEqual(['spot', 'Policy']);
  });
});

describe('asked again about a pod', () => {
  it('the answer stays, and no place is taken twice', async () => {
    const world = dividing();
    const pod = await admit(world, { name: 'a' });
    const reviewed = reviewPod(world, { namespace: 'shop', object: pod }, aStamping());
    expect(reviewed).toEqual({ patch: [], warnings: [] });
    expect(await several(world, 2)).toBe('ds');
  });

  it('a copy of one that is there already is another pod', async () => {
    const world = dividing();
    const first = await admit(world, { name: 'a' });
    put(world, 'Pod', first);
    const request = { namespace: 'shop', object: first } as PodRequest;
    const reviewed = reviewPod(world, request, aStamping({ nonce: 'copied' })) as Undecided;
    expect(reviewed.question?.nonce).toBe('copied');
    const { patch } = reviewed.answer({ capacity: 'on-demand', reason: 'SpotPercentage' });
    const { annotations } = patched(first, patch).metadata ?? {};
    expect(annotations?.['spotpolicy.dev/admission']).toMatch(/^copied\./);
    expect(annotations?.['spotpolicy.dev/reason']).toBe('SpotPercentage');
  });
});

describe('numbered pods', () => {
  const ordinals = (start: number): StatefulSet => {
    const set = aStatefulSet();
    return { ...set, spec: { ...set.spec, ordinals: { start } } as NonNullable<StatefulSet['spec']> };
  };
  const owner = ownedBy('StatefulSet', 'db');
  const numbered = (world: World, index: number, more: Asked = {}) =>
    admit(world, { name: `db-${index}`, owner, ...more });
  const row = async (world: World, from: number, count: number): Promise<string> => {
    const pods = await Promise.all(
      Array.from({ length: count }, (_, index) => numbered(world, from + index)),
    );
    return pods.map((pod) => (given(pod)[0] === 'spot' ? 's' : 'd')).join('');
  };

  it('of a StatefulSet are divided by their ordinal, whichever others are there', async () => {
    const world = dividing({ StatefulSet: [ordinals(0)] });
    expect(await row(world, 0, 7)).toBe('ddsdsds');
    expect(await row(world, 2, 1)).toBe('s');
  });

  it('of a StatefulSet are counted from its first ordinal', async () => {
    expect(await row(dividing({ StatefulSet: [ordinals(5)] }), 5, 4)).toBe('ddsd');
  });

  it('of a StatefulSet that is not seen yet wait for it', async () => {
    const world = dividing();
    const arrives = async () => void put(world, 'StatefulSet', ordinals(5));
    expect(given(await numbered(world, 5, { pause: arrives }))).toEqual(['on-demand', 'OnDemandBase']);
  });

  it.each(['labels', 'annotations'])(
    'of an Indexed Job are divided by their index among their %s',
    async (place) => {
      const job = (index: number) => ({
        owner: ownedBy('Job', 'batch'),
        name: `batch-${index}-x`,
        [place]: { 'batch.kubernetes.io/job-completion-index': String(index) },
      });
      const pods = await Promise.all([0, 1, 2, 3].map((index) => admit(dividing(), job(index))));
      expect(pods.map((pod) => given(pod)[0])).toEqual(['on-demand', 'on-demand', 'spot', 'on-demand']);
    },
  );

  it('of a Job without indexes are counted', async () => {
    expect(await several(dividing(), 3, { owner: ownedBy('Job', 'batch') })).toBe('dds');
  });
});

describe('the places of a ReplicaSet', () => {
  it('that was refused pods come back: no more are held than it still wants', async () => {
    const world = dividing({ ReplicaSet: [wants(3, true)] });
    for (const name of ['a', 'b']) await seen(world, { name });
    // Refused again and again within a moment: each time it is the third pod.
    for (let attempt = 0; attempt < 4; attempt += 1) expect(await several(world, 1)).toBe('s');
  });

  it('that was refused pods come back before the next one is decided, also where it wants many', async () => {
    const world = dividing({ ReplicaSet: [wants(9, true)] });
    for (const second of [0, 0.01, 0.02, 5]) {
      expect(await several(world, 1, { nowMs: at(second) })).toBe('d');
    }
    put(world, 'ReplicaSet', wants(9));
    expect(await several(world, 3, { nowMs: at(6) })).toBe('dsd');
  });

  it('that is refused pods now and then count those that come meanwhile', async () => {
    const world = dividing({ ReplicaSet: [wants(9, true)] });
    await seen(world, { name: 'a' });
    const second = await admit(world, { name: 'b' });
    const comes = async () => void put(world, 'Pod', second);
    expect(await several(world, 1, { pause: comes })).toBe('s');
  });

  it('wait for the news that it has grown', async () => {
    const world = dividing({ ReplicaSet: [wants(1)] });
    expect(await several(world, 1)).toBe('d');
    const grows = async () => void put(world, 'ReplicaSet', wants(5));
    expect(await several(world, 1, { pause: grows })).toBe('d');
    expect(await several(world, 1)).toBe('s');
  });

  it('wait for the news that a pod is gone', async () => {
    const world = dividing({ ReplicaSet: [wants(3)] });
    for (const name of ['a', 'b', 'c']) await seen(world, { name });
    const going = aPod({ name: 'c', deletion: { atMs: at(1), graceSeconds: 30 } });
    const goes = async () => void put(world, 'Pod', going);
    expect(await several(world, 1, { pause: goes })).toBe('s');
  });

  it('are decided on after half a second where no news comes', async () => {
    const world = dividing({ ReplicaSet: [wants(0)] });
    let pauses = 0;
    const pause = async () => void (pauses += 1);
    expect(await several(world, 1, { pause })).toBe('d');
    expect(pauses).toBe(7);
  });
});
