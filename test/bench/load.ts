import { Pool } from 'undici';
import type { Connection } from '../../hack/cluster/kubeconfig.ts';

/** One pod to create; `body` is JSON. */
export interface Creation {
  readonly namespace: string;
  readonly body: string;
}

/** What a round of creations came to: each one's time until its answer was read, and what went wrong, in words. */
export interface Created {
  readonly latenciesMs: readonly number[];
  readonly failures: readonly string[];
}

/** Clients that each create one pod after the other. */
export interface Load {
  /** Creates the pods with so many clients at a time; `problem` says what is wrong with the text of an answer. */
  create(
    creations: readonly Creation[],
    clients: number,
    problem: (answer: string) => string | undefined,
  ): Promise<Created>;
  close(): Promise<void>;
}

/** Opens the connections, up to `mostClients`, each used by one request at a time and kept between rounds. */
export const openLoad = ({ serverUrl, ...to }: Connection, mostClients: number): Load => {
  const pool = new Pool(serverUrl, {
    connections: mostClients,
    pipelining: 1,
    allowH2: false,
    keepAliveTimeout: 60_000,
    connect: {
      ca: to.caCertificatePem,
      cert: to.credentials.certificatePem,
      key: to.credentials.keyPem,
    },
  });
  const headers = { 'content-type': 'application/json', accept: 'application/json' };

  const createOne = async ({ namespace, body }: Creation) => {
    const path = `/api/v1/namespaces/${namespace}/pods`;
    const startMs = performance.now();
    const response = await pool.request({ method: 'POST', path, headers, body });
    const text = await response.body.text();
    return { tookMs: performance.now() - startMs, status: response.statusCode, text };
  };

  return {
    create: async (creations, clients, problem) => {
      const latenciesMs: number[] = [];
      const failures: string[] = [];
      const waiting = creations.values();
      const client = async (): Promise<void> => {
        // One iterator for all clients: whoever is free takes the next pod.
        for (const creation of waiting) {
          const { tookMs, status, text } = await createOne(creation);
          latenciesMs.push(tookMs);
          const wrong = status === 201 ? problem(text) : `${status} ${text.slice(0, 200)}`;
          if (wrong !== undefined) failures.push(wrong);
        }
      };
      await Promise.all(Array.from({ length: clients }, client));
      return { latenciesMs, failures };
    },
    close: () => pool.destroy(),
  };
};
