import { describe, expect, it } from 'vitest';
import { removalOf } from '../../../operator/interruption/clean-up.ts';
import { writeMark } from '../../../operator/interruption/mark.ts';
import { anInterruption } from '../../builders/interruption.ts';
import { aPod, anExpiry, at, ownedBy, type PodWishes } from '../../builders/pod.ts';
import { aPolicy, type PolicyWishes } from '../../builders/policy.ts';
import { aReplicaSet, aWorld, known } from '../../builders/world.ts';
import { aDeployment } from '../../builders/workloads.ts';

const interruption = 'spotpolicy.dev/interruption';
const told = { [interruption]: writeMark({ ...anInterruption(), outcome: 'Missed' }) };
const reclaiming = { 'spotpolicy.dev/reclaiming': 'true' };
// Unready from the moment of its release on.
const released: PodWishes = {
  annotations: told,
  conditions: [anExpiry(at(-180))],
  phase: 'Failed',
  reason: 'BidFailed',
  createdAtMs: at(-600),
  readyAtMs: at(0),
};

/** When pod `shop/web-1` is removed, in seconds after noon. */
const removed = (
  pod: PodWishes = {},
  spec: PolicyWishes['spec'] | null = {},
  seconds = 0,
): number | undefined => {
  const world = aWorld({
    SpotPolicy: spec === null ? [] : [aPolicy({ spec })],
    Deployment: [aDeployment()],
    ReplicaSet: [aReplicaSet()],
  });
  const options = { defaultMinutes: 3, nowMs: at(seconds) };
  const removal = removalOf(world, known('Pod', aPod({ ...released, ...pod })), options);
  return removal && (removal.fromMs - at(0)) / 1000;
};

describe('the object of a pod that ECI took', () => {
  it('goes an hour after it failed, or when its policy says', () => {
    expect(removed()).toBe(3600);
    expect(removed({}, { interruption: { failedPodTTLSeconds: 5 } })).toBe(5);
    expect(removed({}, { interruption: { failedPodTTLSeconds: 0 } })).toBe(0);
  });

  it('goes at once while it shows Ready, which its budget takes for health', () => {
    expect(removed({ ready: true })).toBeLessThanOrEqual(0);
  });

  it('stays with failedPods Keep and with evictor None, Ready or not', () => {
    for (const ready of [true, false]) {
      expect(removed({ ready }, { interruption: { failedPods: 'Keep' } })).toBeUndefined();
      expect(removed({ ready }, { interruption: { evictor: 'None' } })).toBeUndefined();
    }
  });

  it('stays where no policy governs it, or it opted out', () => {
    expect(removed({}, null)).toBeUndefined();
    expect(removed({}, { selector: { matchLabels: { app: 'other' } } })).toBeUndefined();
    expect(removed({ labels: { 'spotpolicy.dev/inject': 'false' } })).toBeUndefined();
  });

  it('stays until its outcome has been recorded', () => {
    expect(removed({ annotations: {} })).toBeUndefined();
  });

  it('goes where its release is history that nobody records any more', () => {
    expect(removed({ annotations: {} }, {}, 601)).toBe(3600);
  });
});

describe('whoever owns it', () => {
  it('a ReplicaSet keeps it, so does a Deployment to which the operator had moved it', () => {
    expect(removed({ owner: ownedBy('ReplicaSet', 'bare') })).toBe(3600);
    expect(removed({ owner: ownedBy('Deployment', 'web'), labels: reclaiming })).toBe(3600);
  });

  it.each(['Job', 'StatefulSet', 'Deployment', 'Workflow', 'Pod'])('one of a %s is left alone', (kind) => {
    expect(removed({ owner: ownedBy(kind, 'one') })).toBeUndefined();
  });

  it('a bare one is left alone', () => {
    expect(removed({ owner: undefined })).toBeUndefined();
  });
});

describe('another pod', () => {
  it.each<[string, PodWishes]>([
    ['that failed for another reason', { reason: 'Evicted' }],
    ['that runs', { phase: 'Running' }],
    ['that completed', { phase: 'Succeeded', reason: '' }],
    ['that is being deleted', { deletion: { atMs: at(0), graceSeconds: 1 } }],
    [
      'that asked for no spot capacity',
      { annotations: { ...told, 'k8s.aliyun.com/eci-spot-strategy': undefined } },
    ],
  ])('%s stays', (_, wishes) => {
    expect(removed(wishes)).toBeUndefined();
  });
});
