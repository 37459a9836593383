import type { IncomingMessage, ServerResponse } from 'node:http';
import { Agent, createServer, request as forward } from 'node:https';
import { once } from 'node:events';
import type { Duplex } from 'node:stream';
import { loadAuthority } from './certificates.ts';
import type { ClusterData } from './access.ts';
import { freePort } from './ports.ts';
import { randomFrom } from './random.ts';
import { requestClass, type RequestClass } from './request-class.ts';

/**
 * What happens instead of the API server's answer: another one; none ever, to a request that never arrives (`stall`); or a
 * connection that breaks once the API server has done what it was asked (`unheard`).
 */
export type FaultAnswer = { status: 429 | 500 | 503; retryAfterSeconds?: number } | 'stall' | 'unheard';

/** Which requests get a fault, how probably each (0 to 1), and which. */
export type Fault = { matches: (request: RequestClass) => boolean; probability: number; answer: FaultAnswer };

/** The ways in which every k-th watch of each source can be told that its resourceVersion is gone: by HTTP status or as its first line. */
export type GoneWatches = { every: number; as: 'status' | 'event' };

/** A proxy in front of an API server that misbehaves on command. It passes bearer tokens on; client certificates end here. */
export type FaultProxy = {
  readonly url: string;
  /** Requests seen since the start or the last `resetCounts`, faults included, by `<verb> <resource>`. */
  counts(): ReadonlyMap<string, number>;
  resetCounts(): void;
  /** Refuses connections and breaks the open ones, until `endOutage`. */
  startOutage(): Promise<void>;
  endOutage(): Promise<void>;
  /** Breaks every open watch, or those of one resource; gives their number. */
  cutWatches(resource?: string): number;
  /**
   * The resourceVersion from which the last watch of a resource was opened, 0 for none: a client that resumes a watch has
   * read everything up to there.
   */
  watchedFrom(resource: string): number;
  /** Applies to each further request the first fault that matches and whose probability strikes. */
  setFaults(faults: readonly Fault[]): void;
  /** Undefined: watches are told nothing of the kind. */
  setGoneWatches(gone: GoneWatches | undefined): void;
  stop(): Promise<void>;
};

/** How a proxy plays, and who listens. */
export type FaultProxyOptions = {
  seed?: number;
  /** Hears of each request before anything is done about it. */
  onRequest?: (request: RequestClass) => void;
};

const goneStatus = {
  kind: 'Status',
  apiVersion: 'v1',
  metadata: {},
  status: 'Failure',
  message: 'too old resource version (fault proxy)',
  reason: 'Expired',
  code: 410,
};

