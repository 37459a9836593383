import { getRequestListener } from '@hono/node-server';
import type { Hono } from 'hono';
import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import type { Server, ServerOptions, ServerResponse } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { Socket } from 'node:net';

/** Where to listen: an absent host means every address, port 0 a free port. */
export interface Address {
  host?: string | undefined;
  port: number;
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

const limits: ServerOptions = {
  headersTimeout: 5_000,
  requestTimeout: 10_000,
  // Go closes an idle connection after 90 s (net/http DefaultTransport.IdleConnTimeout). The client has to be the one
  // who closes: a request that crosses our close on the wire would fail, and Go does not repeat a POST.
  keepAliveTimeout: 120_000,
};

const secureContext = ({ certificatePem, keyPem }: ServerCertificate) => ({
  cert: certificatePem,
  key: keyPem,
  minVersion: 'TLSv1.2' as const,
});

const listen = async (server: Server, { host, port }: Address): Promise<number> => {
  const listening = once(server, 'listening');
  server.listen({ port, ...(host !== undefined && { host }) });
  try {
    await listening;
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`listening on ${host ?? 'every address'}, port ${port}: ${reason}; choose another`, {
      cause,
    });
  }
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : port;
};

const start = async (server: Server, app: Hono, at: Address): Promise<Listening> => {
  let draining = false;
  const respond = getRequestListener(app.fetch);
  const underWay = new Set<ServerResponse>();
  server.on('request', (request, response) => {
    underWay.add(response);
    response.once('close', () => underWay.delete(response));
    if (draining) response.setHeader('connection', 'close');
    void respond(request, response);
  });
  // The server itself knows only connections that have finished their TLS handshake.
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  const port = await listen(server, at);

  const drain = (): void => {
    draining = true;
    // A connection whose answer lacks this header would stay open behind it, and hold up `close`.
    for (const response of underWay) if (!response.headersSent) response.setHeader('connection', 'close');
  };
  const close = async (withinMs: number): Promise<void> => {
    drain();
    const cut = setTimeout(() => sockets.forEach((socket) => socket.destroy()), withinMs);
    await new Promise((resolve) => server.close(resolve));
    clearTimeout(cut);
  };
  return { port, drain, close };
};

/** Serves `app` over HTTP; rejects with the address and what to do when it cannot be bound. */
export const serveHttp = (app: Hono, at: Address): Promise<Listening> =>
  start(createHttpServer(limits), app, at);

/**
 * Serves `app` over HTTPS, TLS 1.2 or later; rejects with the address and what to do when it cannot be bound.
 * `reportTlsError` hears of every failed handshake, for instance of a client that does not trust the certificate.
 */
export const serveHttps = async (
  app: Hono,
  at: Address & { certificate: ServerCertificate },
  reportTlsError: (error: Error) => void,
): Promise<ListeningSecurely> => {
  const server = createHttpsServer({ ...limits, ...secureContext(at.certificate), handshakeTimeout: 5_000 });
  server.on('tlsClientError', reportTlsError);
  const listening = await start(server, app, at);
  return {
    ...listening,
    setCertificate: (certificate) => server.setSecureContext(secureContext(certificate)),
  };
};
