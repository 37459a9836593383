import { expect, it } from 'vitest';
import { nodesTooOld } from '../../../operator/policy/virtual-node.ts';
import { aKnownPod, at } from '../../builders/pod.ts';

const version = 'k8s.aliyun.com/vk-version';
const aPodOn = (nodeName: string, text?: string, seconds = 0) =>
  aKnownPod({ nodeName, createdAtMs: at(seconds), annotations: { [version]: text } });

it.each(['v2.8.5-2023-02-21-08-59-UTC', 'v2.10.9', '2.10.0', 'v1.99.0'])(
  'a virtual node at %s evicts nothing',
  (text) => {
    expect(nodesTooOld([aPodOn('a', text)])).toEqual(['a']);
  },
);

it.each(['v2.11.0', '2.12.3-2024-05-06-07-08-UTC', 'v3.0.0', 'v10.1.0', '', 'latest', undefined])(
  'nothing is said of one at %s',
  (text) => {
    expect(nodesTooOld([aPodOn('a', text)])).toEqual([]);
  },
);

it('the newest pod of a node tells, in whatever order they are looked at', () => {
  const upgraded = [aPodOn('a', 'v2.8.5', 0), aPodOn('a', 'v2.11.0', 1)];
  const downgraded = [aPodOn('b', 'v2.11.0', 0), aPodOn('b', 'v2.8.5', 1), aPodOn('b', undefined, 2)];
  expect(nodesTooOld([...upgraded, ...downgraded])).toEqual(['b']);
  expect(nodesTooOld([...upgraded, ...downgraded].toReversed())).toEqual(['b']);
});
