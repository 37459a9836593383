import { describe, expect, test } from 'vitest';
import { health } from '../../../operator/server/health.ts';
import type { Check } from '../../../operator/server/health.ts';

const metrics = {
  contentType: 'text/plain; version=0.0.4',
  render: () => Promise.resolve('spot_leader 1\n'),
};

const get = async (path: string, checks: Record<string, Check> = {}) => {
  const answer = await health({ checks, metrics }).request(path);
  return { status: answer.status, type: answer.headers.get('content-type'), text: await answer.text() };
};

const failing = () => {
  throw new Error('broken');
};

describe('health', () => {
  test('is alive whatever the checks say', async () => {
    expect(await get('/healthz', { synced: () => 'pods are not listed yet' })).toMatchObject({ status: 200 });
  });

  test('is ready when every check passes', async () => {
    const checks = { synced: () => undefined, certificate: () => undefined };
    expect(await get('/readyz', checks)).toMatchObject({ status: 200, text: 'ready\n' });
  });

  test('is not ready while a check fails, and names those that do, one a line', async () => {
    const checks = { synced: () => 'pods are not listed yet', certificate: () => undefined, rules: failing };
    expect(await get('/readyz', checks)).toMatchObject({
      status: 503,
      text: 'synced: pods are not listed yet\nrules: the check failed: broken\n',
    });
  });

  test('asks the checks anew each time', async () => {
    let problem: string | undefined = 'not yet';
    const app = health({ checks: { synced: () => problem }, metrics });
    expect((await app.request('/readyz')).status).toBe(503);
    problem = undefined;
    expect((await app.request('/readyz')).status).toBe(200);
  });

  test('renders the metrics as Prometheus wants them', async () => {
    expect(await get('/metrics')).toEqual({
      status: 200,
      type: metrics.contentType,
      text: 'spot_leader 1\n',
    });
  });
});
