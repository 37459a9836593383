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
const avoiding = (app: string, topologyKey: string): Partial<PodSpec> => ({
  affinity: {
    podAntiAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: [
        { topologyKey, labelSelector: { matchLabels: { app } } },
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

  const nodes = (...names: string[]): Content => ({
    Node: names.map((name) => ({
      metadata: {
        name,
        labels: { type: 'virtual-kubelet', 'topology.kubernetes.io/zone': `zone-${name.at(-1)}` },
      },
    })),
  });
  const onPort80: Partial<PodSpec> = {
    containers: [{ name: 'main', ports: [{ containerPort: 80, hostPort: 80 }] }],
  };
  const on = (name: string, node: string | undefined, spec: Partial<PodSpec> = {}) => {
    const pod = aPod({ name });
    return { ...pod, spec: { containers: [], ...pod.spec, ...spec, nodeName: node } as PodSpec };
  };
  const taken = 'it uses port TCP/80 of its node, which is free on no other virtual node';

  it('may not where it uses a port of its node, and no other virtual node has that free', () => {
    const pod = on('web-1', 'node-a', onPort80);
    const asked = (...others: ReturnType<typeof on>[]) =>
      obstacle({ ...onPort80, nodeName: 'node-a' }, { ...nodes('node-a', 'node-b'), Pod: [pod, ...others] });
    expect(asked()).toBeUndefined();
    expect(asked(on('web-2', 'node-b'))).toBeUndefined();
    expect(asked(on('web-2', 'node-b', onPort80))).toBe(taken);
    expect(asked(on('web-2', undefined, onPort80))).toBe(taken);
    expect(obstacle({ hostNetwork: true })).toBe('it uses the network of its node');
  });

  it.each(['kubernetes.io/hostname', 'topology.kubernetes.io/zone'])(
    'may not where it must not run beside its like, and no other %s is free',
    (topologyKey) => {
      const away = `its anti-affinity keeps a second one like it away, and no virtual node has a free ${topologyKey}`;
      const pods = (...places: (string | undefined)[]) =>
        places.map((node, index) => on(`web-${index + 1}`, node));
      const spec = { ...avoiding('web', topologyKey), nodeName: 'node-a' };
      expect(obstacle(spec, { ...nodes('node-a', 'node-b'), Pod: pods('node-a') })).toBeUndefined();
      expect(obstacle(spec, { ...nodes('node-a'), Pod: pods('node-a') })).toBe(away);
      expect(obstacle(spec, { ...nodes('node-a', 'node-b'), Pod: pods('node-a', 'node-b') })).toBe(away);
      expect(obstacle(spec, { ...nodes('node-a', 'node-b'), Pod: pods('node-a', undefined) })).toBe(away);
      expect(obstacle(avoiding('db', topologyKey), nodes('node-a'))).toBeUndefined();
    },
  );

  it('may not where a pod on an ordinary node holds the only other domain', () => {
    const zone = 'topology.kubernetes.io/zone';
    const [a, b] = nodes('node-a', 'node-b').Node ?? [];
    const ordinary = { metadata: { name: 'worker', labels: { [zone]: 'zone-b' } } };
    const Node = [a, b, ordinary].flatMap((node) => node ?? []);
    const spec = { ...avoiding('web', zone), nodeName: 'node-a' };
    expect(obstacle(spec, { Node, Pod: [on('web-1', 'node-a')] })).toBeUndefined();
    expect(obstacle(spec, { Node, Pod: [on('web-1', 'node-a'), on('web-2', 'worker')] })).toContain(
      `no virtual node has a free ${zone}`,
    );
  });

  it('may not where it has more ports or rules than are compared with all other pods', () => {
    const ports = (count: number): Partial<PodSpec> => ({
      containers: [
        {
          name: 'main',
          ports: Array.from({ length: count }, (_, index) => ({ containerPort: 80, hostPort: index + 1 })),
        },
      ],
    });
    const beyond = 'it has more ports of its node, or rules about other pods, than are looked at';
    expect(obstacle(ports(16), nodes('node-a', 'node-b'))).toBeUndefined();
    expect(obstacle(ports(17), nodes('node-a', 'node-b'))).toBe(beyond);
    const [term] =
      avoiding('db', 'rack').affinity?.podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? [];
    const avoidingOften = (count: number): Partial<PodSpec> => ({
      affinity: {
        podAntiAffinity: {
          requiredDuringSchedulingIgnoredDuringExecution: Array.from({ length: count }, () => term).flatMap(
            (each) => each ?? [],
          ),
        },
      },
    });
    expect(obstacle(avoidingOften(8), nodes('node-a'))).toBeUndefined();
    expect(obstacle(avoidingOften(9), nodes('node-a'))).toBe(beyond);
  });

  it('may not where a label is asked for that no virtual node has', () => {
    expect(obstacle(avoiding('web', 'rack'), nodes('node-a', 'node-b'))).toBe(
      'its anti-affinity keeps a second one like it away, and no virtual node has a free rack',
    );
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

  it('may not where pods in the scopes of a quota are seen before its status shows them', () => {
    const batch = {
      metadata: { name: 'batch' },
      spec: { scopes: ['Terminating'] },
      status: { hard: { pods: '2' }, used: { pods: '1' } },
    };
    const inScope = { activeDeadlineSeconds: 60 };
    const pods = (...specs: Partial<PodSpec>[]) =>
      specs.map((spec, index) => on(`web-${index + 1}`, 'node-a', spec));
    expect(obstacle(inScope, { ResourceQuota: [batch], Pod: pods(inScope, {}) })).toBeUndefined();
    expect(obstacle(inScope, { ResourceQuota: [batch], Pod: pods(inScope, inScope) })).toBe(
      'quota batch has no room for its pods',
    );
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
