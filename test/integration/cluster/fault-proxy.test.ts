import { setTimeout as pause } from 'node:timers/promises';
import { readFile } from 'node:fs/promises';
import { Agent, request } from 'undici';
import { parse } from 'yaml';
import { describe, test, type TestContext } from 'vitest';
import { startFaultProxy, type FaultProxy } from '../../../hack/cluster/fault-proxy.ts';
import { aNamespace, sharedCluster, waitFor } from '../harness/cluster.ts';

const cluster = await sharedCluster();

/** A proxy, and a client that calls through it with a token that may read ConfigMaps of one namespace. */
const aProxy = async ({ onTestFinished }: TestContext, options: { seed?: number } = {}) => {
  const namespace = await aNamespace();
  await cluster.kubectl([
    '-n',
    namespace,
    'create',
    'rolebinding',
    'edit',
    '--clusterrole=edit',
    `--serviceaccount=${namespace}:default`,
  ]);
  await waitFor('the right to be in force', () => mayRead(namespace));
  const proxy = await startFaultProxy(cluster, options);
  const kubeconfig = await cluster.kubeconfigFor({ namespace, serviceAccount: 'default' }, proxy.url);
  const token = (parse(await readFile(kubeconfig, 'utf8')) as { users: [{ user: { token: string } }] })
    .users[0].user.token;
  const dispatcher = new Agent({ allowH2: false, connect: { ca: cluster.caCertificatePem } });
  onTestFinished(async () => {
    await dispatcher.destroy();
    await proxy.stop();
  });
  const path = `/api/v1/namespaces/${namespace}/configmaps`;
  const call = (query = '', method = 'GET', body?: string) =>
    request(`${proxy.url}${path}${query}`, {
      method,
      dispatcher,
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body }),
    });
  return { proxy, call, path };
};

const mayRead = async (namespace: string): Promise<boolean> => {
  const review = {
    apiVersion: 'authorization.k8s.io/v1',
    kind: 'SubjectAccessReview',
    spec: {
      user: `system:serviceaccount:${namespace}:default`,
      groups: ['system:serviceaccounts'],
      resourceAttributes: { namespace, verb: 'list', resource: 'configmaps' },
    },
  };
  const path = '/apis/authorization.k8s.io/v1/subjectaccessreviews';
  const { status } = await cluster.admin.post<{ status?: { allowed: boolean } }>(path, review);
  return status?.allowed === true;
};

const codes = async (
  call: () => Promise<{ statusCode: number; body: { dump(): Promise<void> } }>,
  times: number,
) => {
  const seen: number[] = [];
  for (let index = 0; index < times; index += 1) {
    const { statusCode, body } = await call();
    await body.dump();
    seen.push(statusCode);
  }
  return seen;
};

describe.concurrent('the fault proxy', () => {
  test('passes requests and tokens through and counts them by verb and resource', async (context) => {
    const { expect } = context;
    const { proxy, call } = await aProxy(context);
    const created = await call('', 'POST', JSON.stringify({ metadata: { name: 'one' } }));
    expect(created.statusCode).toBe(201);
    await created.body.dump();
    const listed = (await (await call()).body.json()) as { items: { metadata: { name: string } }[] };
    expect(listed.items.map(({ metadata }) => metadata.name)).toContain('one');
    expect(Object.fromEntries(proxy.counts())).toEqual({ 'create configmaps': 1, 'list configmaps': 1 });
  });

  test('passes a watch on as it goes and breaks it when told to', async (context) => {
    const { expect } = context;
    const { proxy, call, path } = await aProxy(context);
    const { statusCode, body } = await call('?watch=true');
    expect(statusCode).toBe(200);
    body.setEncoding('utf8');
    const lines = body[Symbol.asyncIterator]();
    await cluster.admin.post(path, { metadata: { name: 'seen' } });
    let text = '';
    while (!text.includes('"name":"seen"')) text += String((await lines.next()).value);
    expect(proxy.cutWatches()).toBe(1);
    await expect(lines.next()).rejects.toThrow(/terminated|closed/);
    expect(proxy.counts().get('watch configmaps')).toBe(1);
    await waitFor('the watch to be forgotten', () => proxy.cutWatches() === 0);
  });

  test('refuses connections and breaks open ones while it plays an outage', async (context) => {
    const { expect } = context;
    const { proxy, call } = await aProxy(context);
    const { body } = await call('?watch=true');
    await proxy.startOutage();
    await expect(body.text()).rejects.toThrow();
    await expect(call()).rejects.toThrow(/ECONNREFUSED/);
    await proxy.endOutage();
    expect(await codes(call, 1)).toEqual([200]);
  });

  test.for(['status', 'event'] as const)(
    'tells every third watch that it is too old, by %s',
    async (as, context) => {
      const { expect } = context;
      const { proxy, call } = await aProxy(context);
      proxy.setGoneWatches({ every: 3, as });
      const heard: unknown[] = [];
      // Watches of something else are counted by themselves.
      await (await call('?watch=true&timeoutSeconds=1&labelSelector=app')).body.dump();
      for (let index = 0; index < 6; index += 1) {
        const { statusCode, body } = await call('?watch=true&timeoutSeconds=1');
        const [line = ''] = (await body.text()).split('\n');
        heard.push(line.includes('"code":410') ? `${statusCode} gone` : statusCode);
      }
      const gone = as === 'status' ? '410 gone' : '200 gone';
      expect(heard).toEqual([200, 200, gone, 200, 200, gone]);
      // Lists are none of its business.
      expect(await codes(call, 3)).toEqual([200, 200, 200]);
    },
  );

  test('answers with faults where told to, in the same course for the same seed', async (context) => {
    const { expect } = context;
    const course = async (proxy: FaultProxy, call: Parameters<typeof codes>[0]) => {
      proxy.setFaults([
        { matches: ({ verb }) => verb === 'list', probability: 0.5, answer: { status: 503 } },
      ]);
      return codes(call, 12);
    };
    const [one, same] = [await aProxy(context, { seed: 7 }), await aProxy(context, { seed: 7 })];
    const seen = await course(one.proxy, one.call);
    expect(new Set(seen)).toEqual(new Set([200, 503]));
    expect(await course(same.proxy, same.call)).toEqual(seen);
  });

  test('sends Retry-After where told to, loses an answer, and can leave a request without any', async (context) => {
    const { expect } = context;
    const { proxy, call } = await aProxy(context);
    proxy.setFaults([{ matches: () => true, probability: 1, answer: { status: 429, retryAfterSeconds: 2 } }]);
    const throttled = await call();
    expect([throttled.statusCode, throttled.headers['retry-after']]).toEqual([429, '2']);
    await throttled.body.dump();

    proxy.setFaults([{ matches: () => true, probability: 1, answer: 'unheard' }]);
    const made = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'made' } };
    await expect(call('', 'POST', JSON.stringify(made))).rejects.toThrow();
    proxy.setFaults([]);
    expect(await codes(() => call('/made'), 1)).toEqual([200]);
    proxy.resetCounts();

    proxy.setFaults([{ matches: () => true, probability: 1, answer: 'stall' }]);
    const stalled = call().then(
      () => 'answered',
      () => 'broken off',
    );
    await waitFor('the request to have arrived', () => proxy.counts().get('list configmaps') === 1);
    expect(await Promise.race([stalled, pause(500, 'silence')])).toBe('silence');
    await proxy.startOutage();
    expect(await stalled).toBe('broken off');
  });
});
