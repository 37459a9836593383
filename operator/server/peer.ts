import { timingSafeEqual } from 'node:crypto';
import { Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { Agent, request } from 'undici';

/** How replicas know each other: `sign` is keyed with a secret that they share. */
export interface PeerSeal {
  readonly sign: (text: string) => string;
  readonly nowMs: () => number;
}

const path = '/share';
const header = 'x-spotpolicy-seal';
// Longer than any question waits for its answer; each replica's clock may be 5 s off, in either direction.
const validMs = 20_000;
const bodyLimitBytes = 16 * 1024;

// Everything else that is signed with the same secret is JSON, so nothing signed for one use passes for the other.
const sealOf = (body: string, expiry: string, { sign }: PeerSeal): string =>
  `${expiry}.${sign(`question of a replica.${expiry}.${body}`)}`;

const isSealed = (seal: string, body: string, parts: PeerSeal): boolean => {
  const [expiry = ''] = seal.split('.');
  if (!(Number.parseInt(expiry, 36) > parts.nowMs())) return false;
  const [given, expected] = [Buffer.from(seal), Buffer.from(sealOf(body, expiry, parts))];
  return given.length === expected.length && timingSafeEqual(given, expected);
};

/**
 * Where the other replica asks: `POST /share` with a question that only a holder of the shared secret can have sealed. 401
 * for any other, 503 where `answer` gives nothing because this replica is not the one to ask.
 */
export const peerRoute = (answer: (question: unknown) => Promise<object | undefined>, seal: PeerSeal): Hono =>
  new Hono().post(path, bodyLimit({ maxSize: bodyLimitBytes }), async (context) => {
    const body = await context.req.text();
    if (!isSealed(context.req.header(header) ?? '', body, seal)) {
      return context.text('the question is not sealed with the secret of this installation', 401);
    }
    const answered = await answer(JSON.parse(body));
    return answered ? context.json(answered) : context.text('this replica does not lead', 503);
  });

/** How the other replica is asked. */
export interface PeerClient {
  /** The answer from `address`, as host and port. Rejects where none comes within `withinMs`. */
  ask(address: string, question: object, withinMs: number): Promise<unknown>;
  close(): Promise<void>;
}

/** Asks replicas that serve `servername` under the certificates that `bundlePem` gives at the time. */
export const peerClient = (servername: string, bundlePem: () => string, seal: PeerSeal): PeerClient => {
  let current: { readonly ca: string; readonly agent: Agent } | undefined;
  const agentFor = (ca: string): Agent => {
    if (current?.ca === ca) return current.agent;
    void current?.agent.close();
    current = { ca, agent: new Agent({ connections: 16, connect: { ca, servername } }) };
    return current.agent;
  };
  return {
    ask: async (address, question, withinMs) => {
      const body = JSON.stringify(question);
      const expiry = (seal.nowMs() + validMs).toString(36);
      const answer = await request(`https://${address}${path}`, {
        method: 'POST',
        dispatcher: agentFor(bundlePem()),
        headers: { 'content-type': 'application/json', [header]: sealOf(body, expiry, seal) },
        body,
        signal: AbortSignal.timeout(withinMs),
      });
      const text = await answer.body.text();
      if (answer.statusCode !== 200) throw new Error(`${address} answered ${answer.statusCode}: ${text}`);
      return JSON.parse(text) as unknown;
    },
    close: async () => {
      await current?.agent.destroy();
    },
  };
};
