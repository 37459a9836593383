import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Listening, serveHttps } from '../../../operator/server/listen.ts';
import { type PeerClient, peerClient, peerRoute, type PeerSeal } from '../../../operator/server/peer.ts';
import { issueAuthority, issueServing } from '../../../operator/server/x509.ts';

const seal = (secret = 'shared', nowMs = () => Date.now()): PeerSeal => ({
  sign: (text) => createHash('sha256').update(secret).update(text).digest('base64url'),
  nowMs,
});
const name = 'webhook.example.svc';
const hour = 3_600_000;

let listening: Listening;
let bundlePem: string;
let address: string;
let answer: (question: unknown) => Promise<object | undefined>;
const clients: PeerClient[] = [];
const client = (parts = seal(), servername = name, bundle = bundlePem): PeerClient => {
  const made = peerClient(servername, () => bundle, parts);
  clients.push(made);
  return made;
};

beforeAll(async () => {
  const authority = await issueAuthority(Date.now(), hour);
  const certificate = await issueServing(authority, [name], Date.now(), hour);
  bundlePem = authority.certificatePem;
  const app = peerRoute((question) => answer(question), seal());
  listening = await serveHttps(app, { host: '127.0.0.1', port: 0, certificate }, () => {});
  address = `127.0.0.1:${listening.port}`;
});
afterAll(async () => {
  await Promise.all(clients.map((each) => each.close()));
  await listening.close(1_000);
});

describe('a question of another replica', () => {
  it('is answered', async () => {
    answer = async (question) => ({ question });
    expect(await client().ask(address, { nonce: 'a' }, 5_000)).toEqual({ question: { nonce: 'a' } });
  });

  it.each([10_000, -10_000])('is answered where the clocks of the two are %d ms apart', async (apartMs) => {
    answer = async (question) => ({ question });
    const parts = seal('shared', () => Date.now() + apartMs);
    expect(await client(parts).ask(address, { nonce: 'a' }, 5_000)).toEqual({ question: { nonce: 'a' } });
  });

  it('is refused by one that does not lead', async () => {
    answer = async () => undefined;
    await expect(client().ask(address, {}, 5_000)).rejects.toThrow(/503: this replica does not lead/);
  });

  it.each([
    ['with another secret', seal('other')],
    ['of a while ago', seal('shared', () => Date.now() - 21_000)],
  ])('is not heard when it is sealed %s', async (_, parts) => {
    let heard = false;
    answer = async () => ({ heard: (heard = true) });
    await expect(client(parts).ask(address, {}, 5_000)).rejects.toThrow(/401/);
    expect(heard).toBe(false);
  });

  it('goes to nobody who is not certified for the name, or by somebody else', async () => {
    answer = async () => ({});
    await expect(client(seal(), 'other.example.svc').ask(address, {}, 5_000)).rejects.toThrow();
    const stranger = await issueAuthority(Date.now(), hour);
    await expect(client(seal(), name, stranger.certificatePem).ask(address, {}, 5_000)).rejects.toThrow();
  });

  it('does not wait longer than it may', async () => {
    answer = () => new Promise(() => {});
    await expect(client().ask(address, {}, 50)).rejects.toThrow(/timeout/i);
  });
});
