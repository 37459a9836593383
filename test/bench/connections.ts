import { Pool, request } from 'undici';
import type { Connection } from '../../hack/cluster/kubeconfig.ts';

/** One request; `body` is text already. */
export interface Outgoing {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  readonly path: string;
  readonly body?: string;
  readonly contentType?: string;
}

/** What came back, and how long it took until it was read. */
export interface Answer {
  readonly status: number;
  readonly text: string;
  readonly tookMs: number;
}

/** Connections that are used by one request at a time and kept between rounds; requests beyond them wait for one. */
export interface Connections {
  send(outgoing: Outgoing): Promise<Answer>;
  /** The lines of a watch as they come, until it is aborted or the server ends it. */
  watch(path: string, signal: AbortSignal): AsyncGenerator<string, void, undefined>;
  close(): Promise<void>;
}

/** Opens up to so many connections as the user of a kubeconfig. */
export const openConnections = ({ serverUrl, ...to }: Connection, most: number): Connections => {
  const connect = {
    ca: to.caCertificatePem,
    cert: to.credentials.certificatePem,
    key: to.credentials.keyPem,
  };
  const options = { allowH2: false, keepAliveTimeout: 60_000, connect };
  const calls = new Pool(serverUrl, { ...options, connections: most, pipelining: 1 });
  const watches = new Pool(serverUrl, { ...options, bodyTimeout: 0 });
  return {
    send: async ({ method, path, body, contentType = 'application/json' }) => {
      const headers = { 'content-type': contentType, accept: 'application/json' };
      const startMs = performance.now();
      const response = await calls.request({ method, path, headers, body: body ?? null });
      const text = await response.body.text();
      return { status: response.statusCode, text, tookMs: performance.now() - startMs };
    },
    watch: async function* (path, signal) {
      const { statusCode, body } = await request(new URL(path, serverUrl), { dispatcher: watches, signal });
      if (statusCode !== 200) throw new Error(`watching ${path}: ${statusCode} ${await body.text()}`);
      let rest = '';
      body.setEncoding('utf8');
      for await (const chunk of body) {
        const lines = (rest + String(chunk)).split('\n');
        rest = lines.pop() ?? '';
        yield* lines;
      }
    },
    close: async () => {
      await Promise.all([calls.destroy(), watches.destroy()]);
    },
  };
};

/** Does something to each item, so many at a time: whoever is free takes the next. */
export const forEach = async <T>(
  items: readonly T[],
  act: (item: T) => Promise<unknown>,
  // Enough to keep two cores busy.
  atOnce = 20,
): Promise<void> => {
  const waiting = items.values();
  const worker = async (): Promise<void> => {
    for (const item of waiting) await act(item);
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
};
