import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { describe, expect, it, vi } from 'vitest';
import { serverClock } from '../../../operator/kube/server-clock.ts';
import { resources } from '../../../operator/kube/resources.ts';
import { anHttpsServer, answer } from './https-server.ts';

const ref = { namespace: 'shop', name: 'web-1' };
const pod = {
  kind: 'Pod',
  metadata: { ...ref, uid: 'u1', resourceVersion: '7', managedFields: [{ manager: 'x' }] },
};
const trimmedPod = { kind: 'Pod', metadata: { ...ref, uid: 'u1', resourceVersion: '7' } };
const line = (type: string, resourceVersion: string): string =>
  `${JSON.stringify({ type, object: { metadata: { ...ref, resourceVersion, managedFields: [] } } })}\n`;

describe('a call', () => {
  it('logs in, names itself and gives the object without its managed fields', async () => {
    const server = await anHttpsServer((_, response) => answer(response, 200, pod));
    const kube = await server.client();
    expect(await kube.get(resources.pods, ref)).toEqual(trimmedPod);
    expect(server.seen[0]).toMatchObject({
      method: 'GET',
      headers: {
        authorization: 'Bearer secret-token',
        'user-agent': 'spotpolicy/1.2.3',
        accept: 'application/json',
      },
    });
    expect(server.seen[0]?.url.pathname).toBe('/api/v1/namespaces/shop/pods/web-1');
  });

  it('pages through a list', async () => {
    const page = { metadata: { resourceVersion: '9', continue: 'more' }, items: [pod] };
    const last = { metadata: { resourceVersion: '9', continue: '' }, items: [] };
    const server = await anHttpsServer(({ url }, response) =>
      answer(response, 200, url.searchParams.has('continue') ? last : page),
    );
    const kube = await server.client();
    const selection = {
      namespace: 'shop',
      labelSelector: 'app in (a,b)',
      fieldSelector: 'spec.nodeName=n1',
      limit: 1,
    };
    expect(await kube.list(resources.pods, selection)).toEqual({
      items: [trimmedPod],
      resourceVersion: '9',
      continueToken: 'more',
    });
    expect(await kube.list(resources.pods, { continueToken: 'more', metadataOnly: true })).toEqual({
      items: [],
      resourceVersion: '9',
    });
    expect(Object.fromEntries(server.seen[0]?.url.searchParams ?? [])).toEqual({
      labelSelector: 'app in (a,b)',
      fieldSelector: 'spec.nodeName=n1',
      limit: '1',
    });
    expect(server.seen[1]?.headers.accept).toBe(
      'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1',
    );
  });

  it('sends each kind of patch under its content type, and an apply with its field manager', async () => {
    const server = await anHttpsServer((_, response) => answer(response, 200, pod));
    const kube = await server.client();
    await kube.patch(resources.pods, ref, { type: 'merge', body: { a: 1 } });
    await kube.patch(resources.podStatus, ref, { type: 'strategic', body: {} });
    await kube.patch(resources.pods, ref, { type: 'json', body: [{ op: 'test' }] }, { dryRun: true });
    await kube.patch(resources.pods, ref, { type: 'apply', body: {}, fieldManager: 'spot', force: true });
    expect(server.seen.map(({ headers, url }) => `${headers['content-type']} ${url.search}`)).toEqual([
      'application/merge-patch+json ',
      'application/strategic-merge-patch+json ',
      'application/json-patch+json ?dryRun=All',
      'application/apply-patch+yaml ?fieldManager=spot&force=true',
    ]);
    expect(server.seen[0]?.body).toEqual({ a: 1 });
    expect(server.seen[1]?.url.pathname).toBe('/api/v1/namespaces/shop/pods/web-1/status');
  });

  it('creates in a namespace, replaces by name, deletes with preconditions', async () => {
    const server = await anHttpsServer((_, response) => answer(response, 200, pod));
    const kube = await server.client();
    await kube.create(resources.events, { kind: 'Event' }, { namespace: 'shop' });
    await kube.replace(resources.secrets, { namespace: 'ops', name: 's' }, { data: {} });
    await kube.delete(resources.pods, ref, { uid: 'u1', gracePeriodSeconds: 5 });
    expect(server.seen.map(({ method, url }) => `${method} ${url.pathname}`)).toEqual([
      'POST /api/v1/namespaces/shop/events',
      'PUT /api/v1/namespaces/ops/secrets/s',
      'DELETE /api/v1/namespaces/shop/pods/web-1',
    ]);
    expect(server.seen[2]?.body).toEqual({
      apiVersion: 'v1',
      kind: 'DeleteOptions',
      preconditions: { uid: 'u1' },
      gracePeriodSeconds: 5,
    });
  });

  it('throws what the server refused, with its time to wait, and nothing of what it sent', async () => {
    const status = { kind: 'Status', code: 429, reason: 'TooManyRequests', message: 'slower', details: {} };
    const server = await anHttpsServer((_, response) =>
      answer(response, 429, status, { 'retry-after': '7' }),
    );
    const kube = await server.client();
    const error = await kube.get(resources.pods, ref).catch((problem: unknown) => problem);
    expect(error).toMatchObject({
      code: 'waiting',
      status: 429,
      retryAfterSeconds: 7,
      message: 'getting pod shop/web-1: slower',
    });
    expect(JSON.stringify(error) + String(error)).not.toContain('secret-token');
  });

  it('does not quote an answer that is not JSON', async () => {
    const server = await anHttpsServer((_, response) => answer(response, 200, '{"data":{"key":"hush'));
    const kube = await server.client();
    const error = await kube.get(resources.secrets, ref).catch((problem: unknown) => problem);
    expect(error).toMatchObject({
      code: 'retryable',
      message: 'getting secret shop/web-1: what came is not JSON',
    });
  });

  it('about the lease waits for no other call', async () => {
    const server = await anHttpsServer(({ url }, response) => {
      if (url.pathname.includes('/leases/')) answer(response, 200, pod);
    });
    const kube = await server.client(undefined, { connections: 1 });
    const unanswered = kube.get(resources.pods, ref).catch((problem: unknown) => problem);
    expect(await kube.get(resources.leases, ref, { timeoutMs: 1_000 })).toEqual(trimmedPod);
    await kube.close();
    expect(await unanswered).toMatchObject({ status: 0 });
  });

  it('gives up when its time is over, and at once when it is aborted', async () => {
    const server = await anHttpsServer(() => {});
    const kube = await server.client();
    const late = kube.get(resources.pods, ref, { timeoutMs: 30 });
    await expect(late).rejects.toMatchObject({
      reason: 'TimedOut',
      message: 'getting pod shop/web-1: no answer within 30 ms',
    });
    const aborted = kube.get(resources.pods, ref, { signal: AbortSignal.timeout(20) });
    await expect(aborted).rejects.toMatchObject({ reason: 'Aborted', code: 'retryable' });
    await expect(kube.get(resources.pods, ref, { signal: AbortSignal.abort() })).rejects.toMatchObject({
      reason: 'Aborted',
    });
    await vi.waitFor(() => expect(server.connections.size).toBe(0));
  });

  it('counts answers by verb and status, 0 for none', async () => {
    const counted: string[] = [];
    const server = await anHttpsServer(({ method }, response) =>
      answer(response, method === 'GET' ? 404 : 200, pod),
    );
    const onAnswer = (verb: string, status: number): unknown => counted.push(`${verb} ${status}`);
    const kube = await server.client(undefined, { onAnswer });
    await kube.get(resources.pods, ref).catch(() => {});
    await kube.patch(resources.pods, ref, { type: 'merge', body: {} });
    await server.close();
    await kube.list(resources.pods).catch(() => {});
    expect(counted).toEqual(['get 404', 'patch 200', 'list 0']);
  });

  it('tells its clock the date of every answer, but of none that a cache or a balancer gives', async () => {
    let headers = {};
    let status = 200;
    const dateIn = (offMs: number) => ({ date: new Date(Date.now() + offMs).toUTCString() });
    const server = await anHttpsServer((_, response) => answer(response, status, pod, headers));
    const clock = serverClock({ elapsedMs: () => performance.now(), timeOfDayMs: Date.now });
    const kube = await server.client(undefined, { clock });
    const get = () => kube.get(resources.pods, ref).catch(() => undefined);
    const offMs = () => clock.nowMs() - Date.now();
    headers = { ...dateIn(-600_000), age: '600' };
    await get();
    headers = dateIn(-600_000);
    status = 503;
    await get();
    expect(Math.abs(offMs())).toBeLessThan(100);
    headers = dateIn(-60_000);
    status = 200;
    await get();
    expect(Math.abs(offMs() + 60_000)).toBeLessThan(3_500);
  });
});

