import { describe, expect, it } from 'vitest';
import {
  clusterSpotPolicyStatus,
  spotPolicyStatus,
  type SpotPolicyStatus,
} from '../../../operator/api/status.ts';
import { precedence } from '../../../operator/policy/rules.ts';
import { revisionOf } from '../../../operator/policy/revision.ts';
import { failuresToTell, reportOn } from '../../../operator/status/report.ts';
import { isUrgent } from '../../../operator/status/urgent.ts';
import { settledCounts } from '../../builders/counts.ts';
import { apiTime } from '../../../operator/world/object.ts';
import type { SoundPolicy } from '../../../operator/world/policy.ts';
import { World } from '../../../operator/world/world.ts';
import { aRefusal, anInterruption } from '../../builders/interruption.ts';
import { aPod, at, ownedBy } from '../../builders/pod.ts';
import { aClusterPolicy, aPolicy } from '../../builders/policy.ts';
import { wholeStatus } from '../../builders/status.ts';
import { aNamespace, aReplicaSet, aWorld, type Content, known, list } from '../../builders/world.ts';
import { aDeployment } from '../../builders/workloads.ts';

const world = (content: Content = {}): World =>
  aWorld({
    SpotPolicy: [aPolicy({ generation: 3 })],
    Deployment: [aDeployment()],
    ReplicaSet: [aReplicaSet()],
    Pod: [aPod()],
    ...content,
  });
const report = (of: World): SpotPolicyStatus => {
  const [policy = known('SpotPolicy', aPolicy())] = of.policies.all();
  return reportOn(settledCounts(of), policy, at(0)).whole();
};
const messageOf = (status: SpotPolicyStatus, type: string): string | undefined =>
  status.conditions?.find((condition) => condition.type === type)?.message;

describe('the status of a policy', () => {
  it('says which spec it is about, and everything that is known', () => {
    const busy = world();
    busy.record(anInterruption());
    busy.record(anInterruption({ counted: true }));
    expect(report(busy)).toMatchObject({
      observedGeneration: 3,
      revision: revisionOf(known('SpotPolicy', aPolicy()) as SoundPolicy),
      pods: { matched: 1, spot: 1 },
      workloads: [{ ref: { kind: 'Deployment', name: 'web' }, pods: 1 }],
      workloadsTotal: 1,
      interruption: { active: 1 },
      interruptions: [{ pod: 'web-1' }],
      totals: { noticed: 1 },
    });
  });

  it('is not Ready while the operator lacks a right for a living pod, and says which', () => {
    const busy = world();
    const message = 'the operator may not create pods/eviction: no';
    const refusal = aRefusal({ forbidden: true, message });
    const said = expect.stringContaining(message);
    const unready = { type: 'Ready', status: 'False', reason: 'Forbidden', message: said };
    const stalled = { ...unready, type: 'Stalled', status: 'True' };
    const matching = [unready, stalled].map((condition) => expect.objectContaining(condition));
    for (const forbidden of [{ refusal }, { unmarked: refusal }]) {
      busy.record(anInterruption(forbidden));
      expect(report(busy).conditions).toEqual(expect.arrayContaining(matching));
    }
    for (const over of [{ refusal: undefined }, { refusal, ending: { how: 'Gone', atMs: at(0) } as const }]) {
      busy.record(anInterruption(over));
      expect(messageOf(report(busy), 'Ready')).not.toContain('may not');
    }
  });

  it('is one that the schema takes', () => {
    const busy = world({
      Pod: Array.from({ length: 30 }, (_, index) =>
        aPod({ name: `p-${index}`, owner: ownedBy('StatefulSet', `s-${index}`) }),
      ),
    });
    for (let index = 0; index < 30; index++)
      busy.record(anInterruption({ name: `p-${index}`, message: 'x'.repeat(2000) }));
    const status = report(busy);
    expect(spotPolicyStatus.parse(status)).toEqual(status);
    expect(status.workloads).toHaveLength(20);
    expect(status.workloadsTotal).toBe(30);
  });

  it('is the same, byte for byte, as long as the world is', () => {
    const one = world();
    expect(JSON.stringify(report(one))).toBe(JSON.stringify(report(one)));
    expect(JSON.stringify(report(one))).toBe(JSON.stringify(report(world())));
  });

  it('lists interruptions of this policy only', () => {
    const busy = world();
    const { settings } = anInterruption();
    busy.record(anInterruption({ settings: { ...settings, policy: 'SpotPolicy/shop/other' } }));
    expect(report(busy).interruptions).toEqual([]);
  });

  it('of a spec that cannot be understood says so and nothing else', () => {
    const status = report(world({ SpotPolicy: [aPolicy({ spec: { strategy: undefined } })] }));
    expect(Object.keys(status)).toEqual(['observedGeneration', 'conditions']);
    expect(messageOf(status, 'Accepted')).toContain('spec.strategy');
  });

  it('says that its namespace opts out', () => {
    const optedOut = world({ Namespace: [aNamespace('shop', { 'spotpolicy.dev/inject': 'false' })] });
    expect(messageOf(report(optedOut), 'Programmed')).toContain('spotpolicy.dev/inject');
  });
});

