import { once } from 'node:events';
import { connect } from 'node:tls';
import { fc } from '@fast-check/vitest';
import type { Pod } from 'kubernetes-types/core/v1.js';
import { applyPatch, type Operation } from 'rfc6902';
import { Agent, errors, request } from 'undici';
import { beforeAll, describe, expect, test } from 'vitest';
import { RestError } from '../../../hack/cluster/client.ts';
import { type AnyReview, anyReview, aValidPod } from '../../builders/any-review.ts';
import { problemsOf } from '../../builders/metadata-judge.ts';
import { aPolicy } from '../../builders/policy.ts';
import { aNamespace, sharedCluster } from '../harness/cluster.ts';
import { aProgrammedPolicy } from '../harness/objects.ts';
import { bundleOf, readWebhook } from '../harness/webhook-configuration.ts';
import { admit, aPod, governorOf } from './admitted.ts';

const { admin } = await sharedCluster();
const count = 10_000;
const portion = 1_000;
const connections = 8;
// Not that of the API server, whose reviews for other tests would wait behind megabytes: addresses take turns.
const localAddress = '127.0.0.5';
// Usually well below a minute; a machine with other work on it was seen to take three.
const timeoutMs = 400_000;
// A failure is told with its seed, by which the same requests come again.
const seed = Math.floor(Math.random() * 2 ** 31);

let namespaces: readonly string[];
let url: URL;
let bundlePem: string;
beforeAll(async () => {
  namespaces = await Promise.all([aNamespace(), aNamespace(), aNamespace()]);
  const [keep = '', overwrite = ''] = namespaces;
  const limit = { strategy: 'SpotWithPriceLimit', priceLimit: '0.250', fallback: { mode: 'Never' } } as const;
  await aProgrammedPolicy(admin, keep, aPolicy({ spec: { selector: {}, ...limit } }));
  const injection = { existing: 'Overwrite', scheduling: 'VirtualNode' } as const;
  await aProgrammedPolicy(admin, overwrite, aPolicy({ spec: { injection } }));
  url = new URL((await readWebhook(admin))?.webhooks?.[0]?.clientConfig.url ?? '');
  bundlePem = await bundleOf(admin);
});

/** What came of the requests: how many were answered with each status, and what was wrong. */
interface Tally {
  readonly statuses: Map<number, number>;
  readonly problems: string[];
}

// Hono's server refuses a longer body by its announced length, and closes the connection of a client that has not sent it
// half a second later: a client on a busy machine may not hear the answer.
const mostBytes = 3 * 1024 * 1024;

/**
 * Asks as the API server's client does: a connection that the server has closed in the moment in which it was to be used again
 * is no answer, and the next one is.
 */
const post = async (
  body: string,
  dispatcher: Agent,
  closed = 0,
): Promise<{ status: number; text: string }> => {
  const headers = { 'content-type': 'application/json' };
  try {
    const answer = await request(url, { method: 'POST', dispatcher, headers, body });
    return { status: answer.statusCode, text: await answer.body.text() };
  } catch (error) {
    if (body.length > mostBytes) return { status: 413, text: '' };
    if (error instanceof errors.SocketError && closed < 3) return post(body, dispatcher, closed + 1);
    throw error;
  }
};

const ask = async ({ body, pod }: AnyReview, dispatcher: Agent, tally: Tally): Promise<void> => {
  const { status, text } = await post(body, dispatcher);
  tally.statuses.set(status, (tally.statuses.get(status) ?? 0) + 1);
  if (status !== 200 || pod === undefined || problemsOf(pod.metadata).length > 0) return;
  const { response } = JSON.parse(text) as { response: { patch?: string } };
  const after = structuredClone(pod);
  const failed = applyPatch(after, JSON.parse(atob(response.patch ?? btoa('[]'))) as Operation[]);
  tally.problems.push(...failed.filter((error) => error !== null).map(String), ...problemsOf(after.metadata));
};

describe('the endpoint of a running operator', () => {
  test(
    `answers ${count} random requests and goes on as before, seed ${seed}`,
    async () => {
      const tally: Tally = { statuses: new Map(), problems: [] };
      for (let sent = 0; sent < count; sent += portion) {
        const reviews = fc.sample(anyReview(namespaces), { numRuns: portion, seed: seed + sent }).values();
        // Making them takes seconds, in which the operator closes connections that never presented a review.
        const dispatcher = new Agent({ connect: { ca: bundlePem, localAddress }, connections });
        const client = async (): Promise<void> => {
          for (const review of reviews) await ask(review, dispatcher, tally);
        };
        await Promise.all(Array.from({ length: connections }, client));
        await dispatcher.close();
      }
      expect(tally.problems).toEqual([]);
      const { statuses } = tally;
      expect([...statuses.keys()].toSorted((a, b) => a - b)).toEqual([200, 400, 413]);
      expect([...statuses.values()].reduce((sum, each) => sum + each, 0)).toBe(count);
      expect(statuses.get(200)).toBeGreaterThan(count / 2);
      expect(governorOf(await admit(admin, namespaces[0] ?? '', aPod()))).toBe('web');
    },
    timeoutMs,
  );

  test('gives pods nothing for which the API server would refuse them', async () => {
    const [governed = ''] = namespaces;
    const free = await aNamespace();
    const pods = fc.sample(aValidPod, { numRuns: 200, seed }).map(({ metadata, ...rest }): Pod => ({
      ...rest,
      metadata: { ...metadata, generateName: 'any-' },
    }));
    const isTaken = (namespace: string, pod: Pod): Promise<boolean> =>
      admit(admin, namespace, pod).then(
        () => true,
        (error: unknown) => {
          if (error instanceof RestError && error.status === 422) return false;
          throw error;
        },
      );
    const verdicts = await Promise.all(
      pods.map(async (pod) => ({
        pod,
        without: await isTaken(free, pod),
        with: await isTaken(governed, pod),
      })),
    );
    const changed = verdicts.filter((verdict) => verdict.without !== verdict.with);
    expect(changed).toEqual([]);
    expect(verdicts.filter((verdict) => verdict.with).length).toBeGreaterThan(100);
  });

  test('minds no client that goes away in the middle of a request', async () => {
    const { hostname: host, port } = url;
    const leave = async (announced: number): Promise<void> => {
      const socket = connect({ host, port: Number(port), ca: bundlePem });
      await once(socket, 'secureConnect');
      socket.write(`POST /mutate HTTP/1.1\r\nhost: ${host}\r\ncontent-length: ${announced}\r\n\r\n{"kind":`);
      socket.destroy();
      await once(socket, 'close');
    };
    await Promise.all(Array.from({ length: 50 }, (_, index) => leave(index * 10_000)));
    expect(governorOf(await admit(admin, namespaces[0] ?? '', aPod()))).toBe('web');
  });
});
