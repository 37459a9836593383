import { expect, it } from 'vitest';
import { describeCounted } from '../../../operator/status/leftovers.ts';
import type { SoundPolicy } from '../../../operator/world/policy.ts';
import { aPod, at, ownedBy, type PodWishes } from '../../builders/pod.ts';
import { aClusterPolicy, aPolicy, type PolicyWishes } from '../../builders/policy.ts';
import { aNamespace, aWorld, known } from '../../builders/world.ts';

const counted = { phase: 'Failed', reason: 'BidFailed', ready: true } as const;
const inWords = (
  pods: readonly PodWishes[],
  interruption: NonNullable<PolicyWishes['spec']>['interruption'],
) => {
  const policy = aPolicy({ spec: { interruption } });
  const world = aWorld({ SpotPolicy: [policy], Pod: pods.map((wishes) => aPod({ ...counted, ...wishes })) });
  return describeCounted(world, known('SpotPolicy', policy) as SoundPolicy);
};
const keep = { failedPods: 'Keep' } as const;

it('names the pods that are kept and count as healthy, three of them at most', () => {
  expect(inWords([{}], keep)).toMatch(/until they are deleted: web-1$/);
  const names = ['web-5', 'web-4', 'web-3', 'web-2', 'web-1'];
  expect(
    inWords(
      names.map((name) => ({ name })),
      keep,
    ),
  ).toMatch(/: web-1, web-2, web-3 and 2 more$/);
});

it('names those of other owners whatever becomes of the rest, which are about to go', () => {
  const pods = [{}, { name: 'job-1', owner: ownedBy('Job', 'job') }];
  expect(inWords(pods, { failedPods: 'Delete' })).toMatch(/: job-1$/);
});

it.each<[string, PodWishes]>([
  ['is not Ready', { ready: false }],
  ['runs', { phase: 'Running' }],
  ['is being deleted', { deletion: { atMs: at(0), graceSeconds: 1 } }],
  ['another policy governs, or none', { labels: { app: 'other' } }],
])('does not name one that %s', (_, wishes) => {
  expect(inWords([wishes], keep)).toBe('');
});

it('names them with their namespaces where those are several', () => {
  const policy = aClusterPolicy({ spec: { interruption: keep } });
  const world = aWorld({
    ClusterSpotPolicy: [policy],
    Namespace: [aNamespace()],
    Pod: [aPod(counted)],
  });
  const words = describeCounted(world, known('ClusterSpotPolicy', policy) as SoundPolicy);
  expect(words).toMatch(/: shop\/web-1$/);
});
