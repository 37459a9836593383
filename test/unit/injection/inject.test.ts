import { describe, expect, it } from 'vitest';
import type { Incoming } from '../../../operator/injection/inject.ts';
import { revisionOf } from '../../../operator/policy/revision.ts';
import type { SoundPolicy } from '../../../operator/world/policy.ts';
import { aStamping, injected as inject } from '../../builders/admission.ts';
import { at } from '../../builders/pod.ts';
import { aPolicy, type PolicyWishes } from '../../builders/policy.ts';
import { known } from '../../builders/world.ts';

const policy = (spec: PolicyWishes['spec'] = {}): SoundPolicy =>
  known('SpotPolicy', aPolicy({ spec })) as SoundPolicy;
const incoming = (more: Partial<Incoming> = {}): Incoming => ({
  namespace: 'shop',
  labels: { app: 'web' },
  annotations: {},
  controller: undefined,
  restarts: true,
  ...more,
});
const first = inject(incoming(), policy(), aStamping());
const asArrived = (more: Partial<Incoming> = {}): Incoming => incoming({ ...first, ...more });

describe('a governed pod', () => {
  it('carries exactly the annotations of its policy, its stamps and its capacity', () => {
    const { annotations, labels } = first;
    expect(labels).toEqual({ app: 'web', 'spotpolicy.dev/capacity': 'spot' });
    expect(annotations).toEqual({
      'k8s.aliyun.com/eci-spot-strategy': 'SpotAsPriceGo',
      'k8s.aliyun.com/eci-spot-duration': '1',
      'k8s.aliyun.com/eci-spot-fallback': 'true',
      'spotpolicy.dev/policy': 'SpotPolicy/shop/web',
      'spotpolicy.dev/revision': revisionOf(policy()),
      'spotpolicy.dev/reason': 'Policy',
      'spotpolicy.dev/admission': expect.stringMatching(/^nonce\.[0-9a-z]+\.[\w-]+$/),
    });
  });

  it('keeps what is not ours', () => {
    const { annotations, labels } = inject(
      incoming({ annotations: { team: 'web' }, labels: { a: 'b' } }),
      policy(),
      aStamping(),
    );
    expect(annotations).toMatchObject({ team: 'web' });
    expect(labels).toMatchObject({ a: 'b' });
  });

  it('is on demand under NoSpot, and says so', () => {
    const { annotations, labels } = inject(incoming(), policy({ strategy: 'NoSpot' }), aStamping());
    expect(labels['spotpolicy.dev/capacity']).toBe('on-demand');
    expect(annotations['spotpolicy.dev/reason']).toBe('Policy');
    expect(Object.keys(annotations).filter((key) => key.includes('aliyun'))).toEqual([]);
  });

  it('says so where its user’s word was kept', () => {
    const own = incoming({ annotations: { 'k8s.aliyun.com/eci-spot-duration': '0' } });
    expect(inject(own, policy(), aStamping()).annotations['spotpolicy.dev/reason']).toBe('UserValueKept');
  });

  it('goes to a virtual node, unless its user wrote otherwise and is heard', () => {
    const scheduling = { scheduling: 'VirtualNode' } as const;
    const label = (existing: 'Keep' | 'Overwrite', labels = {}) =>
      inject(incoming({ labels }), policy({ injection: { ...scheduling, existing } }), aStamping()).labels[
        'alibabacloud.com/eci'
      ];
    expect(label('Keep')).toBe('true');
    expect(label('Keep', { 'alibabacloud.com/eci': 'false' })).toBe('false');
    expect(label('Overwrite', { 'alibabacloud.com/eci': 'false' })).toBe('true');
  });

  it('asks its virtual node for eviction where the policy leaves that to it and its owner recreates it', () => {
    const key = 'k8s.aliyun.com/eci-spot-release-strategy';
    const asked = (controller: Incoming['controller'], annotations = {}) =>
      inject(
        incoming({ controller, annotations }),
        policy({ interruption: { evictor: 'VirtualNode' } }),
        aStamping(),
      ).annotations[key];
    const owner = { namespace: 'shop', group: 'apps', kind: 'ReplicaSet', name: 'web-abc', uid: 'r' };
    expect(asked(owner)).toBe('api-evict');
    expect(asked(owner, { [key]: 'other' })).toBe('other');
    expect(asked(undefined)).toBeUndefined();
  });

  it('cannot say itself what capacity it has', () => {
    const forged = incoming({ labels: { 'spotpolicy.dev/capacity': 'on-demand' } });
    expect(inject(forged, policy(), aStamping()).labels['spotpolicy.dev/capacity']).toBe('spot');
  });
});

