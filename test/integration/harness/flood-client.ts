import { once } from 'node:events';
import { connect as connectTcp, createServer, type AddressInfo, type Socket } from 'node:net';
import { setPriority } from 'node:os';
import { connect as connectTls } from 'node:tls';
import { setTimeout as pause } from 'node:timers/promises';
import type { Torrent } from './flood.ts';

// One client of a flood, a process of its own: it attacks a port from one address as fast as it can and tells its parent how
// often it did what. It gives way to others for processor time: the flood is to fill the server, not the machine.

const [portText = '', localAddress = '', niceness = ''] = process.argv.slice(2);
const target = { host: '127.0.0.1', port: Number(portText), localAddress };
const done = new Map<Torrent, number>();
const bodyBytes = 2_700_000;
// Held at once, of each kind.
const idle = 150;
const atOnce = 4;
const slowMs = 500;
const connectionMs = 50;

const count = (torrent: Torrent): void => void done.set(torrent, (done.get(torrent) ?? 0) + 1);

/** Uses connections one after the other, as many at a time as `width` says. Resolves once one has been used. */
const pour = (torrent: Torrent, width: number, use: () => Promise<Socket>): Promise<void> => {
  const first = Promise.withResolvers<void>();
  const one = async (): Promise<never> => {
    for (;;) {
      const socket = await use();
      count(torrent);
      first.resolve();
      socket.destroy();
      // A port that refuses must not turn this into a loop without an end.
      await pause(1);
    }
  };
  for (let index = 0; index < width; index += 1) void one();
  return first.promise;
};

/** Resolves at the first of these events, or when the connection is closed. */
const until = (socket: Socket, event: string): Promise<unknown> => {
  socket.on('error', () => {});
  return Promise.race([once(socket, event).catch(() => {}), new Promise((end) => socket.once('close', end))]);
};

const tcp = (): Socket => connectTcp(target);
const tls = (): Socket => connectTls({ ...target, rejectUnauthorized: false } as never);

const aClientHello = async (): Promise<Buffer> => {
  const listener = createServer();
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const client = connectTls({ ...target, port: (listener.address() as AddressInfo).port });
  client.on('error', () => {});
  const [accepted] = (await once(listener, 'connection')) as [Socket];
  const [hello] = (await once(accepted, 'data')) as [Buffer];
  accepted.destroy();
  listener.close();
  return hello;
};

/** What no API object can hold: 60,000 labels. */
const aLargeReview = (): string => {
  const value = 'x'.repeat(bodyBytes / 60_000 - 14);
  const labels = Object.fromEntries(Array.from({ length: 60_000 }, (_, index) => [`k${index}`, value]));
  const request = { uid: 'flood', operation: 'CREATE', namespace: 'flood', object: { metadata: { labels } } };
  return JSON.stringify({ apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', request });
};

// Without a length the body comes in chunks.
const post = (path: string, length?: number): string => {
  const framing = length === undefined ? 'transfer-encoding: chunked' : `content-length: ${length}`;
  return `POST ${path} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n${framing}\r\n\r\n`;
};
// A chunk has 64 KiB.
const chunk = `10000\r\n${'x'.repeat(0x10000)}\r\n`;

const flood = async (): Promise<void> => {
  const hello = await aClientHello();
  const review = aLargeReview();
  // Those that take longest come first: a flood of the others leaves them little.
  const large = pour('large', 1, async () => {
    const socket = tls();
    await until(socket, 'secureConnect');
    socket.write(post('/mutate', Buffer.byteLength(review)) + review);
    await until(socket, 'data');
    return socket;
  });
  const oversized = pour('oversized', 1, async () => {
    for (;;) {
      const socket = tls();
      await until(socket, 'secureConnect');
      const answer = until(socket, 'data');
      socket.write(`${post('/mutate')}${chunk.repeat(49)}0\r\n\r\n`);
      if (String(await answer).startsWith('HTTP/1.1 413')) return socket;
      socket.destroy();
      await pause(connectionMs);
    }
  });
  await Promise.all([large, oversized]);
  void pour('idle', idle, async () => {
    const socket = tls();
    await until(socket, 'secureConnect');
    await until(socket, 'close');
    return socket;
  });
  void pour('half-open', idle, async () => {
    const socket = tcp();
    await until(socket, 'connect');
    socket.resume().write(hello);
    await until(socket, 'close');
    return socket;
  });
  void pour('handshakes', atOnce, async () => {
    const socket = tls();
    await until(socket, 'secureConnect');
    return socket;
  });
  void pour('connections', atOnce, async () => {
    const socket = tcp();
    await until(socket, 'connect');
    // The kernel answers a connection before the server takes it in, and would answer faster than any server could.
    await pause(connectionMs);
    return socket;
  });
  void pour('slow', atOnce, async () => {
    const socket = tls();
    await until(socket, 'secureConnect');
    socket.write(post('/mutate', 100));
    const dripping = setInterval(() => socket.write('{'), slowMs);
    await until(socket, 'close');
    clearInterval(dripping);
    return socket;
  });
  void pour('refused', atOnce, async () => {
    const socket = tls();
    await until(socket, 'secureConnect');
    socket.write(post('/admin', 0));
    await until(socket, 'data');
    return socket;
  });
};

setPriority(Number(niceness));
process.on('message', () => process.send?.([...done]));
process.once('disconnect', () => process.exit(0));
await flood();
