import { getRequestListener } from '@hono/node-server';
import type { Hono } from 'hono';
import { constants } from 'node:crypto';
import { createServer as createHttpServer } from 'node:http';
import type { IncomingMessage, Server, ServerOptions, ServerResponse } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { Socket } from 'node:net';
import { bind, type BoundTo } from './bind.ts';
import { Bodies } from './bodies.ts';
import { type ConnectionLimits, Connections } from './connections.ts';
import { paceHandshakes } from './handshakes.ts';

/** Why a connection was closed by this side: for another one, or because its client behaved as no client of ours does. */
export type Closing = 'crowded' | 'refused' | 'unused' | 'pipelined';

/** Where to listen, and how many connections are kept. */
export interface Address extends BoundTo {
  /** How many connections are kept; those of connections.ts by default. */
  limits?: ConnectionLimits;
  /** After how many requests a connection is closed, so that those of API servers spread over the replicas; 10,000 by default. */
  mostRequests?: number;
  /** Hears of each connection that was closed before its client closed it. */
  onClosing?: (why: Closing) => void;
}

/** A certificate chain and its key, both PEM. */
export interface ServerCertificate {
  certificatePem: string;
  keyPem: string;
}

/** A server that listens. */
export interface Listening {
  /** The port that was bound. */
  port: number;
  /** How many connections are open, handshakes under way included. */
  connections: () => number;
  /** From now on every answer asks its client to connect anew next time: elsewhere, if a Service so decides. */
  drain: () => void;
  /** Stops accepting, lets requests under way finish, and resolves when all are done or cut off after `withinMs`. */
  close: (withinMs: number) => Promise<void>;
}

/** A server that listens for TLS. */
export interface ListeningSecurely extends Listening {
  /** Serves new connections with `certificate`; those already open stay as they are. Throws if the key does not fit. */
  setCertificate: (certificate: ServerCertificate) => void;
}

const options: ServerOptions = {
  // The API server gives up on a review after 2 s, and the kubelet on a probe after 1 s: nobody waits for what has not arrived
  // by then. Checked once a second.
  headersTimeout: 5_000,
  requestTimeout: 5_000,
  connectionsCheckingInterval: 1_000,
  // Go closes an idle connection after 90 s (net/http DefaultTransport.IdleConnTimeout). The client has to be the one
  // who closes: a request that crosses our close on the wire would fail, and Go does not repeat a POST.
  keepAliveTimeout: 120_000,
};

const secureContext = ({ certificatePem, keyPem }: ServerCertificate) => ({
  cert: certificatePem,
  key: keyPem,
  minVersion: 'TLSv1.2' as const,
  // A client of TLS 1.2 could repeat its handshake on one connection, past the pace of handshakes. Go never does.
  secureOptions: constants.SSL_OP_NO_RENEGOTIATION,
});

const sweepMs = 1_000;

/** Keeps the table of a server's connections and closes those that have to go. */
const guard = (server: Server, { limits, onClosing }: Address): Guard => {
  const table = new Connections<Socket>(limits);
  // A request knows the socket of its TLS, which is another than the one that was accepted.
  const accepted = new Map<string, Socket>();
  const cut = (socket: Socket, why: Closing): void => {
    if (socket.destroyed) return;
    onClosing?.(why);
    table.close(socket);
    socket.destroy();
  };
  server.on('connection', (socket: Socket) => {
    const name = nameOf(socket);
    const leaver = table.open(socket, socket.remoteAddress ?? '', performance.now());
    if (leaver) cut(leaver, leaver === socket ? 'refused' : 'crowded');
    if (leaver === socket) return;
    accepted.set(name, socket);
    socket.once('close', () => {
      table.close(socket);
      if (accepted.get(name) === socket) accepted.delete(name);
    });
  });
  const sweep = setInterval(() => {
    for (const socket of table.unused(performance.now())) cut(socket, 'unused');
  }, sweepMs).unref();
  server.once('close', () => clearInterval(sweep));
  return {
    table,
    begin: (request) => {
      const socket = accepted.get(nameOf(request.socket));
      if (!socket) return undefined;
      if (table.begin(socket, performance.now())) return socket;
      cut(socket, 'pipelined');
      return undefined;
    },
  };
};

interface Guard {
  readonly table: Connections<Socket>;
  /** The connection of a request that may go on. */
  readonly begin: (request: IncomingMessage) => Socket | undefined;
}

const nameOf = ({ remoteAddress, remotePort }: Socket): string => `${remoteAddress} ${remotePort}`;

// A handshake costs 1 ms.
const defaultMostRequests = 10_000;

const start = async (server: Server, app: Hono, at: Address, sockets = 1): Promise<Listening> => {
  server.maxRequestsPerSocket = at.mostRequests ?? defaultMostRequests;
  let draining = false;
  const respond = getRequestListener(app.fetch);
  const underWay = new Set<ServerResponse>();
  const { table, begin } = guard(server, at);
  const bodies = new Bodies();
  server.on('request', (request, response) => {
    const connection = begin(request);
    if (!connection) return;
    underWay.add(response);
    response.once('close', () => {
      underWay.delete(response);
      bodies.release(request);
      table.end(connection, response.writableFinished && response.statusCode === 200, performance.now());
    });
    if (draining) response.setHeader('connection', 'close');
    void bodies.receive(request).then((received) => (received ? respond(request, response) : undefined));
  });
  const bound = await bind(server, at, sockets);

  const drain = (): void => {
    draining = true;
    // A connection whose answer lacks this header would stay open behind it, and hold up `close`.
    for (const response of underWay) if (!response.headersSent) response.setHeader('connection', 'close');
  };
  const close = async (withinMs: number): Promise<void> => {
    drain();
    // The server itself knows only connections that have finished their TLS handshake.
    const cut = setTimeout(() => [...table.keys()].forEach((socket) => socket.destroy()), withinMs);
    await bound.close();
    clearTimeout(cut);
  };
  return { port: bound.port, connections: () => table.size, drain, close };
};

/** Serves `app` over HTTP; rejects with the address and what to do when it cannot be bound. */
export const serveHttp = (app: Hono, at: Address): Promise<Listening> =>
  start(createHttpServer(options), app, at);

// So many connections are taken in beside one handshake: that takes about a millisecond, and a connection 0.1 to 0.2.
const listeningSockets = 16;

/**
 * Serves `app` over HTTPS, TLS 1.2 or later; rejects with the address and what to do when it cannot be bound.
 * `reportTlsError` hears of every failed handshake, for instance of a client that does not trust the certificate.
 */
export const serveHttps = async (
  app: Hono,
  at: Address & { certificate: ServerCertificate },
  reportTlsError: (error: Error) => void,
): Promise<ListeningSecurely> => {
  const server = createHttpsServer({ ...options, ...secureContext(at.certificate), handshakeTimeout: 3_000 });
  server.on('tlsClientError', reportTlsError);
  paceHandshakes(server, (socket) => {
    reportTlsError(new Error('the client did not begin with a ClientHello'));
    socket.destroy();
  });
  const listening = await start(server, app, at, listeningSockets);
  return {
    ...listening,
    setCertificate: (certificate) => server.setSecureContext(secureContext(certificate)),
  };
};
