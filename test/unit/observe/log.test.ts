import { describe, expect, test } from 'vitest';
import { createLog } from '../../../operator/observe/log.ts';

const aLog = (level = 'debug') => {
  const lines: string[] = [];
  const log = createLog(level, 'spotpolicy-1', { write: (line) => void lines.push(line) });
  const last = () => JSON.parse(lines.at(-1) ?? 'null') as Record<string, unknown>;
  return { log, lines, last };
};

describe('the log', () => {
  test('writes one JSON line with the time, the level by name, the replica, the message and the keys', () => {
    const { log, lines, last } = aLog();
    log.info({ namespace: 'shop', pod: 'web-1', graceSeconds: 30 }, 'evicted pod');
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(/^\{.*\}\n$/);
    expect(last()).toEqual({
      level: 'info',
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
      replica: 'spotpolicy-1',
      namespace: 'shop',
      pod: 'web-1',
      graceSeconds: 30,
      message: 'evicted pod',
    });
  });

  test('leaves out what is below its level', () => {
    const { log, lines } = aLog('warn');
    log.info('evicted pod');
    expect(lines).toEqual([]);
  });

  test.each(['token', 'authorization', 'key', 'keyPem', 'password', 'secret', 'headers'])(
    'never shows a %s, at any depth it may slip in',
    (field) => {
      const { log, lines } = aLog();
      const value = 'Bearer hunter2';
      log.info({ [field]: value, request: { [field]: value, inner: { [field]: value } } }, 'called');
      expect(lines.join()).not.toContain('hunter2');
      expect(lines.join()).toContain('[redacted]');
    },
  );

  test('shows of an error its message, code and status, and nothing it carries', () => {
    const { log, lines, last } = aLog();
    const error = Object.assign(
      new Error('evicting pod shop/web-1: too many requests', { cause: 'hunter2' }),
      {
        code: 'waiting',
        status: 429,
        body: 'hunter2',
      },
    );
    log.warn({ err: error }, 'eviction refused');
    expect(last()['err']).toEqual({
      message: 'evicting pod shop/web-1: too many requests',
      code: 'waiting',
      status: 429,
    });
    expect(lines.join()).not.toContain('hunter2');
  });

  test('shows what was thrown without being an error', () => {
    const { log, last } = aLog();
    log.warn({ err: 'out of luck' }, 'failed');
    expect(last()['err']).toEqual({ message: 'out of luck' });
  });
});
