import { Agent, request } from 'undici';
import { Observable } from 'rxjs';
import type { Connection } from './kubeconfig.ts';

/** An object as the API server's JSON has it; callers narrow it with a type of kubernetes-types. */
export type KubernetesObject = {
  apiVersion?: string;
  kind?: string;
  metadata?: {
    name?: string;
    namespace?: string;
    uid?: string;
    resourceVersion?: string;
    labels?: Record<string, string>;
    annotations?: Record<string, string>;
  };
  [field: string]: unknown;
};

/** One line of a watch; the object of an ERROR is a Status. */
export type WatchEvent<T = KubernetesObject> = {
  type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR';
  object: T;
};

/** An answer of 400 or above: `status` is the HTTP code, `body` the Status the API server sent, or its text. */
export class RestError extends Error {
  readonly status: number;
  readonly body: unknown;
  constructor(method: string, path: string, status: number, body: unknown) {
    const message = (body as { message?: unknown } | null)?.message ?? body;
    super(`calling ${method} ${path}: ${status} ${String(message).slice(0, 500)}`);
    this.name = 'RestError';
    this.status = status;
    this.body = body;
  }
}

const patchTypes = {
  merge: 'application/merge-patch+json',
  strategic: 'application/strategic-merge-patch+json',
  json: 'application/json-patch+json',
  apply: 'application/apply-patch+yaml',
} as const;

/** A raw client of one API server: paths in, JSON out, no retries, every answer of 400 or above a `RestError`. */
export type RestClient = {
  get<T = KubernetesObject>(path: string): Promise<T>;
  list<T = KubernetesObject>(path: string): Promise<T[]>;
  post<T = KubernetesObject>(path: string, body: unknown): Promise<T>;
  patch<T = KubernetesObject>(path: string, body: unknown, type?: keyof typeof patchTypes): Promise<T>;
  delete(path: string, options?: unknown): Promise<void>;
  /** A watch of a collection's path, query included; it completes when the server ends it and never reconnects. */
  watch$<T = KubernetesObject>(path: string): Observable<WatchEvent<T>>;
  close(): Promise<void>;
};

/** Opens a client on two pools, because over HTTP/1.1 a watch keeps a connection for itself. */
export const openClient = (to: Connection): RestClient => {
  const connect = {
    ca: to.caCertificatePem,
    cert: to.credentials.certificatePem,
    key: to.credentials.keyPem,
  };
  const calls = new Agent({ allowH2: false, connections: 8, connect });
  const watches = new Agent({ allowH2: false, bodyTimeout: 0, connect });

  const call = async <T>(method: string, path: string, body?: unknown, contentType?: string): Promise<T> => {
    const response = await request(new URL(path, to.serverUrl), {
      method,
      dispatcher: calls,
      headers: { accept: 'application/json', 'content-type': contentType ?? 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const answer = parsed(await response.body.text());
    if (response.statusCode >= 400) throw new RestError(method, path, response.statusCode, answer);
    return answer as T;
  };

  const watch$ = <T>(path: string): Observable<WatchEvent<T>> =>
    new Observable((subscriber) => {
      const aborted = new AbortController();
      const url = new URL(path, to.serverUrl);
      url.searchParams.set('watch', 'true');
      const read = async (): Promise<void> => {
        const { statusCode, body } = await request(url, { dispatcher: watches, signal: aborted.signal });
        if (statusCode >= 400) throw new RestError('WATCH', path, statusCode, parsed(await body.text()));
        let rest = '';
        body.setEncoding('utf8');
        for await (const chunk of body) {
          const lines = (rest + String(chunk)).split('\n');
          rest = lines.pop() ?? '';
          for (const line of lines) subscriber.next(JSON.parse(line) as WatchEvent<T>);
        }
      };
      read().then(
        () => subscriber.complete(),
        (error: unknown) => subscriber.error(error),
      );
      return () => aborted.abort();
    });

  return {
    get: (path) => call('GET', path),
    list: async <T>(path: string) => (await call<{ items: T[] }>('GET', path)).items,
    post: (path, body) => call('POST', path, body),
    patch: (path, body, type = 'merge') => call('PATCH', path, body, patchTypes[type]),
    delete: (path, options) => call('DELETE', path, options),
    watch$,
    close: async () => {
      await Promise.all([calls.destroy(), watches.destroy()]);
    },
  };
};

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return text; // proxies and throttling answer in plain text
  }
};
