import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { needOf } from '../../operator/world/quantity.ts';
import { isLive } from '../../operator/world/pod.ts';
import type { World } from '../../operator/world/world.ts';
import { aPod, noonMs, type PodWishes } from '../builders/pod.ts';
import { aWorld, drop, list, put } from '../builders/world.ts';

const namespaces = ['shop', 'bank'];
const resources = ['pods', 'count/pods', 'cpu', 'requests.cpu', 'limits.memory'];
const state = fc.constantFrom<PodWishes>(
  {},
  { phase: 'Succeeded' },
  { phase: 'Failed', reason: 'BidFailed' },
  { deletion: { atMs: noonMs, graceSeconds: 30 } },
);
const amounts = fc.record({
  cpu: fc.constantFrom('100m', '0.3', '1'),
  memory: fc.constantFrom('1Gi', '700M'),
});
const step = fc.record({
  name: fc.constantFrom('web-0', 'web-1', 'web-2'),
  namespace: fc.constantFrom(...namespaces),
  state,
  amounts,
  kind: fc.constantFrom('put', 'put', 'drop', 'relist'),
});

const takenAnew = (world: World, namespace: string, resource: string): number =>
  [...world.pods.group('namespace', namespace)]
    .filter(isLive)
    .reduce((sum, { demand }) => sum + Math.round(needOf(resource, demand) * 1_000), 0) / 1_000;

describe('what the pods of a namespace take of its quotas', () => {
  test.prop([fc.array(step, { maxLength: 60 })])('is kept as if it were counted anew', (steps) => {
    const world = aWorld({});
    for (const { name, namespace, state: wishes, amounts: requests, kind } of steps) {
      const pod = aPod({ name, namespace, ...wishes });
      const [main] = pod.spec?.containers ?? [];
      if (main) main.resources = { requests, limits: requests };
      if (kind === 'put') put(world, 'Pod', pod);
      else if (kind === 'drop') drop(world, 'Pod', pod);
      else list(world, 'Pod', [pod]);
      for (const each of namespaces)
        for (const resource of resources)
          expect([resource, world.taken.of(each, resource)]).toEqual([
            resource,
            takenAnew(world, each, resource),
          ]);
    }
  });
});
