import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';

/** Where to listen: an absent host means every address, port 0 a free port. */
export interface BoundTo {
  readonly host?: string | undefined;
  readonly port: number;
}

/** A server that is bound to a port. */
export interface Bound {
  readonly port: number;
  /** Stops accepting at once; resolves when every connection is closed. */
  readonly close: () => Promise<unknown>;
}

// How many connections the kernel keeps for the process to take in. Where there is no room, a client tries again after 1 s and
// 3 s, and the API server waits for 2 s.
const backlog = 2_048;

/**
 * Listens; rejects with the address and what to do when it cannot be bound.
 *
 * libuv takes in one connection of a listening socket in each turn of the event loop, so `sockets` says how many of them go in
 * one turn. The kernel spreads new connections over the sockets by their addresses and ports.
 */
export const bind = async (server: Server, at: BoundTo, sockets = 1): Promise<Bound> => {
  const reusePort = sockets > 1;
  const extra = Array.from({ length: sockets - 1 }, () =>
    createServer((socket: Socket) => server.emit('connection', socket)),
  );
  try {
    // Sockets that share a port would share it with those of another process, too.
    if (reusePort && at.port !== 0) await close(await listening(createServer(), at));
    await listening(server, { ...at, backlog, reusePort });
    const port = portOf(server);
    for (const each of extra) await listening(each, { ...at, port, backlog, reusePort });
    return { port, close: () => Promise.all([server, ...extra].map(close)) };
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    const { host, port } = at;
    throw new Error(`listening on ${host ?? 'every address'}, port ${port}: ${reason}; choose another`, {
      cause,
    });
  }
};

const listening = async (
  server: Server,
  { host, ...options }: BoundTo & { readonly backlog?: number; readonly reusePort?: boolean },
): Promise<Server> => {
  const bound = once(server, 'listening');
  server.listen({ ...options, ...(host !== undefined && { host }) });
  await bound;
  return server;
};

const portOf = (server: Server): number => {
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
};

const close = (server: Server): Promise<unknown> => new Promise((resolve) => server.close(resolve));
