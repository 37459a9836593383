import { describe, expect, it } from 'vitest';
import type { InterruptionEntry } from '../../../operator/api/index.ts';
import { beginInterruption } from '../../../operator/interruption/begin.ts';
import { writeMark } from '../../../operator/interruption/mark.ts';
import type { Interruption, Settings } from '../../../operator/world/interruption.ts';
import { settingsOf } from '../../builders/interruption.ts';
import {
  aKnownPod,
  aPod,
  anEvent,
  anExpiry,
  at,
  ownedBy,
  type PodWishes,
  uidOf,
} from '../../builders/pod.ts';
import { aClusterPolicy, aPolicy, type ClusterPolicyWishes } from '../../builders/policy.ts';
import { wholeStatus } from '../../builders/status.ts';
import { aNamespace, aReplicaSet, aWorld, type Content, known } from '../../builders/world.ts';
import { aCronJob, aDeployment, aJob, aStatefulSet } from '../../builders/workloads.ts';

const expired = { conditions: [anExpiry(at(0))] };
const nowhere = { matchLabels: { team: 'none' } };
const deployed: Content = {
  SpotPolicy: [aPolicy()],
  Deployment: [aDeployment()],
  ReplicaSet: [aReplicaSet()],
};
const begin = (
  pod: PodWishes = expired,
  content: Content = {},
  { seconds = 1, atStart = false } = {},
): Interruption | undefined =>
  beginInterruption(aWorld({ ...deployed, Pod: [aPod(pod)], ...content }), known('Pod', aPod(pod)), {
    defaultMinutes: 3,
    nowMs: at(seconds),
    atStart,
  });
const marked = (settings: Partial<Settings> = {}, more: object = {}): PodWishes => ({
  annotations: {
    'spotpolicy.dev/interruption': writeMark({
      ...{
        uid: uidOf('Pod', 'web-1'),
        noticedAtMs: at(-10),
        deadlineMs: at(170),
        onCondition: undefined,
        outcome: undefined,
        detached: undefined,
        plainly: undefined,
      },
      settings: settingsOf(settings),
      ...more,
    }),
  },
});

describe('an interruption begins', () => {
  it('with the pod, its workload, its policy’s settings and what is to be done', () => {
    expect(begin()).toMatchObject({
      uid: uidOf('Pod', 'web-1'),
      namespace: 'shop',
      name: 'web-1',
      nodeName: 'virtual-kubelet-cn-hangzhou-h',
      workload: { kind: 'Deployment', name: 'web' },
      settings: settingsOf(),
      plan: { when: 'AtOnce' },
      noticedAtMs: at(0),
      deadlineMs: at(180),
      onCondition: { noticedAtMs: at(0), deadlineMs: at(180) },
      counted: false,
      phase: 'Noticed',
    });
  });

  it('for a pod annotated by its user, stamped by nobody, injection or none', () => {
    const none = aPolicy({ spec: { injection: { at: 'None' } } });
    expect(begin(expired, { SpotPolicy: [none] })?.settings.policy).toBe('SpotPolicy/shop/web');
  });

  it('for a notice by Event alone', () => {
    expect(begin({}, { ReclaimEvent: [anEvent()] })).toMatchObject({
      onCondition: undefined,
      noticedAtMs: at(0),
    });
  });

  it('not without a notice, nor for a pod that is not on spot', () => {
    expect(begin({})).toBeUndefined();
    expect(
      begin({ ...expired, annotations: { 'k8s.aliyun.com/eci-spot-strategy': undefined } }),
    ).toBeUndefined();
  });

  it('not for a pod that nobody governs, or that wants to be left alone', () => {
    const optOut = { 'spotpolicy.dev/inject': 'false' };
    expect(begin(expired, { SpotPolicy: [] })).toBeUndefined();
    expect(begin({ ...expired, labels: { app: 'api' } })).toBeUndefined();
    expect(begin({ ...expired, labels: optOut })).toBeUndefined();
    expect(begin(expired, { Namespace: [aNamespace('shop', optOut)] })).toBeUndefined();
  });

  const stamped = (by = 'SpotPolicy/shop/web', more: PodWishes = {}): PodWishes => ({
    ...expired,
    labels: { app: 'api' },
    annotations: { 'spotpolicy.dev/policy': by },
    ...more,
  });

  it('by the policy that stamped the pod where none governs it now', () => {
    expect(begin(stamped())?.settings.policy).toBe('SpotPolicy/shop/web');
    expect(begin(stamped(), { SpotPolicy: [] })).toBeUndefined();
  });

  it.each(['DryRun', 'Disabled'] as const)(
    'by the policy that stamped the pod and is in mode %s now, and for no other pod',
    (mode) => {
      const SpotPolicy = [aPolicy({ spec: { mode, interruption: { onDeadline: 'Leave' } } })];
      expect(begin(stamped(undefined, { labels: {} }), { SpotPolicy })?.settings).toEqual(
        settingsOf({ onDeadline: 'Leave' }),
      );
      expect(begin(expired, { SpotPolicy })).toBeUndefined();
      const optedOut = { labels: { 'spotpolicy.dev/inject': 'false' } };
      expect(begin(stamped(undefined, optedOut), { SpotPolicy })).toBeUndefined();
    },
  );

  it('by no policy of another namespace, or that does not reach this one: anybody may write a stamp', () => {
    const ClusterSpotPolicy = [aClusterPolicy({ spec: { mode: 'DryRun', namespaceSelector: nowhere } })];
    const SpotPolicy = [aPolicy({ namespace: 'bank' })];
    const content = { SpotPolicy, ClusterSpotPolicy, Namespace: [aNamespace('shop')] };
    for (const by of ['SpotPolicy/bank/web', 'ClusterSpotPolicy/base', 'Policy/base', 'ClusterSpotPolicy'])
      expect(begin(stamped(by), content)).toBeUndefined();
    const reaching = [aClusterPolicy({ spec: { mode: 'DryRun' } })];
    expect(
      begin(stamped('ClusterSpotPolicy/base'), { ...content, ClusterSpotPolicy: reaching })?.settings.policy,
    ).toBe('ClusterSpotPolicy/base');
  });
});

