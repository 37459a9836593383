import { expect, test } from 'vitest';
import { KubeError } from '../../../operator/kube/errors.ts';
import type { EventNote } from '../../../operator/observe/events.ts';
import { createLog } from '../../../operator/observe/log.ts';
import { createLossLog } from '../../../operator/observe/loss-log.ts';

const aLossLog = () => {
  const lines: { name: string; more?: number }[] = [];
  const log = createLog('debug', 'spotpolicy-1', { write: (line) => void lines.push(JSON.parse(line)) });
  const clock = { nowMs: 0 };
  const tell = createLossLog(log, () => clock.nowMs);
  return { lines, clock, tell };
};
const aNote = (namespace: string, name = 'web'): EventNote => ({
  subject: { apiVersion: 'v1', kind: 'Pod', namespace, name, uid: name },
  type: 'Normal',
  reason: 'PodEvicted',
  message: 'evicted',
});
const terminating = new KubeError('creating an Event', {
  code: 'stalled',
  reason: 'Forbidden',
  refusal: { httpStatus: 403, status: {}, retryAfterSeconds: undefined },
});
const timedOut = new KubeError('creating an Event', { code: 'retryable', reason: 'TimedOut' });

test('a hundred Events in a namespace that refuses them are one line, and the next one a minute later has their number', () => {
  const { lines, clock, tell } = aLossLog();
  for (let pod = 0; pod < 100; pod += 1) tell(aNote('shop', `web-${pod}`), terminating);
  expect(lines.map(({ name, more }) => [name, more])).toEqual([['web-0', undefined]]);
  clock.nowMs = 60_000;
  tell(aNote('shop', 'late'), terminating);
  expect(lines.map(({ name, more }) => [name, more]).slice(1)).toEqual([['late', 99]]);
});

test('each namespace that refuses is a cause of its own, and an API server that does not answer is one for all', () => {
  const { lines, tell } = aLossLog();
  for (const namespace of ['shop', 'bank', 'shop', 'bank']) {
    tell(aNote(namespace), terminating);
    tell(aNote(namespace), timedOut);
    tell(aNote(namespace), new Error('broken'));
  }
  expect(lines).toHaveLength(4);
});

test('of thousands of causes each is told, and a hundred are kept', () => {
  const { lines, tell } = aLossLog();
  for (let namespace = 0; namespace < 1_000; namespace += 1) tell(aNote(`n${namespace}`), terminating);
  expect(lines).toHaveLength(1_000);
  tell(aNote('n999'), terminating);
  expect(lines).toHaveLength(1_000);
  tell(aNote('n0'), terminating);
  expect(lines).toHaveLength(1_001);
});
