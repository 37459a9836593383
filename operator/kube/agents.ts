import { Agent } from 'undici';
import type { Credentials } from './credentials.ts';

/** Connections for calls, for the lease and for watches, with the certificates they were made for. */
export interface Agents {
  readonly calls: Agent;
  readonly lease: Agent;
  readonly watches: Agent;
}

/** Gives the agents for some certificates; ends every connection on `close`. */
export interface AgentSource {
  agentsFor(tls: Credentials['tls']): Agents;
  close(): Promise<void>;
}

const keepAliveMs = 30_000;
// A storm's calls come in waves, and each handshake costs both sides milliseconds of processor time. The API server itself
// ends a connection that was idle for 90 s.
const idleMs = 60_000;

// In a storm a call waits seconds for a connection: a leader that renews its lease over one of them loses it, measured
// every 8 s with 500 pods on two cores and a renew deadline of 4 s. HTTP/2 would put every call and watch on one
// connection, which measured slower than 8 of HTTP/1.1; and a watch holds its connection, so watches get an agent without
// limit, on which a quiet body never times out (list-watch has its own timer).
const create = (tls: Credentials['tls'], connections: number): Agents => {
  const connect = { ...tls, keepAlive: true, keepAliveInitialDelay: keepAliveMs };
  return {
    calls: new Agent({ allowH2: false, connections, keepAliveTimeout: idleMs, connect }),
    lease: new Agent({ allowH2: false, connections: 1, connect }),
    watches: new Agent({ allowH2: false, bodyTimeout: 0, connect }),
  };
};

const bytesOf = (value: unknown): string =>
  Buffer.isBuffer(value) ? value.toString('base64') : String(value);

const same = (one: Credentials['tls'], other: Credentials['tls']): boolean => {
  const fields = ['ca', 'cert', 'key', 'rejectUnauthorized', 'servername'] as const;
  return fields.every(
    (field) => one[field] === other[field] || bytesOf(one[field]) === bytesOf(other[field]),
  );
};

/**
 * Keeps one set of agents for as long as the certificates stay the same. When they change, new calls get new
 * connections; what is under way on the old ones, watches included, ends by itself.
 */
export const agentSource = (connections: number): AgentSource => {
  let current: { agents: Agents; tls: Credentials['tls'] } | undefined;
  const open = new Set<Agent>();

  const retire = (agents: Agents): void => {
    for (const agent of Object.values(agents)) void agent.close().then(() => open.delete(agent));
  };

  return {
    agentsFor: (tls) => {
      if (current !== undefined && same(current.tls, tls)) return current.agents;
      if (current !== undefined) retire(current.agents);
      const agents = create(tls, connections);
      for (const agent of Object.values(agents)) open.add(agent);
      current = { agents, tls };
      return agents;
    },
    close: async () => {
      await Promise.all([...open].map((agent) => agent.destroy()));
    },
  };
};
