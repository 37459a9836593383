import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AddressInfo } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { onTestFinished } from 'vitest';
import { stringify } from 'yaml';
import { createAuthority } from '../../../hack/cluster/certificates.ts';
import type { Authority } from '../../../hack/cluster/certificates.ts';
import { createKube, type KubeOptions } from '../../../operator/kube/client.ts';
import type { Kube } from '../../../operator/kube/kube.ts';

/** A request as the server saw it, with its body read. */
export interface Seen {
  readonly method: string;
  readonly url: URL;
  readonly headers: IncomingMessage['headers'];
  readonly body: unknown;
  /** The common name of the client's certificate. */
  readonly client: string | undefined;
}

type Handler = (seen: Seen, response: ServerResponse) => void;

/** Answers with JSON. */
export const answer = (response: ServerResponse, status: number, body: unknown, headers = {}): void => {
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(typeof body === 'string' ? body : JSON.stringify(body));
};

const read = async (request: IncomingMessage): Promise<unknown> => {
  let text = '';
  for await (const chunk of request) text += String(chunk);
  return text === '' ? undefined : JSON.parse(text);
};

/** An HTTPS server of this test alone, what it saw, and a client of it whose files can be changed. */
export const anHttpsServer = async (handler: Handler) => {
  const directory = await mkdtemp(join(tmpdir(), 'spotpolicy-kube-'));
  const authority = await createAuthority();
  const server = createServer({ requestCert: true, rejectUnauthorized: false });
  const seen: Seen[] = [];
  const connections = new Set<TLSSocket>();
  let handshakes = 0;
  server.on('secureConnection', (socket) => {
    handshakes++;
    connections.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => connections.delete(socket));
  });
  server.on('request', async (request: IncomingMessage, response: ServerResponse) => {
    const subject = (request.socket as TLSSocket).getPeerCertificate().subject;
    const name = subject?.CN;
    const entry = {
      method: request.method ?? '',
      url: new URL(request.url ?? '', 'https://server'),
      headers: request.headers,
      body: await read(request),
      client: Array.isArray(name) ? name[0] : name,
    };
    seen.push(entry);
    handler(entry, response);
  });

  const trust = async (by: Authority): Promise<void> => {
    const pair = await by.issueServer('server', { dns: ['localhost'], ip: ['127.0.0.1'] });
    server.setSecureContext({ cert: pair.certificatePem, key: pair.keyPem, ca: by.certificatePem });
  };
  await trust(authority);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;

  const close = (): Promise<void> =>
    new Promise((resolve) => {
      server.close(() => resolve());
      for (const socket of connections) socket.destroy();
    });
  onTestFinished(async () => {
    await close();
    await rm(directory, { recursive: true });
  });

  const file = async (name: string, text: string): Promise<string> => {
    const path = join(directory, name);
    await writeFile(path, text);
    return path;
  };

  /** A client of this server, logged in with `user` as a kubeconfig has it; closed with the test. */
  const client = async (
    user: object = { token: 'secret-token' },
    options: Partial<Pick<KubeOptions, 'connections' | 'onAnswer' | 'clock'>> = {},
  ): Promise<Kube> => {
    await file('ca.crt', authority.certificatePem);
    const kubeconfig = await file(
      'config',
      kubeconfigOf({ server: url, 'certificate-authority': 'ca.crt' }, user),
    );
    const kube = createKube({ kubeconfig, connections: 4, version: '1.2.3', ...options });
    onTestFinished(() => kube.close());
    return kube;
  };

  return { authority, client, close, connections, file, handshakes: () => handshakes, seen, trust, url };
};

/** A kubeconfig with one context, as YAML. */
export const kubeconfigOf = (cluster: object, user: object): string =>
  stringify({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'here',
    contexts: [{ name: 'here', context: { cluster: 'c', user: 'u' } }],
    clusters: [{ name: 'c', cluster }],
    users: [{ name: 'u', user }],
  });