describe('the workload that replaces a pod', () => {
  const workload = (owner: ReturnType<typeof ownedBy>, content: Content = {}) => {
    const found = begin({ ...expired, owner }, content)?.workload;
    return found && `${found.kind}/${found.name}`;
  };

  it('is the Deployment of its ReplicaSet, whichever revision', () => {
    expect(workload(ownedBy('ReplicaSet', 'web-abc'))).toBe('Deployment/web');
  });

  it('is the nearest controller otherwise', () => {
    expect(workload(ownedBy('ReplicaSet', 'lone'), { ReplicaSet: [aReplicaSet('lone', null)] })).toBe(
      'ReplicaSet/lone',
    );
    expect(workload(ownedBy('StatefulSet', 'db'), { StatefulSet: [aStatefulSet()] })).toBe('StatefulSet/db');
    const job = { ...aJob(), metadata: { name: 'n-29553120', ownerReferences: [ownedBy('CronJob', 'n')] } };
    expect(workload(ownedBy('Job', 'n-29553120'), { Job: [job], CronJob: [aCronJob({ name: 'n' })] })).toBe(
      'Job/n-29553120',
    );
  });

  it('is the ReplicaSet while its Deployment is only guessed', () => {
    const unseen = { ...expired, labels: { 'pod-template-hash': 'abc' } };
    expect(begin(unseen, { ReplicaSet: [] })?.workload?.kind).toBe('ReplicaSet');
  });

  it('is none for a bare pod', () => {
    expect(begin({ ...expired, owner: undefined })).toMatchObject({
      workload: undefined,
      plan: { when: 'Late' },
    });
  });
});

describe('the plan', () => {
  it('asks the Job whether a deletion would be charged to it', () => {
    const job = { ...expired, owner: ownedBy('Job', 'batch') };
    expect(begin(job, { Job: [aJob({ ignoresDisruption: true })] })?.plan.charged).toBe(true);
    expect(begin(job, { Job: [aJob()] })?.plan.charged).toBe(false);
  });

  it('leaves static pods alone, and pods that their node evicts to it', () => {
    const annotated = (annotations: Record<string, string>) => begin({ ...expired, annotations })?.plan.when;
    expect(annotated({ 'kubernetes.io/config.mirror': 'hash' })).toBe('Never');
    expect(annotated({ 'k8s.aliyun.com/eci-spot-release-strategy': 'api-evict' })).toBe('ByNode');
  });
});