describe('the status of a policy of the cluster', () => {
  const programmed = (of: World) => {
    const condition = report(of).conditions?.find(({ type }) => type === 'Programmed');
    return condition && `${condition.status} ${condition.reason}: ${condition.message}`;
  };
  const ofTeam = { namespaceSelector: { matchLabels: { team: 'a' } } };
  const clusterWide = (Namespace: Content['Namespace'] = []) =>
    world({ SpotPolicy: [], ClusterSpotPolicy: [aClusterPolicy({ spec: ofTeam })], Namespace });

  it('lists the namespaces that it reaches, 20 at most, and the namespaces of reclaimed pods', () => {
    const busy = clusterWide(
      Array.from({ length: 30 }, (_, index) => aNamespace(`ns-${index + 10}`, { team: 'a' })),
    );
    const { settings } = anInterruption();
    busy.record(anInterruption({ settings: { ...settings, policy: 'ClusterSpotPolicy/base' } }));
    const status = report(busy);
    expect(clusterSpotPolicyStatus.parse(status)).toEqual(status);
    expect(status.namespaces).toHaveLength(20);
    expect(status.namespaces?.[0]).toEqual({ name: 'ns-10', pods: 0, spot: 0, onDemand: 0 });
    expect(status.namespacesTotal).toBe(30);
    expect(status.interruptions).toMatchObject([{ namespace: 'shop', pod: 'web-1' }]);
  });

  it('says where there is no namespace for it, and where nobody can know', () => {
    expect(programmed(clusterWide([aNamespace()]))).toMatch(/^True Programmed: no namespace has the labels/);
    const blind = new World(precedence);
    list(blind, 'ClusterSpotPolicy', [aClusterPolicy({ spec: ofTeam })]);
    expect(programmed(blind)).toMatch(/^False Pending: the namespaces are not known/);
  });

  it('is another than that of a policy in a namespace where nothing is ever governed', () => {
    const system = world({ SpotPolicy: [aPolicy({ namespace: 'kube-system' })] });
    expect(programmed(system)).toMatch(/^False NamespaceExcluded: no pod of this namespace is ever governed/);
    expect(report(system)).not.toHaveProperty('namespaces');
  });
});

describe('a source that cannot be read', () => {
  const fail = (failing: World, times: number): void => {
    for (let count = 0; count < times; count++)
      failing.apply('Job', { kind: 'failed', error: new Error('no right'), then: 'relist' }, at(0));
  };

  it('is told of when it has failed for some seconds', () => {
    const failing = world();
    fail(failing, failuresToTell - 1);
    expect(messageOf(report(failing), 'Ready')).not.toContain('Job');
    fail(failing, 1);
    expect(messageOf(report(failing), 'Ready')).toContain('Job cannot be read: no right');
  });
});

describe('a change of a status', () => {
  const { conditions, interruption, interruptions, totals, observedGeneration, ...counts } = wholeStatus;

  it('is urgent unless it is one of counts of pods', () => {
    expect(isUrgent(undefined, counts)).toBe(false);
    for (const part of [{ conditions }, { interruption }, { interruptions }, { totals }])
      expect(isUrgent(undefined, { ...counts, ...part })).toBe(true);
    expect(isUrgent(undefined, { observedGeneration })).toBe(true);
  });

  it('is not urgent where only counts in the messages of conditions differ', () => {
    const saying = (type: string, message: string, status: 'True' | 'False' = 'True') => ({
      conditions: [{ type, status, reason: 'Any', message, lastTransitionTime: apiTime(at(0)) }],
    });
    const programmed = saying('Programmed', '3 pods run on ordinary nodes');
    expect(isUrgent(programmed, saying('Programmed', '14 pods run on ordinary nodes'))).toBe(false);
    expect(isUrgent(programmed, saying('Programmed', 'new pods get it'))).toBe(true);
    expect(isUrgent(saying('Ready', 'all'), saying('Ready', 'all; 3 pods have nothing'))).toBe(false);
    expect(isUrgent(saying('Ready', 'all'), saying('Ready', 'all', 'False'))).toBe(true);
  });
});
