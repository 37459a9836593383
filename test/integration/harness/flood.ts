import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

/** What a flood is made of, by what its client does. */
export const torrents = [
  'idle', // finishes the handshake and says nothing
  'half-open', // sends its ClientHello and nothing more
  'handshakes', // finishes the handshake and goes
  'connections', // connects and goes
  'slow', // sends a body byte by byte
  'large', // sends a review of 2.7 MiB with 60,000 labels
  'oversized', // sends a body of more than 3 MiB in chunks, and is refused
  'refused', // asks for a path that there is not
] as const;

export type Torrent = (typeof torrents)[number];

/**
 * How a flood gives way to others for processor time: `entirely`, so that what is measured beside it is the server; `mostly`,
 * so that it goes on where a busy machine has no idle time.
 */
const nicenesses = { entirely: 19, mostly: 10 } as const;

/** Clients that flood a port. */
export interface Flood {
  /** How often they did what until now, the connections included that the server closed. */
  done(): Promise<ReadonlyMap<Torrent, number>>;
  stop(): Promise<unknown>;
}

/** Floods the port of a URL on this machine from each of these addresses, which the loopback interface has all of. */
export const aFlood = (
  { webhookUrl }: { readonly webhookUrl: string },
  addresses: readonly string[],
  yields: keyof typeof nicenesses,
): Flood => {
  const clients = addresses.map((address) => {
    const program = join(import.meta.dirname, 'flood-client.ts');
    const process = fork(program, [new URL(webhookUrl).port, address, String(nicenesses[yields])]);
    return { process, ended: once(process, 'exit') };
  });
  return {
    done: async () => {
      const sum = new Map<Torrent, number>();
      for (const counts of await Promise.all(clients.map(countsOf)))
        for (const [torrent, count] of counts) sum.set(torrent, (sum.get(torrent) ?? 0) + count);
      return sum;
    },
    stop: () => Promise.all(clients.map(end)),
  };
};

interface Client {
  readonly process: ChildProcess;
  readonly ended: Promise<unknown[]>;
}

const countsOf = async ({ process, ended }: Client): Promise<readonly [Torrent, number][]> => {
  const early = ended.then(([code, signal]): never => {
    throw new Error(`a client of the flood has ended by itself (${String(signal ?? code)})`);
  });
  const answer = once(process, 'message') as Promise<[[Torrent, number][]]>;
  if (process.connected) process.send('how often');
  return (await Promise.race([answer, early]))[0];
};

const end = async ({ process, ended }: Client): Promise<void> => {
  process.kill('SIGKILL');
  await ended;
};
