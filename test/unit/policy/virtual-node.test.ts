import { expect, it } from 'vitest';
import { isRankTooOld, versionRank } from '../../../operator/policy/virtual-node.ts';
import { aKnownPod, at } from '../../builders/pod.ts';

const version = 'k8s.aliyun.com/vk-version';
const rankOf = (text?: string, seconds = 0): number | undefined =>
  versionRank(aKnownPod({ createdAtMs: at(seconds), annotations: { [version]: text } }));
const isTooOld = (...ranks: readonly (number | undefined)[]): boolean =>
  isRankTooOld(Math.max(...ranks.map((rank = 0) => rank)));

it.each(['v2.8.5-2023-02-21-08-59-UTC', 'v2.10.9', '2.10.0', 'v1.99.0'])(
  'a virtual node at %s evicts nothing',
  (text) => {
    expect(isTooOld(rankOf(text))).toBe(true);
  },
);

it.each(['v2.11.0', '2.12.3-2024-05-06-07-08-UTC', 'v3.0.0', 'v10.1.0', '', 'latest', undefined])(
  'nothing is said of one at %s',
  (text) => {
    expect(isTooOld(rankOf(text))).toBe(false);
  },
);

it('the newest pod of a node tells', () => {
  expect(isTooOld(rankOf('v2.8.5', 0), rankOf('v2.11.0', 1))).toBe(false);
  expect(isTooOld(rankOf('v2.11.0', 0), rankOf('v2.8.5', 1), rankOf(undefined, 2))).toBe(true);
});
