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
  'refused', // asks for a path that there is not
] as const;

export type Torrent = (typeof torrents)[number];

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
): Flood => {
  const clients = addresses.map((address) =>
    fork(join(import.meta.dirname, 'flood-client.ts'), [new URL(webhookUrl).port, address]),
  );
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

const countsOf = async (client: ChildProcess): Promise<readonly [Torrent, number][]> => {
  if (client.exitCode !== null) throw endedBefore(client);
  const ended = new AbortController();
  const early = once(client, 'exit', ended).then(() => Promise.reject(endedBefore(client)));
  const answer = once(client, 'message', ended);
  client.send('how often');
  try {
    return ((await Promise.race([answer, early])) as [[Torrent, number][]])[0];
  } finally {
    ended.abort();
    await Promise.allSettled([early, answer]);
  }
};

const endedBefore = ({ exitCode, signalCode }: ChildProcess): Error =>
  new Error(`a client of the flood has ended by itself (${signalCode ?? exitCode})`);

const end = async (client: ChildProcess): Promise<void> => {
  if (client.exitCode !== null || client.signalCode !== null) return;
  const ended = once(client, 'exit');
  client.kill('SIGKILL');
  await ended;
};
