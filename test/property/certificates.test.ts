import { fc, test } from '@fast-check/vitest';
import { X509Certificate } from 'node:crypto';
import { describe, expect } from 'vitest';
import { ensureCertificates } from '../../operator/server/certificate-store.ts';
import type { CertificateStore } from '../../operator/server/certificate-store.ts';
import { planCertificates } from '../../operator/server/certificates.ts';
import type { Authority, CertificateState, Lifetimes } from '../../operator/server/certificates.ts';
import { aMemoryStore } from '../unit/server/memory-store.ts';

const minuteMs = 60_000;
const startMs = Date.parse('2026-03-01T12:00:00Z');
const name = 'spotpolicy-webhook.spotpolicy-system.svc';

const parsed = new Map<string, X509Certificate>();
const parse = (pem: string): X509Certificate => {
  const certificate = parsed.get(pem) ?? new X509Certificate(pem);
  parsed.set(pem, certificate);
  return certificate;
};

const isValidAt = (certificate: X509Certificate, nowMs: number): boolean =>
  certificate.validFromDate.getTime() <= nowMs && nowMs < certificate.validToDate.getTime();

/** What an API server does with the bundle of its webhook configuration, at a given time. */
const accepts = (bundlePem: string, servingPem: string, nowMs: number): boolean => {
  const serving = parse(servingPem);
  const authorities = (bundlePem.match(/-----BEGIN[^]*?END CERTIFICATE-----/g) ?? []).map(parse);
  const signed = authorities.some(
    (authority) =>
      isValidAt(authority, nowMs) && serving.checkIssued(authority) && serving.verify(authority.publicKey),
  );
  return signed && isValidAt(serving, nowMs) && serving.checkHost(name) !== undefined;
};

const lives = fc
  .record({
    authorityMinutes: fc.integer({ min: 60, max: 600 }),
    servingShare: fc.integer({ min: 1, max: 4 }),
    overlapShare: fc.integer({ min: 6, max: 20 }),
  })
  .map(({ authorityMinutes, servingShare, overlapShare }): Lifetimes => {
    const authorityMs = authorityMinutes * minuteMs;
    return {
      authorityMs,
      servingMs: Math.floor(authorityMs / servingShare),
      overlapMs: Math.floor(authorityMs / overlapShare),
    };
  });

// A replica looks when it is due, up to `late` of the tolerated lateness after it, or earlier for no reason at all.
const looks = fc.array(
  fc.record({ early: fc.boolean(), share: fc.double({ min: 0, max: 1, noNaN: true }) }),
  {
    minLength: 40,
    maxLength: 40,
  },
);

// No shrinking: forty looks with real keys take long, and the first failure tells as much.
describe('certificates over time', () => {
  test.prop([lives, looks], { numRuns: 10, endOnFailure: true })(
    'whoever holds a bundle published within the overlap accepts what any replica serves',
    async (lifetimes, habits) => {
      const { store } = aMemoryStore();
      const lateMs = Math.floor(Math.min(lifetimes.authorityMs / 40, lifetimes.servingMs / 6));
      const look = (nowMs: number) => ensureCertificates(store, lifetimes, [name], () => nowMs);
      const first = await look(startMs);
      const replicas = [first, first].map((used) => ({ used, atMs: startMs }));
      // The first replica publishes; `untilMs` is when the next bundle took a bundle's place.
      const published = [{ pem: first.bundlePem, untilMs: Infinity }];

      const check = (nowMs: number): void => {
        const sinceMs = nowMs - (lifetimes.overlapMs - lateMs);
        const held = published.filter(({ untilMs }) => untilMs > sinceMs);
        for (const { used } of replicas) {
          for (const { pem } of held) expect(accepts(pem, used.certificatePem, nowMs)).toBe(true);
        }
      };

      let lastMs = startMs;
      const next = replicas.map((replica) => replica.used.nextLookMs);
      for (const { early, share } of habits) {
        const index = (next[0] ?? 0) <= (next[1] ?? 0) ? 0 : 1;
        const replica = replicas[index];
        if (replica === undefined) return;
        const nowMs = next[index] ?? 0;
        // Just before this look, unless another replica looked at this very instant.
        check(Math.max(nowMs - 1, lastMs));
        lastMs = nowMs;
        replica.used = await look(nowMs);
        const last = published.at(-1);
        if (index === 0 && last !== undefined && last.pem !== replica.used.bundlePem) {
          last.untilMs = nowMs;
          published.push({ pem: replica.used.bundlePem, untilMs: Infinity });
        }
        check(nowMs);
        const dueMs = replica.used.nextLookMs;
        next[index] = Math.floor(early ? nowMs + 1 + share * (dueMs - nowMs - 1) : dueMs + share * lateMs);
      }
    },
    30_000,
  );

  test.prop([fc.scheduler(), fc.constantFrom('empty', 'expired', 'damaged')], {
    numRuns: 15,
    timeout: 30_000,
  })('replicas that race end with one and the same state', async (scheduler, before) => {
    const lifetimes = { authorityMs: 600 * minuteMs, servingMs: 60 * minuteMs, overlapMs: 10 * minuteMs };
    const memory = aMemoryStore(before === 'damaged' ? { 'ca.crt': 'rubbish' } : undefined);
    if (before === 'expired') await ensureCertificates(memory.store, lifetimes, [name], () => startMs);
    const nowMs = startMs + 601 * minuteMs;
    const slowly: CertificateStore = {
      read: scheduler.scheduleFunction(memory.store.read),
      create: scheduler.scheduleFunction(memory.store.create),
      replace: scheduler.scheduleFunction(memory.store.replace),
    };
    const racing = [1, 2, 3].map(() => ensureCertificates(slowly, lifetimes, [name], () => nowMs));
    const ended = await scheduler.waitFor(Promise.all(racing));
    expect(new Set(ended.map((used) => used.bundlePem + used.certificatePem + used.keyPem)).size).toBe(1);
    expect(memory.data()?.['tls.crt']).toBe(ended[0]?.certificatePem);
  });
});