describe('the driver of a Spark application', () => {
  const driver = (more: Partial<Incoming> = {}) => incoming({ labels: { 'spark-role': 'driver' }, ...more });
  const spotKeys = ({ annotations }: Pick<Incoming, 'annotations'>) =>
    Object.keys(annotations).filter((key) => key.includes('eci-spot'));

  it('is on demand, unless the policy wants it on spot capacity', () => {
    const given = inject(driver(), policy(), aStamping());
    expect(spotKeys(given)).toEqual([]);
    expect(given.labels['spotpolicy.dev/capacity']).toBe('on-demand');
    const spot = inject(driver(), policy({ spark: { driver: 'Spot' } }), aStamping());
    expect(spot.annotations).toMatchObject({ 'k8s.aliyun.com/eci-spot-strategy': 'SpotAsPriceGo' });
    expect(spot.labels['spotpolicy.dev/capacity']).toBe('spot');
  });

  it('stays so when Spark’s own webhook adds its owner and admission is asked again', () => {
    const given = inject(driver(), policy(), aStamping());
    const controller = { namespace: 'shop', group: 'sparkoperator.k8s.io', kind: 'SparkApplication' };
    const again = driver({ ...given, controller: { ...controller, name: 'pi', uid: 'pi' } });
    expect(spotKeys(inject(again, policy(), aStamping()))).toEqual([]);
  });

  it('keeps a strategy of its user, or not', () => {
    const own = driver({ annotations: { 'k8s.aliyun.com/eci-spot-strategy': 'SpotAsPriceGo' } });
    const kept = inject(own, policy(), aStamping());
    expect(kept.labels['spotpolicy.dev/capacity']).toBe('spot');
    expect(kept.annotations['spotpolicy.dev/reason']).toBe('UserValueKept');
    const overwritten = inject(own, policy({ injection: { existing: 'Overwrite' } }), aStamping());
    expect(spotKeys(overwritten)).toEqual([]);
  });

  it('leaves its executors governed', () => {
    const given = inject(incoming({ labels: { 'spark-role': 'executor' } }), policy(), aStamping());
    expect(given.labels['spotpolicy.dev/capacity']).toBe('spot');
  });
});

describe('stamps that a pod arrives with', () => {
  it('of this very admission are left as they are', () => {
    expect(inject(asArrived(), policy(), aStamping({ nonce: 'second', nowMs: at(5) }))).toEqual(first);
  });

  it('of this very admission stay when another webhook has added something', () => {
    const arrived = asArrived({ labels: { ...first.labels, mesh: 'on' } });
    const second = inject(arrived, policy(), aStamping({ nonce: 'second' }));
    expect(second).toEqual({ annotations: first.annotations, labels: { ...first.labels, mesh: 'on' } });
    expect(second.annotations['spotpolicy.dev/reason']).toBe('Policy');
  });

  it('of this very admission hold against an edit of the policy in between', () => {
    const { annotations, labels } = inject(asArrived(), policy({ strategy: 'NoSpot' }), aStamping());
    expect({ annotations, labels }).toEqual(first);
  });

  it('that we did not give are overwritten', () => {
    const forged = incoming({
      annotations: {
        ...first.annotations,
        'spotpolicy.dev/policy': 'SpotPolicy/shop/forged',
        'spotpolicy.dev/interruption': '{}',
      },
    });
    const { annotations } = inject(forged, policy(), aStamping({ nonce: 'second' }));
    expect(annotations['spotpolicy.dev/policy']).toBe('SpotPolicy/shop/web');
    expect(annotations['spotpolicy.dev/admission']).toMatch(/^second\./);
    expect(annotations).not.toHaveProperty(['spotpolicy.dev/interruption']);
  });

  it('of a manifest copied a minute ago are given anew, by the policy as it is now', () => {
    const edited = policy({ durationHours: 0 });
    const { annotations } = inject(asArrived(), edited, aStamping({ nonce: 'second', nowMs: at(60) }));
    expect(annotations['spotpolicy.dev/revision']).toBe(revisionOf(edited));
    expect(annotations['spotpolicy.dev/admission']).toMatch(/^second\./);
  });
});