describe('an eviction', () => {
  it('names the UID and the grace, and is accepted by any success', async () => {
    const server = await anHttpsServer((_, response) =>
      answer(response, 201, { kind: 'Status', status: 'Success' }),
    );
    const kube = await server.client();
    expect(await kube.evict(ref, { uid: 'u1', gracePeriodSeconds: 20 })).toEqual({ kind: 'accepted' });
    expect(server.seen[0]?.url.pathname).toBe('/api/v1/namespaces/shop/pods/web-1/eviction');
    expect(server.seen[0]?.body).toEqual({
      apiVersion: 'policy/v1',
      kind: 'Eviction',
      metadata: ref,
      deleteOptions: {
        apiVersion: 'v1',
        kind: 'DeleteOptions',
        preconditions: { uid: 'u1' },
        gracePeriodSeconds: 20,
      },
    });
  });

  it('asks for a dry run in both places the server looks at', async () => {
    const server = await anHttpsServer((_, response) => answer(response, 201, {}));
    const kube = await server.client();
    await kube.evict(ref, { uid: 'u1', dryRun: true });
    expect(server.seen[0]?.url.search).toBe('?dryRun=All');
    expect(server.seen[0]?.body).toMatchObject({ deleteOptions: { dryRun: ['All'] } });
  });

  it('is unknown when no answer came in time, or the connection broke', async () => {
    const server = await anHttpsServer(({ url }, response) => {
      if (url.pathname.includes('/breaks/')) response.socket?.destroy();
    });
    const kube = await server.client();
    expect(await kube.evict(ref, { uid: 'u1', timeoutMs: 30 })).toEqual({
      kind: 'unknown',
      message: 'evicting pod shop/web-1: no answer within 30 ms',
    });
    expect(await kube.evict({ ...ref, name: 'breaks' }, { uid: 'u1' })).toMatchObject({ kind: 'unknown' });
  });

  it('is unavailable when nobody listens', async () => {
    const server = await anHttpsServer(() => {});
    const kube = await server.client();
    await server.close();
    expect(await kube.evict(ref, { uid: 'u1' })).toMatchObject({
      kind: 'unavailable',
      message: expect.stringContaining('ECONNREFUSED'),
    });
  });
});