describe('what an earlier leader left on the pod', () => {
  it('is a notice by itself', () => {
    expect(begin(marked())).toMatchObject({
      noticedAtMs: at(-10),
      deadlineMs: at(170),
      marked: 'UnderWay',
    });
  });

  it('holds its settings against an edited or deleted policy', () => {
    const left = { onDeadline: 'Leave', policy: 'SpotPolicy/shop/gone' } as const;
    expect(begin(marked(left), { SpotPolicy: [] })?.settings).toEqual(settingsOf(left));
    expect(begin({ ...expired, ...marked(left) })?.settings).toEqual(settingsOf(left));
  });

  it('does not hold against its owner, or the owner of its namespace, who opts out meanwhile', () => {
    const optOut = { 'spotpolicy.dev/inject': 'false' };
    for (const pod of [marked(), { ...expired, ...marked() }]) {
      expect(begin({ ...pod, labels: optOut })).toBeUndefined();
      expect(begin(pod, { Namespace: [aNamespace('shop', optOut)] })).toBeUndefined();
    }
    const override = aClusterPolicy({ spec: { precedence: 'Overrides' } });
    const content = { ClusterSpotPolicy: [override], Namespace: [aNamespace('shop')] };
    expect(begin({ ...expired, labels: optOut }, content)?.settings.policy).toBe('ClusterSpotPolicy/base');
  });

  it('is nothing in an exempt namespace', () => {
    const pod = { namespace: 'kube-system', uid: uidOf('Pod', 'web-1') };
    expect(begin({ ...marked({ policy: 'SpotPolicy/kube-system/web' }), ...pod })).toBeUndefined();
  });

  it('does not travel: a copy of the pod is no doomed pod', () => {
    expect(begin({ ...marked(), uid: 'copy' })).toBeUndefined();
    expect(begin({ ...expired, ...marked(), uid: 'copy' })).toMatchObject({
      noticedAtMs: at(0),
      counted: false,
    });
  });

  it('begins nothing on a pod that outlived its deadline by a minute', () => {
    expect(begin(marked(), {}, { seconds: 229 })).toBeDefined();
    expect(begin(marked(), {}, { seconds: 230 })).toBeUndefined();
  });

  it('is not what another notice is handled and counted by', () => {
    const left = { onDeadline: 'Leave' } as const;
    const again = { ...marked(left), conditions: [anExpiry(at(300))] };
    expect(
      beginInterruption(aWorld({ ...deployed, Pod: [aPod(again)] }, at(300)), known('Pod', aPod(again)), {
        defaultMinutes: 3,
        nowMs: at(300),
        atStart: false,
      }),
    ).toMatchObject({ settings: settingsOf(), counted: false, marked: undefined, noticedAtMs: at(300) });
  });

  it('is ignored ten minutes after its deadline, also on a pod that terminates', () => {
    const leaving = { ...marked(), deletion: { atMs: at(100), graceSeconds: 3600 } };
    expect(begin(leaving, {}, { seconds: 770 })).toBeDefined();
    expect(begin(leaving, {}, { seconds: 771 })).toBeUndefined();
  });

  it('is held to on a detached pod, however late and whatever its owner wants: it must not stay detached', () => {
    const detached = {
      origin: { name: 'web-abc', uid: uidOf('ReplicaSet', 'web-abc') },
      atMs: at(1),
      ready: 1,
    };
    const pod = { ...marked({}, { detached }), owner: ownedBy('Deployment', 'web') };
    for (const seconds of [100, 300, 3000])
      expect(begin(pod, {}, { seconds })).toMatchObject({ detached, onCondition: undefined });
    expect(begin({ ...pod, labels: { 'spotpolicy.dev/inject': 'false' } })).toMatchObject({ detached });
    expect(begin({ ...pod, owner: ownedBy('ReplicaSet', 'web-abc') }, {}, { seconds: 300 })).toBeUndefined();
  });

  it('says that it is over: nothing begins again', () => {
    expect(begin({ ...expired, ...marked({}, { outcome: 'Missed' }) })).toBeUndefined();
  });

  it('is not believed where it names a policy of another namespace: anybody may annotate a pod', () => {
    const foreign = marked({ policy: 'SpotPolicy/bank/web' });
    expect(begin(foreign)).toBeUndefined();
    expect(begin({ ...expired, ...foreign })?.settings.policy).toBe('SpotPolicy/shop/web');
  });

  describe('of a policy of the cluster', () => {
    const policy = 'ClusterSpotPolicy/base';
    const shop = { matchLabels: { 'kubernetes.io/metadata.name': 'shop' } };
    const bank = { matchLabels: { 'kubernetes.io/metadata.name': 'bank' } };
    const Namespace = [aNamespace('shop', { 'kubernetes.io/metadata.name': 'shop' })];
    const entry = { ...wholeStatus.interruptions?.[0], uid: aKnownPod().uid } as InterruptionEntry;
    const left = { policy, onDeadline: 'Leave' } as const;
    const told = (wishes: ClusterPolicyWishes, pod: PodWishes = expired): Settings | undefined => {
      const ClusterSpotPolicy = [aClusterPolicy(wishes)];
      return begin({ ...pod, ...marked(left) }, { SpotPolicy: [], ClusterSpotPolicy, Namespace })?.settings;
    };

    it('is believed where that takes the namespace, is gone, or lists the pod itself', () => {
      expect(told({ spec: { namespaceSelector: shop } })).toEqual(settingsOf(left));
      expect(told({ spec: { namespaceSelector: bank } })).toBeUndefined();
      expect(told({ name: 'another', spec: { namespaceSelector: bank } })).toEqual(settingsOf(left));
      const listed = { spec: { namespaceSelector: bank }, status: { interruptions: [entry] } };
      expect(told(listed)).toEqual(settingsOf(left));
    });

    it('is no entry without a signal of the platform: anybody may annotate a pod', () => {
      expect(told({ spec: { namespaceSelector: shop } }, {})).toBeUndefined();
      expect(told({ name: 'another', spec: { namespaceSelector: bank } }, {})).toBeUndefined();
      const listed = { spec: { namespaceSelector: shop }, status: { interruptions: [entry] } };
      expect(told(listed, {})).toEqual(settingsOf(left));
    });
  });
});

