import { expect, test } from 'vitest';
import { stepsOfPod, stepsOfPolicy } from '../../../hack/demo/timeline.ts';
import type { InterruptionEntry } from '../../../operator/api/index.ts';
import { aPod } from '../../builders/pod.ts';
import { aPolicy } from '../../builders/policy.ts';

const entry = (wishes: Partial<InterruptionEntry>): InterruptionEntry => ({
  ...{ pod: 'web-1', uid: 'one', phase: 'Noticed', message: 'it may use the time it has left' },
  ...{ noticedAt: '2026-03-01T12:00:00Z', deadline: '2026-03-01T12:03:00Z' },
  ...wishes,
});

const withEntries = (...interruptions: InterruptionEntry[]) => aPolicy({ status: { interruptions } });

test('a phase is told when it is entered, and the outcome in place of the last', () => {
  const noticed = withEntries(entry({}));
  const blocked = withEntries(entry({ phase: 'Blocked', message: 'budget web' }));
  const done = withEntries(entry({ phase: 'Done', outcome: 'Replaced', message: 'replaced by web-2' }));
  const told = [
    stepsOfPolicy(undefined, noticed),
    stepsOfPolicy(noticed, noticed),
    stepsOfPolicy(noticed, blocked),
    stepsOfPolicy(blocked, done),
  ];
  expect(told.map((steps) => steps.map(({ step, tone, message }) => [step, tone, message]))).toEqual([
    [['Noticed', 'plain', 'it may use the time it has left']],
    [],
    [['Blocked', 'bad', 'budget web']],
    [['Replaced', 'good', 'replaced by web-2']],
  ]);
});

test('a pod of the same name with another UID has a story of its own', () => {
  const before = withEntries(entry({ uid: 'old', phase: 'Done', outcome: 'Replaced' }));
  const after = withEntries(entry({ uid: 'old', phase: 'Done', outcome: 'Replaced' }), entry({ uid: 'new' }));
  expect(stepsOfPolicy(before, after).map(({ step }) => step)).toEqual(['Noticed']);
});

test('an outcome that lost the instance is told as bad', () => {
  const missed = withEntries(entry({ phase: 'Done', outcome: 'Missed' }));
  expect(stepsOfPolicy(undefined, missed).map(({ tone }) => tone)).toEqual(['bad']);
});

test('a pod tells once that it was warned, is Ready, was taken, is gone', () => {
  const expired = { type: 'ContainerInstanceExpired', status: 'True', message: 'released in 3 minutes' };
  const pending = aPod({ phase: 'Pending' });
  const ready = aPod();
  const warned = aPod({ conditions: [expired] });
  const taken = aPod({ phase: 'Failed', reason: 'BidFailed', conditions: [expired] });
  const steps = (...[before, after]: Parameters<typeof stepsOfPod>) =>
    stepsOfPod(before, after).map(({ step, message }) => `${step}: ${message}`);
  expect(steps(undefined, pending)).toEqual([]);
  expect(steps(pending, ready)).toEqual(['Ready: runs on virtual-kubelet-cn-hangzhou-h']);
  expect(steps(ready, warned)).toEqual(['Warned: released in 3 minutes']);
  expect(steps(warned, warned)).toEqual([]);
  expect(steps(warned, taken)).toEqual(['BidFailed: ECI took its instance']);
  expect(steps(taken, undefined)).toEqual(['Gone: its object is gone']);
});