describe('a watch', () => {
  const from = { resourceVersion: '5', fieldSelector: 'reason=X', metadataOnly: true };

  it('asks for bookmarks from a version on and ends when the server ends it', async () => {
    const server = await anHttpsServer((_, response) => {
      response.writeHead(200);
      response.write(line('ADDED', '6') + line('BOOKMARK', '7').slice(0, 9));
      response.end(line('BOOKMARK', '7').slice(9));
    });
    const kube = await server.client();
    const seen: string[] = [];
    for await (const { type, object } of kube.watch(resources.pods, from)) {
      seen.push(`${type} ${object.metadata.resourceVersion}`);
      expect(object.metadata).not.toHaveProperty('managedFields');
    }
    expect(seen).toEqual(['ADDED 6', 'BOOKMARK 7']);
    expect(Object.fromEntries(server.seen[0]?.url.searchParams ?? [])).toEqual({
      fieldSelector: 'reason=X',
      resourceVersion: '5',
      watch: 'true',
      allowWatchBookmarks: 'true',
    });
    expect(server.seen[0]?.headers.accept).toBe(
      'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1',
    );
  });

  it('says when the server has accepted it, however silent it stays, and asks for the time it may last', async () => {
    const server = await anHttpsServer((_, response) => {
      response.writeHead(200);
      response.flushHeaders();
    });
    const kube = await server.client();
    const controller = new AbortController();
    const opened = Promise.withResolvers<void>();
    const options = { signal: controller.signal, onOpen: opened.resolve };
    const watching = kube.watch(resources.pods, { ...from, timeoutSeconds: 417 }, options).next();
    await opened.promise;
    expect(server.seen[0]?.url.searchParams.get('timeoutSeconds')).toBe('417');
    controller.abort();
    await expect(watching).rejects.toMatchObject({ reason: 'Aborted' });
  });

  it('has the kernel ask within 30 s whether a silent connection still leads anywhere', async () => {
    const server = await anHttpsServer((_, response) => {
      response.writeHead(200);
      response.flushHeaders();
    });
    const kube = await server.client();
    const opened = Promise.withResolvers<void>();
    const watch = kube.watch(resources.pods, from, { onOpen: opened.resolve });
    const watching = watch.next();
    await opened.promise;
    const port = Number(new URL(server.url).port).toString(16).toUpperCase().padStart(4, '0');
    // Columns of proc(5): `rem_address`, and `tr:tm->when`, whose timer 02 is keepalive, in hundredths of a second.
    const timers = async (): Promise<string[]> =>
      (await readFile('/proc/net/tcp', 'utf8'))
        .split('\n')
        .map((row) => row.trim().split(/\s+/))
        .filter(([, , remote]) => remote === `0100007F:${port}`)
        .map((columns) => columns[5] ?? '');
    await vi.waitFor(async () => {
      const [timer = ''] = await timers();
      expect(timer).toMatch(/^02:/);
      expect(Number.parseInt(timer.slice(3), 16)).toBeLessThanOrEqual(3_000);
    });
    await server.close();
    await expect(watching).rejects.toMatchObject({ reason: 'Broken' });
  });

  it('throws when it is refused, when it breaks and when nothing opens in time', async () => {
    const server = await anHttpsServer(({ url }, response) => {
      const version = url.searchParams.get('resourceVersion');
      if (version === '1')
        answer(response, 410, { kind: 'Status', code: 410, reason: 'Expired', message: 'too old' });
      if (version === '2') {
        response.writeHead(200);
        response.write(line('ADDED', '6'), () => response.socket?.destroy());
      }
    });
    const kube = await server.client();
    const watch = async (resourceVersion: string, timeoutMs = 10_000): Promise<void> => {
      for await (const _ of kube.watch(resources.pods, { resourceVersion }, { timeoutMs }));
    };
    await expect(watch('1')).rejects.toMatchObject({ status: 410, message: 'watching pods: too old' });
    await expect(watch('2')).rejects.toMatchObject({ status: 0, reason: 'Broken' });
    await expect(watch('3', 50)).rejects.toMatchObject({ status: 0, reason: 'TimedOut' });
  });

  it('lasts longer than the time it has to open', async () => {
    const server = await anHttpsServer((_, response) => {
      response.writeHead(200);
      response.flushHeaders();
      setTimeout(() => response.end(line('ADDED', '6')), 1_200);
    });
    const kube = await server.client();
    const seen: string[] = [];
    for await (const { type } of kube.watch(resources.pods, from, { timeoutMs: 1_000 })) seen.push(type);
    expect(seen).toEqual(['ADDED']);
  });

  it('closes its connection when the loop is left, and when it is aborted while it waits', async () => {
    const server = await anHttpsServer((_, response) => {
      response.writeHead(200);
      response.write(line('ADDED', '6'));
    });
    const kube = await server.client();
    for await (const _ of kube.watch(resources.pods, from)) break;
    await vi.waitFor(() => expect(server.connections.size).toBe(0));
    const controller = new AbortController();
    const watching = (async () => {
      for await (const _ of kube.watch(resources.pods, from, { signal: controller.signal }))
        controller.abort();
    })();
    await expect(watching).rejects.toMatchObject({ reason: 'Aborted' });
    await vi.waitFor(() => expect(server.connections.size).toBe(0));
  });

  it('takes no connection away from calls', async () => {
    const server = await anHttpsServer(({ url }, response) => {
      if (url.searchParams.has('watch')) response.writeHead(200).write(line('ADDED', '6'));
      else answer(response, 200, pod);
    });
    const kube = await server.client(undefined, { connections: 1 });
    const watches = [1, 2, 3].map(() => kube.watch(resources.pods, from));
    await Promise.all(watches.map((watch) => watch.next()));
    expect(await kube.get(resources.pods, ref)).toEqual(trimmedPod);
    await Promise.all(watches.map((watch) => watch.return()));
  });
});