describe('a pod that has ended', () => {
  const released: PodWishes = { ...expired, phase: 'Failed', reason: 'BidFailed' };

  it('by its reclaim is told of for ten minutes after its deadline', () => {
    expect(begin(released, {}, { seconds: 780 })?.ending?.how).toBe('BidFailed');
    expect(begin(released, {}, { seconds: 781 })).toBeUndefined();
  });

  it('in another way is history', () => {
    expect(begin({ ...expired, phase: 'Failed', reason: 'Error' })).toBeUndefined();
    expect(begin({ ...expired, phase: 'Succeeded' })).toBeUndefined();
  });
});

it('a pod that terminates when a term begins was evicted by an earlier leader', () => {
  const leaving = { ...expired, deletion: { atMs: at(5), graceSeconds: 30 } };
  expect(begin(leaving, {}, { atStart: true })).toMatchObject({ evictedAtMs: at(5) });
  expect(begin(leaving)).toMatchObject({ evictedAtMs: undefined });
  // A Job's pod stays as an object until its controller has counted it; its containers may have exited with 0.
  for (const phase of ['Succeeded', 'Failed'] as const)
    expect(begin({ ...leaving, phase }, {}, { atStart: true })).toMatchObject({
      ending: { how: 'Terminating', atMs: at(5) },
    });
});

describe('what an earlier leader noticed has been counted', () => {
  const told = (pods: readonly string[]): Content => {
    const interruptions = pods.map((pod): InterruptionEntry => ({
      ...{ pod, uid: uidOf('Pod', pod), noticedAt: '2026-03-01T12:00:00Z' },
      ...{ deadline: '2026-03-01T12:03:00Z', phase: 'Noticed' },
    }));
    return { SpotPolicy: [aPolicy({ status: { interruptions } })] };
  };
  const full = Array.from({ length: 20 }, (_, index) => `other-${index}`);
  const isCounted = (pod: PodWishes, listed: readonly string[], atStart = false): boolean | undefined =>
    begin(pod, told(listed), { atStart })?.counted;

  it('where the status lists it, which counts what it lists', () => {
    for (const pod of [marked(), expired]) {
      expect(isCounted(pod, ['web-1'])).toBe(true);
      expect(isCounted(pod, ['other', 'web-1'])).toBe(true);
    }
  });

  it('and not where the list would have had room for it', () => {
    expect(isCounted(marked(), [])).toBe(false);
    expect(isCounted(marked(), full.slice(1))).toBe(false);
    expect(isCounted(expired, full.slice(1))).toBe(false);
  });

  it('for all that can be proved, where it has a mark or terminates and the list is full', () => {
    expect(isCounted(marked(), full)).toBe(true);
    const leaving = { ...expired, deletion: { atMs: at(1), graceSeconds: 30 } };
    expect(isCounted(leaving, full, true)).toBe(true);
    expect(isCounted(leaving, full.slice(1), true)).toBe(false);
    expect(isCounted(expired, full)).toBe(false);
  });
});