describe('a plan', () => {
  const someTime = fc.integer({ min: -2_000, max: 2_000 }).map((minutes) => startMs + minutes * minuteMs);
  const validity = fc
    .tuple(someTime, fc.integer({ min: 6, max: 2_000 }))
    .map(([notBeforeMs, minutes]) => ({ notBeforeMs, notAfterMs: notBeforeMs + minutes * minuteMs }));
  const anAuthority = (id: string): fc.Arbitrary<Authority> =>
    validity.map((span) => ({ id, certificatePem: id, keyPem: id, ...span }));
  const states = fc.record(
    {
      authority: anAuthority('authority'),
      sealKey: fc.constant('k'),
      next: anAuthority('next'),
      previous: anAuthority('previous'),
      serving: fc
        .record({
          names: fc.constantFrom([name], []),
          signedBy: fc.constantFrom('authority', 'previous', 'next'),
        })
        .chain((facts) =>
          validity.map((span) => ({ certificatePem: 'serving', keyPem: 'serving', ...facts, ...span })),
        ),
    },
    { requiredKeys: ['authority'] },
  );

  const issue = (nowMs: number, lifetimeMs: number) => ({
    notBeforeMs: nowMs - 5 * minuteMs,
    notAfterMs: nowMs + lifetimeMs,
  });

  const step = (
    state: CertificateState,
    kind: string,
    nowMs: number,
    lifetimes: Lifetimes,
  ): CertificateState => {
    const { authority, next, previous: _, ...rest } = state;
    const fresh = {
      id: `fresh ${kind}`,
      certificatePem: 'fresh',
      keyPem: 'fresh',
      ...issue(nowMs, lifetimes.authorityMs),
    };
    if (kind === 'issueSealKey') return { ...state, sealKey: 'new' };
    if (kind === 'startAfresh') return { authority: fresh };
    if (kind === 'issueNext') return { ...state, next: fresh };
    if (kind === 'promoteNext' && next !== undefined)
      return { ...rest, authority: next, previous: authority };
    if (kind === 'dropPrevious') return { ...rest, authority, ...(next && { next }) };
    const span = issue(nowMs, lifetimes.servingMs);
    const notAfterMs = Math.min(span.notAfterMs, authority.notAfterMs);
    const facts = { certificatePem: 'new', keyPem: 'new', names: [name], signedBy: authority.id };
    return { ...state, serving: { ...facts, ...span, notAfterMs } };
  };

  test.prop([states, someTime, lives])(
    'comes to rest within six steps, and its next look lies ahead',
    (found, nowMs, lifetimes) => {
      let state: CertificateState = found;
      let plan = planCertificates(state, nowMs, lifetimes, [name]);
      for (let steps = 0; plan.kind !== 'keep'; steps += 1) {
        expect(steps).toBeLessThan(6);
        state = step(state, plan.kind, nowMs, lifetimes);
        plan = planCertificates(state, nowMs, lifetimes, [name]);
      }
      expect(plan.nextLookMs).toBeGreaterThan(nowMs);
      expect(state.authority.notAfterMs).toBeGreaterThan(nowMs);
      expect(state.serving?.signedBy).toBe(state.authority.id);
    },
    30_000,
  );
});
