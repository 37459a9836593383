import type { PodSpec } from 'kubernetes-types/core/v1.js';
import { describe, expect, it } from 'vitest';
import { obstacleTo } from '../../../operator/policy/room.ts';
import { trimPod } from '../../../operator/world/pod.ts';
import { aPod, at } from '../../builders/pod.ts';
import { aWorld, type Content } from '../../builders/world.ts';

const obstacle = (spec: Partial<PodSpec>, content: Content = {}): string | undefined => {
  const pod = aPod();
  const record = trimPod({ ...pod, spec: { containers: [], ...pod.spec, ...spec } });
  return obstacleTo(aWorld(content), record, { nowMs: at(0), patient: false })?.because;
};
const claim = (...accessModes: string[]) => ({ metadata: { name: 'data' }, spec: { accessModes } });
const mounting: Partial<PodSpec> = {
  volumes: [{ name: 'data', persistentVolumeClaim: { claimName: 'data' } }],
};
const avoiding = (app: string): Partial<PodSpec> => ({
  affinity: {
    podAntiAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: [
        { topologyKey: 'kubernetes.io/hostname', labelSelector: { matchLabels: { app } } },
      ],
    },
  },
});

describe('a second pod like one', () => {
  it('may run beside it where nothing ties it', () => {
    expect(obstacle({ volumes: [{ name: 'cache', emptyDir: {} }] })).toBeUndefined();
  });

  it('may not where only one node may use a claim, or nobody knows', () => {
    const known = (...modes: string[]) => obstacle(mounting, { PersistentVolumeClaim: [claim(...modes)] });
    expect(known('ReadWriteOnce')).toBe('only one node may use its PersistentVolumeClaim data');
    expect(known('ReadWriteOncePod')).toBe('only one node may use its PersistentVolumeClaim data');
    expect(known('ReadWriteOnce', 'ReadWriteMany')).toBeUndefined();
    expect(known('ReadOnlyMany')).toBeUndefined();
    expect(obstacle(mounting)).toBe('who may use its PersistentVolumeClaim data is not known');
  });

  it('may not where it writes to a disk, but where it only reads', () => {
    const disk = (readOnly: boolean): Partial<PodSpec> => ({
      volumes: [{ name: 'disk', flexVolume: { driver: 'alicloud/disk', readOnly } }],
    });
    expect(obstacle(disk(false))).toBe('only one machine may hold its volume disk');
    expect(obstacle(disk(true))).toBeUndefined();
  });

  it('may not where it uses a port of its node', () => {
    const ports = [{ containerPort: 80, hostPort: 80 }];
    expect(obstacle({ containers: [{ name: 'main', ports }] })).toBe('it uses a port of its node');
    expect(obstacle({ hostNetwork: true })).toBe('it uses a port of its node');
  });

  it('may not where it must not run beside its like', () => {
    expect(obstacle(avoiding('web'))).toBe('its anti-affinity keeps a second one like it away');
    expect(obstacle(avoiding('db'))).toBeUndefined();
  });

  it('may not where a quota has no room for it', () => {
    const quota = (hard: Record<string, string>, used: Record<string, string>, namespace = 'shop') => ({
      ResourceQuota: [{ metadata: { name: 'small', namespace }, status: { hard, used } }],
    });
    const asking = { containers: [{ name: 'main', resources: { requests: { cpu: '500m' } } }] };
    expect(obstacle(asking, quota({ pods: '2' }, { pods: '2' }))).toBe(
      'quota small has no room for its pods',
    );
    expect(obstacle(asking, quota({ pods: '3' }, { pods: '2' }))).toBeUndefined();
    expect(obstacle(asking, quota({ cpu: '1' }, { cpu: '600m' }))).toBe(
      'quota small has no room for its cpu',
    );
    expect(obstacle(asking, quota({ cpu: '1' }, { cpu: '500m' }))).toBeUndefined();
    expect(obstacle(asking, quota({ 'limits.cpu': '1' }, { 'limits.cpu': '1' }))).toBeUndefined();
    expect(obstacle(asking, quota({ pods: '0' }, { pods: '0' }, 'bank'))).toBeUndefined();
  });

  it('may where a quota that has no room is not about it', () => {
    const full = { hard: { pods: '0' }, used: { pods: '0' } };
    const batch = { metadata: { name: 'batch' }, spec: { scopes: ['Terminating'] }, status: full };
    expect(obstacle({}, { ResourceQuota: [batch] })).toBeUndefined();
    expect(obstacle({ activeDeadlineSeconds: 60 }, { ResourceQuota: [batch] })).toBe(
      'quota batch has no room for its pods',
    );
  });
});
