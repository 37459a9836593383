import { describe, expect, it } from 'vitest';
import { demandOf } from '../../../operator/world/demand.ts';

type Spec = NonNullable<Parameters<typeof demandOf>[0]>;

const container = (requests: Record<string, string>, more: object = {}) => ({
  ...{ name: 'main', resources: { requests } },
  ...more,
});
const sidecar = (cpu: string) => container({ cpu }, { restartPolicy: 'Always' });
const cpu = (spec: Spec): number | undefined => demandOf(spec)['requests.cpu'];

describe('what a pod asks of quotas', () => {
  it('is what its containers ask together, or the largest init container alone where that is more', () => {
    const containers = [container({ cpu: '500m', memory: '1Gi' }), container({ cpu: '1' })];
    expect(demandOf({ containers })).toEqual({ 'requests.cpu': 1.5, 'requests.memory': 2 ** 30 });
    const initContainers = [container({ cpu: '4' }), container({ cpu: '3' })];
    expect(cpu({ containers, initContainers })).toBe(4);
  });

  it('has sidecars beside its containers, and beside the init containers that come after them', () => {
    const containers = [container({ cpu: '1' })];
    expect(cpu({ containers, initContainers: [sidecar('1')] })).toBe(2);
    expect(cpu({ containers, initContainers: [sidecar('1'), container({ cpu: '4' })] })).toBe(5);
    expect(cpu({ containers, initContainers: [container({ cpu: '4' }), sidecar('1')] })).toBe(4);
  });

  it('is what it asks for as a whole, where it does, and its overhead on top', () => {
    const containers = [container({ cpu: '1', memory: '1Gi' })];
    const whole = { containers, resources: { requests: { cpu: '3' } }, overhead: { cpu: '250m' } };
    expect(demandOf(whole)).toEqual({ 'requests.cpu': 3.25, 'requests.memory': 2 ** 30 });
  });

  it('has overhead on a limit only where there is a limit', () => {
    const limited = { name: 'main', resources: { limits: { cpu: '1' } } };
    expect(demandOf({ containers: [limited], overhead: { cpu: '1', memory: '1Gi' } })).toEqual({
      ...{ 'requests.cpu': 1, 'requests.memory': 2 ** 30 },
      'limits.cpu': 2,
    });
  });

  it('names storage, huge pages and extended resources too', () => {
    const requests = { 'ephemeral-storage': '1Gi', 'hugepages-2Mi': '4Mi', 'nvidia.com/gpu': '2' };
    expect(demandOf({ containers: [container(requests)] })).toEqual({
      ...{ 'requests.ephemeral-storage': 2 ** 30, 'requests.hugepages-2Mi': 2 ** 22 },
      'requests.nvidia.com/gpu': 2,
    });
  });

  it('names no more than 24 resources, however many there are', () => {
    const requests = Object.fromEntries(Array.from({ length: 99 }, (_, index) => [`x.io/${index}`, '1']));
    expect(Object.keys(demandOf({ containers: [container(requests)] }))).toHaveLength(24);
  });

  it('is nothing where it names no amounts', () => {
    expect(demandOf({ containers: [{ name: 'main' }] })).toEqual({});
    expect(demandOf(undefined)).toEqual({});
  });
});