describe('connections', () => {
  it('are used again, never more than allowed', async () => {
    const server = await anHttpsServer((_, response) => setTimeout(() => answer(response, 200, pod), 5));
    const kube = await server.client(undefined, { connections: 3 });
    await Promise.all(Array.from({ length: 30 }, () => kube.get(resources.pods, ref)));
    expect(server.handshakes()).toBeLessThanOrEqual(3);
  });

  it('are made anew when the authority of the server changes on disk, without dropping what is under way', async () => {
    const { createAuthority } = await import('../../../hack/cluster/certificates.ts');
    let finish = (): void => {};
    const server = await anHttpsServer(({ url }, response) => {
      if (url.pathname.endsWith('slow')) finish = () => answer(response, 200, pod);
      else answer(response, 200, pod);
    });
    const kube = await server.client();
    const slow = kube.get(resources.pods, { ...ref, name: 'slow' });
    await vi.waitFor(() => expect(server.seen).toHaveLength(1));
    const next = await createAuthority();
    await server.trust(next);
    await server.file('ca.crt', next.certificatePem);
    expect(await kube.get(resources.pods, ref)).toEqual(trimmedPod);
    finish();
    expect(await slow).toEqual(trimmedPod);
    expect(server.handshakes()).toBe(2);
  });

  it('carry the client certificate that is on disk at the time', async () => {
    const server = await anHttpsServer((_, response) => answer(response, 200, pod));
    const install = async (commonName: string): Promise<void> => {
      const { certificatePem, keyPem } = await server.authority.issueClient({ commonName });
      await server.file('tls.crt', certificatePem);
      await server.file('tls.key', keyPem);
    };
    await install('first');
    const kube = await server.client({ 'client-certificate': 'tls.crt', 'client-key': 'tls.key' });
    await kube.get(resources.pods, ref);
    await install('second');
    await kube.get(resources.pods, ref);
    expect(server.seen.map(({ client }) => client)).toEqual(['first', 'second']);
  });

  it('end with the client', async () => {
    const server = await anHttpsServer(() => {});
    const kube = await server.client();
    const call = kube.get(resources.pods, ref);
    await vi.waitFor(() => expect(server.seen).toHaveLength(1));
    const [socket] = server.connections;
    await kube.close();
    await expect(call).rejects.toMatchObject({ code: 'retryable' });
    if (socket && !socket.closed) await once(socket, 'close');
    expect(server.connections.size).toBe(0);
  });
});