/** Starts a proxy on a port of its own, with a certificate of the cluster's authority; one `seed`, one course of faults. */
export const startFaultProxy = async (
  cluster: Pick<ClusterData, 'directory' | 'serverUrl' | 'caCertificatePem'>,
  { seed = 1, onRequest = () => {} }: FaultProxyOptions = {},
): Promise<FaultProxy> => {
  const authority = await loadAuthority(cluster.directory);
  const serving = await authority.issueServer('fault-proxy', { dns: ['localhost'], ip: ['127.0.0.1'] });
  const port = await freePort();
  const agent = new Agent({ keepAlive: true, ca: cluster.caCertificatePem });
  const random = randomFrom(seed);
  const sockets = new Set<Duplex>();
  const watches = new Map<ServerResponse, string>();
  const counts = new Map<string, number>();
  let faults: readonly Fault[] = [];
  let gone: GoneWatches | undefined;
  const watched = new Map<string, number>();
  const openedFrom = new Map<string, number>();

  const isGone = ({ verb }: RequestClass, source: string): boolean => {
    if (gone === undefined || verb !== 'watch') return false;
    const count = (watched.get(source) ?? 0) + 1;
    watched.set(source, count);
    return count % gone.every === 0;
  };

  const handle = (incoming: IncomingMessage, outgoing: ServerResponse): void => {
    const seen = requestClass(incoming.method ?? 'GET', incoming.url ?? '/');
    const key = `${seen.verb} ${seen.resource}`;
    counts.set(key, (counts.get(key) ?? 0) + 1);
    onRequest(seen);
    const answer = faults.find((fault) => fault.matches(seen) && random() < fault.probability)?.answer;
    if (answer !== undefined && answer !== 'unheard') return answerWith(answer, outgoing);
    if (isGone(seen, sourceOf(incoming.url ?? '/'))) return answerGone(gone?.as ?? 'status', outgoing);
    if (seen.verb === 'watch') {
      watches.set(outgoing, seen.resource);
      openedFrom.set(seen.resource, versionIn(incoming.url ?? '/'));
      outgoing.once('close', () => watches.delete(outgoing));
    }
    const url = new URL(incoming.url ?? '/', cluster.serverUrl);
    passOn(incoming, outgoing, { url, agent, heard: answer !== 'unheard' });
  };

  const server = createServer({ cert: serving.certificatePem, key: serving.keyPem }, handle);
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  const listen = async (): Promise<void> => {
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
  };
  const refuse = async (): Promise<void> => {
    const closed = new Promise((resolve) => server.close(resolve));
    for (const socket of sockets) socket.destroy();
    await closed;
  };

  await listen();
  return {
    url: `https://127.0.0.1:${port}`,
    counts: () => counts,
    resetCounts: () => counts.clear(),
    startOutage: refuse,
    endOutage: listen,
    watchedFrom: (resource) => openedFrom.get(resource) ?? 0,
    cutWatches: (only) => {
      const open = [...watches].flatMap(([watch, resource]) =>
        resource === (only ?? resource) ? [watch] : [],
      );
      for (const watch of open) watch.destroy();
      return open.length;
    },
    setFaults: (next) => {
      faults = next;
    },
    setGoneWatches: (next) => {
      gone = next;
      watched.clear();
    },
    stop: async () => {
      if (server.listening) await refuse();
      agent.destroy();
    },
  };
};

// What is watched, from wherever: of many that watch side by side each is counted by itself, or the order in which they
// come would decide who is ever told.
const sourceOf = (pathAndQuery: string): string => {
  const { pathname, searchParams } = new URL(pathAndQuery, 'https://api');
  const selectors = ['fieldSelector', 'labelSelector'].map((name) => searchParams.get(name) ?? '');
  return [pathname, ...selectors].join(' ');
};

const answerWith = (answer: Exclude<FaultAnswer, 'unheard'>, outgoing: ServerResponse): void => {
  if (answer === 'stall') return;
  const { status, retryAfterSeconds } = answer;
  if (retryAfterSeconds !== undefined) outgoing.setHeader('retry-after', retryAfterSeconds);
  outgoing.writeHead(status, { 'content-type': 'text/plain' }).end('fault proxy');
};

const answerGone = (as: GoneWatches['as'], outgoing: ServerResponse): void => {
  outgoing.writeHead(as === 'status' ? 410 : 200, { 'content-type': 'application/json' });
  outgoing.end(`${JSON.stringify(as === 'status' ? goneStatus : { type: 'ERROR', object: goneStatus })}\n`);
};

const versionIn = (pathAndQuery: string): number =>
  Number(new URL(pathAndQuery, 'https://api').searchParams.get('resourceVersion') ?? 0);

const passOn = (
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  { url, agent, heard }: { url: URL; agent: Agent; heard: boolean },
): void => {
  const upstream = forward(url, {
    agent,
    method: incoming.method,
    headers: { ...incoming.headers, host: url.host },
  });
  upstream.on('response', (response) => {
    if (!heard) return void outgoing.destroy();
    outgoing.writeHead(response.statusCode ?? 502, response.headers);
    // A watch without events must still be seen to be open.
    outgoing.flushHeaders();
    response.on('error', () => outgoing.destroy()).pipe(outgoing);
  });
  upstream.on('error', () => outgoing.destroy());
  outgoing.once('close', () => upstream.destroy());
  incoming.pipe(upstream);
};
