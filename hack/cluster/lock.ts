import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';

// Linux's abstract socket namespace: binding an address is exclusive, and the kernel frees it with the process that bound
// it, however that ends. No file remains that could be stale.
const abstractAddress = (name: string): string =>
  `\0spotpolicy-${createHash('sha256').update(name).digest('hex').slice(0, 32)}`;

/** Binds a name for this process; undefined if another process has it. */
export const bindName = async (name: string): Promise<Server | undefined> => {
  const server = createServer();
  server.listen(abstractAddress(name));
  try {
    await once(server, 'listening');
    return server;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') return undefined;
    throw error;
  }
};

/** A connection to the process that has a name; undefined if none has it, or gives it up at this moment. */
export const callHolder = async (name: string): Promise<Socket | undefined> => {
  const socket = connect(abstractAddress(name));
  try {
    await once(socket, 'connect');
    return socket;
  } catch (error) {
    if (['ECONNREFUSED', 'ECONNRESET'].includes((error as NodeJS.ErrnoException).code ?? ''))
      return undefined;
    throw error;
  }
};

/** Resolves when a connection to a holder ends, be it orderly or with the holder's process. */
export const endOf = (holder: Socket): Promise<void> =>
  new Promise((resolve) => {
    // A reset is an end too, and 'close' follows it.
    holder
      .on('error', () => {})
      .once('close', () => resolve())
      .resume();
  });

/**
 * Does the work while no other process of this machine does work under the same name. `onWait` is called once if one
 * does; the wait ends when that process is done or dead.
 */
export const withLock = async <T>(name: string, onWait: () => void, work: () => Promise<T>): Promise<T> => {
  for (let attempt = 0; ; attempt += 1) {
    const lock = await bindName(name);
    if (lock !== undefined) {
      const waiting = new Set<Socket>();
      lock.on('connection', (socket) => waiting.add(socket.on('error', () => {})));
      try {
        return await work();
      } finally {
        lock.close();
        for (const socket of waiting) socket.destroy();
      }
    }
    if (attempt === 0) onWait();
    const holder = await callHolder(name);
    // Nothing is ever sent: the connection ends with the holder's work, or with the holder.
    if (holder !== undefined) await endOf(holder);
  }
};
