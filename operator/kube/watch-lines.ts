import { unanswered, refused } from './errors.ts';
import type { Status } from './errors.ts';
import type { KubeObject } from './types.ts';

/** One line of a watch; a bookmark carries nothing but a resourceVersion. */
export type WatchEvent<T extends KubeObject> =
  | { readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'; readonly object: T }
  | { readonly type: 'BOOKMARK'; readonly object: Pick<KubeObject, 'metadata'> };

/** The lines of a body, without their ends and without empty ones, however the body was cut on the way. */
export async function* linesOf(body: AsyncIterable<Uint8Array>): AsyncGenerator<string, void, undefined> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const bytes of body) {
    const parts = (rest + decoder.decode(bytes, { stream: true })).split('\n');
    rest = parts.pop() ?? '';
    for (const line of parts) if (line !== '') yield line;
  }
  rest += decoder.decode();
  if (rest !== '') yield rest;
}

/** The events in a watch's lines. Throws a KubeError for a line that is not JSON and for the server's ERROR line. */
export async function* eventsIn<T extends KubeObject>(
  doing: string,
  lines: AsyncIterable<string>,
): AsyncGenerator<WatchEvent<T>, void, undefined> {
  for await (const line of lines) {
    const event = parse(doing, line);
    if (event.type === 'ERROR') {
      const status = event.object as Status;
      const retryAfterSeconds = status.details?.retryAfterSeconds;
      throw refused(doing, { httpStatus: status.code ?? 500, status, retryAfterSeconds });
    }
    yield event as WatchEvent<T>;
  }
}

// What cannot be parsed is not quoted: it can be any object's content.
const parse = (doing: string, line: string): { type?: string; object?: unknown } => {
  try {
    return JSON.parse(line) as { type?: string; object?: unknown };
  } catch {
    throw unanswered(doing, 'Broken', new Error(`a line of ${line.length} characters is not JSON`));
  }
};
