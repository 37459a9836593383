import { request } from 'undici';
import type { Dispatcher } from 'undici';
import { agentSource } from './agents.ts';
import type { Agents } from './agents.ts';
import type { Cluster } from './credentials.ts';
import { KubeError, refused, unanswered } from './errors.ts';
import type { Refusal, Silence, Status } from './errors.ts';
import type { Verb } from './resources.ts';
import type { ServerClock } from './server-clock.ts';
import { timeLimit } from './time-limit.ts';
import type { TimeLimit } from './time-limit.ts';

/** One request; `doing` is the gerund that its errors begin with. */
export interface Outgoing {
  readonly doing: string;
  /** As RBAC calls it; for the count of calls. */
  readonly verb: Verb;
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly path: string;
  readonly query?: Readonly<Record<string, string | undefined>>;
  readonly accept?: string;
  readonly contentType?: string;
  readonly body?: object;
  /** Milliseconds for the whole exchange; for a stream, until it opens. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
  /** Called when a stream has been accepted, before its first byte. */
  readonly onOpen?: (() => void) | undefined;
  /** It is about the lease, which waits for no other call. */
  readonly lease?: boolean;
}

/** What came back: the parsed body, or why the server refused. */
export type Answer = { readonly body: unknown } | { readonly refusal: Refusal };

/** HTTP to one API server, over one pool for calls, another for watches and a connection for the lease. */
export interface Transport {
  /** Throws a KubeError only where no answer came. */
  exchange(outgoing: Outgoing): Promise<Answer>;
  /** The body as it comes. Ends when the server ends it; throws a KubeError when refused, broken or aborted. */
  stream(outgoing: Outgoing): AsyncGenerator<Uint8Array, void, undefined>;
  close(): Promise<void>;
}

/** How to send; `onAnswer` hears the status of every answer, 0 where none came, and `clock` its date. */
export interface TransportOptions {
  readonly cluster: Cluster;
  readonly connections: number;
  readonly userAgent: string;
  readonly onAnswer?: ((verb: Verb, status: number) => void) | undefined;
  readonly clock?: Pick<ServerClock, 'asks'> | undefined;
}

/** A transport; nothing is sent before its first use. */
export const createTransport = ({
  cluster,
  connections,
  userAgent,
  onAnswer,
  clock,
}: TransportOptions): Transport => {
  const agents = agentSource(connections);
  const base = cluster.url.href.replace(/\/$/, '');

  const send = async (
    out: Outgoing,
    limit: TimeLimit,
    pool: keyof Agents,
  ): Promise<Dispatcher.ResponseData> => {
    const credentials = await cluster.readCredentials().catch((error: unknown) => {
      throw unanswered(`${out.doing}: reading credentials`, 'NotSent', withoutQuotes(error));
    });
    const answered = clock?.asks();
    const response = await request(`${base}${out.path}${queryOf(out.query)}`, {
      dispatcher: agents.agentsFor(credentials.tls)[pool],
      method: out.method,
      signal: limit.signal,
      headersTimeout: 0, // the time limit ends it
      headers: {
        ...credentials.headers,
        'user-agent': userAgent,
        accept: out.accept ?? 'application/json',
        ...(out.body === undefined ? {} : { 'content-type': out.contentType ?? 'application/json' }),
      },
      body: out.body === undefined ? null : JSON.stringify(out.body),
    });
    answered?.(response);
    return response;
  };

  const open = async (
    out: Outgoing,
    limit: TimeLimit,
    pool: keyof Agents,
  ): Promise<Dispatcher.ResponseData> => {
    try {
      const response = await send(out, limit, pool);
      onAnswer?.(out.verb, response.statusCode);
      return response;
    } catch (error) {
      onAnswer?.(out.verb, 0);
      throw error;
    }
  };

  return {
    exchange: async (out) => {
      const limit = timeLimit(out.timeoutMs, out.signal);
      try {
        const response = await open(out, limit, out.lease ? 'lease' : 'calls');
        const text = await response.body.text();
        return isSuccess(response) ? { body: parseBody(out, text) } : { refusal: refusalOf(response, text) };
      } catch (error) {
        throw failure(out, limit, error);
      } finally {
        limit.release();
      }
    },
    stream: async function* (out) {
      const limit = timeLimit(out.timeoutMs, out.signal);
      try {
        const response = await open(out, limit, 'watches');
        if (!isSuccess(response)) throw refused(out.doing, refusalOf(response, await response.body.text()));
        limit.stopClock();
        out.onOpen?.();
        yield* response.body as AsyncIterable<Uint8Array>;
      } catch (error) {
        throw failure(out, limit, error);
      } finally {
        limit.release();
      }
    },
    close: agents.close,
  };
};

const failure = (out: Outgoing, limit: TimeLimit, error: unknown): KubeError =>
  error instanceof KubeError ? error : unanswered(out.doing, silenceOf(limit, error), error);

const isSuccess = ({ statusCode }: Dispatcher.ResponseData): boolean => statusCode >= 200 && statusCode < 300;

const queryOf = (query: Outgoing['query'] = {}): string => {
  const given = Object.entries(query).filter((entry): entry is [string, string] => entry[1] !== undefined);
  return given.length === 0 ? '' : `?${new URLSearchParams(given)}`;
};

// JSON.parse quotes what it cannot read, which may be a token or a Secret.
const withoutQuotes = (error: unknown): unknown =>
  error instanceof SyntaxError ? new Error('what came is not JSON') : error;

const parseBody = ({ doing }: Outgoing, text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw unanswered(doing, 'Broken', withoutQuotes(error));
  }
};

const refusalOf = ({ statusCode, headers }: Dispatcher.ResponseData, text: string): Refusal => {
  const status = statusIn(text);
  const header = Number(headers['retry-after'] ?? NaN);
  const retryAfterSeconds = Number.isFinite(header) ? header : status?.details?.retryAfterSeconds;
  return { httpStatus: statusCode, status, retryAfterSeconds };
};

const statusIn = (text: string): Status | undefined => {
  try {
    const body = JSON.parse(text) as Status | null;
    return body?.kind === 'Status' ? body : undefined;
  } catch {
    return undefined;
  }
};

const neverConnected =
  /^(ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|UND_ERR_CONNECT_TIMEOUT|ERR_TLS_.*|ERR_SSL_.*|CERT_.*|DEPTH_ZERO_.*|SELF_SIGNED_.*|UNABLE_TO_.*)$/;

const silenceOf = (limit: TimeLimit, error: unknown): Silence => {
  if (limit.expired()) return 'TimedOut';
  if (limit.signal.aborted) return 'Aborted';
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  return neverConnected.test(code) ? 'NotSent' : 'Broken';
};
