import { Hono } from 'hono';
import { once } from 'node:events';
import { Agent, request } from 'node:https';
import type { IncomingMessage } from 'node:http';
import { connect as connectTcp, createServer as createTcpServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { connect } from 'node:tls';
import type { ConnectionOptions, TLSSocket } from 'node:tls';
import { afterEach, describe, expect, test } from 'vitest';
import { serveHttp, serveHttps } from '../../../operator/server/listen.ts';
import type { Address, Closing, Listening, ListeningSecurely } from '../../../operator/server/listen.ts';
import { issueAuthority, issueServing } from '../../../operator/server/x509.ts';

const host = '127.0.0.1';
const hourMs = 3_600_000;

const toClose: (() => unknown)[] = [];
afterEach(async () => {
  await Promise.all(toClose.splice(0).map((close) => close()));
});

const aServer = async (app: Hono, more: Partial<Address> = {}) => {
  const authority = await issueAuthority(Date.now(), hourMs);
  const issue = () => issueServing(authority, [host], Date.now(), hourMs);
  const first = await issue();
  const tlsErrors: Error[] = [];
  const closings: Closing[] = [];
  const server: ListeningSecurely = await serveHttps(
    app,
    { host, port: 0, certificate: first, onClosing: (why) => closings.push(why), ...more },
    (error) => tlsErrors.push(error),
  );
  toClose.push(() => server.close(0));
  return { server, ca: authority.certificatePem, issue, tlsErrors, closings };
};

const anAgent = (options: object): Agent => {
  const agent = new Agent({ keepAlive: true, ...options });
  toClose.push(() => agent.destroy());
  return agent;
};

const ask = async (server: Listening, agent: Agent, path = '/', body = '') => {
  const sent = request({ host, port: server.port, path, agent, method: 'POST' });
  sent.end(body);
  const [answer] = (await once(sent, 'response')) as [IncomingMessage];
  const socket = answer.socket as TLSSocket;
  const { localPort } = socket;
  const serial = socket.getPeerCertificate().serialNumber;
  const protocol = socket.getProtocol();
  const text = Buffer.concat(await answer.toArray()).toString();
  return { text, localPort, serial, protocol, connection: answer.headers.connection };
};

const echo = () => new Hono().post('/', async (context) => context.text(await context.req.text()));

/** An app that answers only when told to, and says when a request has come in. */
const aSlowApp = () => {
  const arrived = Promise.withResolvers<void>();
  const release = Promise.withResolvers<void>();
  const app = new Hono().post('/', async (context) => {
    arrived.resolve();
    await release.promise;
    return context.text('done');
  });
  return { app, arrived: arrived.promise, release: () => release.resolve() };
};

describe('the HTTPS server', () => {
  test('serves a client that trusts the authority', async () => {
    const { server, ca } = await aServer(echo());
    expect(await ask(server, anAgent({ ca }), '/', 'hello')).toMatchObject({
      text: 'hello',
      protocol: 'TLSv1.3',
    });
  });

  test('swaps its certificate under open connections without one failing request', async () => {
    const { server, ca, issue } = await aServer(echo());
    const agents = [1, 2, 3, 4, 5].map(() => anAgent({ ca, maxSockets: 1 }));
    const before = await Promise.all(agents.map((agent) => ask(server, agent, '/', 'before')));

    const asking = Array.from({ length: 50 }, (_, index) =>
      ask(server, agents[index % 5] ?? new Agent(), '/', `${index}`),
    );
    server.setCertificate(await issue());
    const answers = await Promise.all(asking);

    expect(answers.map(({ text }) => text)).toEqual(answers.map((_, index) => `${index}`));
    expect(answers.map(({ localPort }) => localPort)).toEqual(
      answers.map((_, index) => before[index % 5]?.localPort),
    );
    const after = await ask(server, anAgent({ ca }), '/');
    expect(before.map(({ serial }) => serial)).not.toContain(after.serial);
  });

  test('keeps its certificate when the new key does not fit', async () => {
    const { server, ca, issue } = await aServer(echo());
    const [one, other] = [await issue(), await issue()];
    expect(() => server.setCertificate({ ...one, keyPem: other.keyPem })).toThrow(/key/i);
    expect((await ask(server, anAgent({ ca }), '/', 'still here')).text).toBe('still here');
  });

  test('reports a client that breaks off the handshake', async () => {
    const { server, tlsErrors } = await aServer(echo());
    await expect(fetch(`http://${host}:${server.port}/`)).rejects.toThrow();
    await expect.poll(() => tlsErrors.length).toBe(1);
  });

  test('is refused by a client that trusts another authority', async () => {
    const { server } = await aServer(echo());
    const stranger = await issueAuthority(Date.now(), hourMs);
    await expect(ask(server, anAgent({ ca: stranger.certificatePem }))).rejects.toThrow(/verify/);
  });

  test('takes TLS 1.2 and nothing older', async () => {
    const { server, ca, tlsErrors } = await aServer(echo());
    expect(await ask(server, anAgent({ ca, maxVersion: 'TLSv1.2' }))).toMatchObject({ protocol: 'TLSv1.2' });
    const versions = { minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1' } as const;
    const old = connect({ host, port: server.port, ca, ...versions, ciphers: 'DEFAULT@SECLEVEL=0' });
    await expect(once(old, 'secureConnect')).rejects.toThrow();
    await expect.poll(() => tlsErrors[0]).toMatchObject({ code: 'ERR_SSL_UNSUPPORTED_PROTOCOL' });
  });

  test('asks its clients to leave once it drains, and goes on answering', async () => {
    const { server, ca } = await aServer(echo());
    const agent = anAgent({ ca });
    expect((await ask(server, agent)).connection).toBe('keep-alive');
    server.drain();
    expect(await ask(server, agent, '/', 'still')).toMatchObject({ text: 'still', connection: 'close' });
  });

  test('finishes what is under way before it closes, and takes nothing new', async () => {
    const { app, arrived, release } = aSlowApp();
    const { server, ca } = await aServer(app);
    const answer = ask(server, anAgent({ ca }));
    await arrived;
    const closed = server.close(60_000);
    await expect(once(connectTcp(server.port, host), 'connect')).rejects.toThrow('ECONNREFUSED');
    release();
    expect((await answer).text).toBe('done');
    await closed;
  });

  test('cuts off what takes longer than it may', async () => {
    const { app, arrived } = aSlowApp();
    const { server, ca } = await aServer(app);
    const answer = expect(ask(server, anAgent({ ca }))).rejects.toThrow(/hang up|ECONNRESET/);
    // Has not even begun its handshake: the server proper does not know of it yet.
    const silent = connectTcp(server.port, host);
    await once(silent, 'connect');
    await arrived;
    const startMs = Date.now();
    await server.close(50);
    expect(Date.now() - startMs).toBeLessThan(2_000);
    await answer;
    silent.destroy();
  });
});

test('a connection is closed after so many requests, and its client connects anew', async () => {
  const { server, ca } = await aServer(echo(), { mostRequests: 3 });
  const agent = anAgent({ ca, maxSockets: 1 });
  const ports: (number | undefined)[] = [];
  for (let asked = 0; asked < 5; asked += 1) ports.push((await ask(server, agent, '/', 'hello')).localPort);
  const [first, second, third, ...later] = ports;
  expect(new Set([first, second, third]).size).toBe(1);
  expect(later).toEqual([later[0], later[0]]);
  expect(later[0]).not.toBe(first);
});

describe('the port of the HTTPS server', () => {
  test('is not shared with another server', async () => {
    const { server } = await aServer(echo());
    await expect(aServer(echo(), { port: server.port })).rejects.toThrow(
      `listening on 127.0.0.1, port ${server.port}: listen EADDRINUSE`,
    );
  });
});

describe('a flood of handshakes', () => {
  /** What a client sends first. */
  const aClientHello = async (): Promise<Buffer> => {
    const plain = createTcpServer();
    toClose.push(() => plain.close());
    plain.listen(0, host);
    await once(plain, 'listening');
    const client = connect({ host, port: (plain.address() as AddressInfo).port });
    toClose.push(() => client.destroy());
    client.on('error', () => {});
    const [accepted] = (await once(plain, 'connection')) as [Socket];
    const [hello] = (await once(accepted, 'data')) as [Buffer];
    accepted.destroy();
    return hello;
  };
  const aTcpClient = async (server: Listening, localAddress = host): Promise<Socket> => {
    const socket = connectTcp({ host, port: server.port, localAddress });
    toClose.push(() => socket.destroy());
    socket.on('error', () => {});
    await once(socket, 'connect');
    return socket;
  };

  test('of one address lets another address have its turn', async () => {
    const { server, ca } = await aServer(echo());
    const hello = await aClientHello();
    const crowd = await Promise.all(Array.from({ length: 200 }, () => aTcpClient(server, '127.0.0.2')));
    const newcomer = await aTcpClient(server);
    await expect.poll(() => server.connections()).toBe(201);
    let answered = 0;
    for (const socket of crowd) {
      socket.once('data', () => (answered += 1));
      socket.write(hello);
    }
    await once(connect({ socket: newcomer, ca, host }), 'secureConnect');
    expect(answered).toBeLessThan(50);
  });

  test('that are cut into several records is refused before anything is computed', async () => {
    const { server, tlsErrors } = await aServer(echo());
    const hello = await aClientHello();
    const client = await aTcpClient(server);
    client.resume().write(Buffer.concat([hello.subarray(0, 3), Buffer.from([0, 4]), hello.subarray(5, 9)]));
    await once(client, 'close');
    expect(tlsErrors.map(({ message }) => message)).toEqual(['the client did not begin with a ClientHello']);
  });

  test('on one connection is refused', async () => {
    const { server, ca } = await aServer(echo());
    const client = connect({ host, port: server.port, ca, maxVersion: 'TLSv1.2' });
    toClose.push(() => client.destroy());
    await once(client, 'secureConnect');
    const failure = once(client, 'error');
    const repeated = new Promise((resolve) => void client.renegotiate({}, resolve));
    // Where it succeeds, the client is told so by null.
    expect(await Promise.race([failure, repeated])).toMatchObject([{ code: 'ERR_SSL_NO_RENEGOTIATION' }]);
  });
});

describe('a flood of connections', () => {
  /** A client that has finished its handshake; `closed` resolves when the server has closed the connection. */
  const aClient = async (server: Listening, ca: string, localAddress = host) => {
    const socket = connect({ host, port: server.port, ca, localAddress } as ConnectionOptions);
    toClose.push(() => socket.destroy());
    socket.on('error', () => {}).resume();
    const closed = new Promise<void>((resolve) => void socket.once('close', () => resolve()));
    await Promise.race([new Promise((resolve) => socket.once('secureConnect', resolve)), closed]);
    return { socket, closed };
  };
  const limits = { most: 4, mostOfAddress: 3, unprovenMs: 60_000 };

  test('leaves connections on which something was answered, closing the oldest that presented nothing', async () => {
    const { server, ca, closings } = await aServer(echo(), { limits });
    const agent = anAgent({ ca, maxSockets: 1 });
    const { localPort } = await ask(server, agent, '/', 'first');
    const idle = [await aClient(server, ca), await aClient(server, ca)];
    const others = Array.from({ length: 5 }, () => aClient(server, ca));
    await Promise.all(idle.map(({ closed }) => closed));
    await Promise.all(others);
    expect(new Set(closings)).toEqual(new Set(['crowded']));
    expect(server.connections()).toBe(3);
    expect(await ask(server, agent, '/', 'again')).toMatchObject({ text: 'again', localPort });
  });

  test('from one address leaves room for the others, and never touches what is being answered', async () => {
    const { app, arrived, release } = aSlowApp();
    const { server, ca } = await aServer(app, { limits: { ...limits, mostOfAddress: 4 } });
    // An answer proves a connection; the next request on it is in use.
    const agent = anAgent({ ca, maxSockets: 1 });
    const proving = ask(server, agent);
    await arrived;
    release();
    await proving;
    const slow = ask(server, agent);
    await Promise.all(Array.from({ length: 20 }, () => aClient(server, ca, '127.0.0.2')));
    expect((await slow).text).toBe('done');
    expect(server.connections()).toBeLessThanOrEqual(4);
  });

  test('a connection that presents nothing does not stay', async () => {
    const { server, ca, closings } = await aServer(echo(), { limits: { ...limits, unprovenMs: 100 } });
    const agent = anAgent({ ca, maxSockets: 1 });
    await ask(server, agent);
    const [silent, asking] = [await aClient(server, ca), await aClient(server, ca)];
    // Whoever asks for what is not there has not proven anything.
    asking.socket.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n');
    await Promise.all([silent.closed, asking.closed]);
    expect(closings).toEqual(['unused', 'unused']);
    expect(server.connections()).toBe(1);
  });

  test('headers and bodies that never end are given up, as are handshakes', async () => {
    const { server, ca } = await aServer(echo());
    const headers = await aClient(server, ca);
    headers.socket.write('POST / HTTP/1.1\r\nhost: x\r\n');
    const body = await aClient(server, ca);
    body.socket.write('POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{');
    const silent = connectTcp(server.port, host);
    silent.resume();
    await Promise.all([headers.closed, body.closed, once(silent, 'close')]);
    await expect.poll(() => server.connections()).toBe(0);
  }, 20_000);

  test('requests that do not wait for answers end their connection', async () => {
    let arrivals = 0;
    const app = new Hono().post('/', async () => {
      arrivals += 1;
      return new Promise<Response>(() => {});
    });
    const { server, ca, closings } = await aServer(app);
    const { socket, closed } = await aClient(server, ca);
    socket.write('POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n'.repeat(10));
    await closed;
    expect(new Set(closings)).toEqual(new Set(['pipelined']));
    expect(arrivals).toBeLessThanOrEqual(2);
  });

  test('bodies that exceed what is held together are cut, the largest first; a small one is answered', async () => {
    const { server, ca } = await aServer(echo());
    const size = 2_900_000;
    const large = await Promise.all(
      Array.from({ length: 12 }, async () => {
        const client = await aClient(server, ca);
        let heard = '';
        client.socket.on('data', (data: Buffer) => (heard += String(data)));
        client.socket.write(`POST / HTTP/1.1\r\nhost: x\r\ncontent-length: ${size + 1}\r\n\r\n`);
        client.socket.write('x'.repeat(size));
        return { heard: client.closed.then(() => heard) };
      }),
    );
    // One whose time is over is told so.
    expect(await Promise.race(large.map(({ heard }) => heard))).toBe('');
    expect((await ask(server, anAgent({ ca }), '/', 'small')).text).toBe('small');
  });
});

describe('a flood of large bodies', () => {
  test.each([
    ['as soon as it is announced', 'content-length: 4194304\r\n\r\n'],
    [
      'at its first byte too many',
      `transfer-encoding: chunked\r\n\r\n${`10000\r\n${'x'.repeat(0x10000)}\r\n`.repeat(49)}`,
    ],
  ])('an endless one is refused %s', async (_, sent) => {
    const { server, ca } = await aServer(new Hono().post('/', (context) => context.text('no', 413)));
    const socket = connect({ host, port: server.port, ca });
    toClose.push(() => socket.destroy());
    socket.on('error', () => {}).write(`POST / HTTP/1.1\r\nhost: x\r\n${sent}`);
    expect(String(await once(socket, 'data'))).toMatch(/^HTTP\/1.1 413 /);
  });

  test('of one address lets another address have its turn', async () => {
    const answered: string[] = [];
    const app = new Hono().post('/:from', async (context) => {
      const begunMs = performance.now();
      while (performance.now() - begunMs < 5);
      answered.push(context.req.param('from'));
      return context.text('done');
    });
    const { server, ca } = await aServer(app);
    const body = 'x'.repeat(300_000);
    const crowd = anAgent({ ca, localAddress: '127.0.0.2' });
    const newcomer = anAgent({ ca });
    const askAll = (text: string) =>
      Promise.all([
        ...Array.from({ length: 20 }, () => ask(server, crowd, '/crowd', text)),
        ask(server, newcomer, '/newcomer', text),
      ]);
    // Then the connections are open.
    await askAll('small');
    answered.length = 0;
    await askAll(body);
    expect(answered.indexOf('newcomer')).toBeLessThan(10);
  });
});

describe('the HTTP server', () => {
  test('serves and closes', async () => {
    const server = await serveHttp(echo(), { host, port: 0 });
    const answer = await fetch(`http://${host}:${server.port}/`, { method: 'POST', body: 'plain' });
    expect(await answer.text()).toBe('plain');
    await server.close(1_000);
    await expect(fetch(`http://${host}:${server.port}/`)).rejects.toThrow();
  });

  test('says which address it could not bind', async () => {
    const server = await serveHttp(echo(), { host, port: 0 });
    toClose.push(() => server.close(0));
    await expect(serveHttp(echo(), { host, port: server.port })).rejects.toThrow(
      `listening on 127.0.0.1, port ${server.port}: listen EADDRINUSE`,
    );
  });
});
