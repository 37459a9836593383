import { type Connections, forEach } from './connections.ts';

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

/** Creates the pods with so many clients at a time; `problem` says what is wrong with the text of an answer. */
export const createPods = async (
  connections: Connections,
  creations: readonly Creation[],
  clients: number,
  problem: (answer: string) => string | undefined,
): Promise<Created> => {
  const latenciesMs: number[] = [];
  const failures: string[] = [];
  const createOne = async ({ namespace, body }: Creation): Promise<void> => {
    const path = `/api/v1/namespaces/${namespace}/pods`;
    const { tookMs, status, text } = await connections.send({ method: 'POST', path, body });
    latenciesMs.push(tookMs);
    const wrong = status === 201 ? problem(text) : `${status} ${text.slice(0, 200)}`;
    if (wrong !== undefined) failures.push(wrong);
  };
  await forEach(creations, createOne, clients);
  return { latenciesMs, failures };
};
