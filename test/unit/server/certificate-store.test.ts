import { X509Certificate } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { ensureCertificates } from '../../../operator/server/certificate-store.ts';
import type { Certificates } from '../../../operator/server/certificate-store.ts';
import { canonicalName } from '../../../operator/server/x509.ts';
import { aMemoryStore } from './memory-store.ts';

const hourMs = 3_600_000;
const lifetimes = { authorityMs: 300 * hourMs, servingMs: 30 * hourMs, overlapMs: hourMs };
const names = ['spotpolicy-webhook.spotpolicy-system.svc'];
const startMs = Date.parse('2026-03-01T12:00:00Z');

const ensure = (memory: ReturnType<typeof aMemoryStore>, hours = 0, wanted = names): Promise<Certificates> =>
  ensureCertificates(memory.store, lifetimes, wanted, () => startMs + hours * hourMs);

const asUsed = ({ notes: _, written: __, ...used }: Certificates) => used;

describe('ensuring certificates', () => {
  test('issues an authority and a serving certificate into an empty cluster, and says so', async () => {
    const memory = aMemoryStore();
    const { certificatePem, bundlePem, notAfterMs, nextLookMs, notes } = await ensure(memory);
    const serving = new X509Certificate(certificatePem);
    expect(serving.verify(new X509Certificate(bundlePem).publicKey)).toBe(true);
    expect(serving.checkHost(names[0] ?? '')).toBe(names[0]);
    expect(serving.publicKey.asymmetricKeyDetails).toEqual({ namedCurve: 'prime256v1' });
    expect(notAfterMs).toBe(startMs + 30 * hourMs);
    expect(nextLookMs).toBe(startMs + 20 * hourMs);
    expect(notes).toEqual([
      'there is no authority',
      'there is no key for seals',
      'there is no serving certificate',
    ]);
  });

  test('is valid on an API server whose clock is four minutes behind', async () => {
    const { certificatePem, bundlePem } = await ensure(aMemoryStore());
    for (const pem of [certificatePem, bundlePem]) {
      expect(new X509Certificate(pem).validFromDate.getTime()).toBeLessThan(startMs - 4 * 60_000);
    }
  });

  test('writes nothing and says nothing when nothing is due', async () => {
    const memory = aMemoryStore();
    const first = await ensure(memory);
    const second = await ensure(memory, 1);
    expect(memory.writes()).toBe(1);
    expect(second).toEqual({ ...first, written: false, notes: [] });
  });

  test('keeps the key for seals whatever is renewed beside it', async () => {
    const memory = aMemoryStore();
    const { sealKey, keyPem } = await ensure(memory);
    expect(sealKey).toMatch(/^[\w-]{43}$/);
    expect(keyPem).not.toContain(sealKey);
    for (const hours of [20, 201, 300, 2_000]) expect((await ensure(memory, hours)).sealKey).toBe(sealKey);
    expect((await ensure(aMemoryStore())).sealKey).not.toBe(sealKey);
  });

  test('replaces the serving certificate for a new name, by the same authority', async () => {
    const memory = aMemoryStore();
    const first = await ensure(memory);
    const second = await ensure(memory, 1, [...names, '127.0.0.1', '0:0:0:0:0:0:0:1', 'Outside.Example']);
    const serving = new X509Certificate(second.certificatePem);
    expect(second.bundlePem).toBe(first.bundlePem);
    expect(serving.checkIP('::1')).toBeDefined();
    expect(serving.checkIP('127.0.0.1')).toBeDefined();
    expect(serving.checkHost('outside.example')).toBeDefined();
    await ensure(memory, 1, ['::1', 'outside.example']);
    expect(memory.writes()).toBe(2);
  });

  test('is good for the names of installations that share the Secret, each of which writes it once', async () => {
    const memory = aMemoryStore();
    const sharing = ['a', 'b', 'c'].map((namespace) => [`webhook.${namespace}.svc`]);
    for (let round = 0; round < 5; round += 1) {
      for (const wanted of sharing) await ensure(memory, 0, wanted);
    }
    expect(memory.writes()).toBe(3);
    const { certificatePem } = await ensure(memory, 0, sharing[0]);
    const serving = new X509Certificate(certificatePem);
    for (const [name = ''] of sharing) expect(serving.checkHost(name)).toBe(name);
    // A name that nobody wants any more goes with the next renewal.
    for (const wanted of sharing.slice(0, 2)) await ensure(memory, 21, wanted);
    expect(memory.writes()).toBe(5);
    const renewed = new X509Certificate((await ensure(memory, 21, sharing[0])).certificatePem);
    expect(sharing.map(([name = '']) => renewed.checkHost(name) === name)).toEqual([true, true, false]);
  });

  test('is good for eight names of others at most', async () => {
    const memory = aMemoryStore();
    for (let count = 0; count < 12; count += 1) await ensure(memory, 0, [`webhook.ns-${count}.svc`]);
    const { certificatePem } = await ensure(memory, 0, ['webhook.ns-11.svc']);
    expect(new X509Certificate(certificatePem).subjectAltName?.split(', ')).toHaveLength(9);
  });

  test('rotates the authority: trusted first, signing after the overlap, the old one trusted to its end', async () => {
    const memory = aMemoryStore();
    const look = async (hours: number) => {
      const { certificatePem, bundlePem } = await ensure(memory, hours);
      const trusted = bundlePem.match(/-----BEGIN[^]*?END CERTIFICATE-----/g) ?? [];
      return {
        issuer: new X509Certificate(certificatePem).issuer,
        trusted: trusted.map((pem) => new X509Certificate(pem).subject),
      };
    };
    const [only] = (await look(0)).trusted;
    const announced = await look(200);
    expect(announced).toEqual({ issuer: only, trusted: [only, expect.any(String)] });
    const next = announced.trusted[1];
    expect((await look(200.9)).issuer).toBe(only);
    expect(await look(201)).toEqual({ issuer: next, trusted: [next, only] });
    expect((await look(299.9)).trusted).toEqual([next, only]);
    expect((await look(300)).trusted).toEqual([next]);
  });

  test.each([
    ['an unreadable authority', { 'ca.crt': 'rubbish' }, 'ca.crt and ca.key cannot be used'],
    ['a missing key', { 'ca.key': '' }, 'ca.crt and ca.key cannot be used'],
    [
      'an unreadable serving certificate',
      { 'tls.crt': '-----BEGIN CERTIFICATE-----\nAA==' },
      'tls.crt and tls.key',
    ],
    [
      'an unreadable next authority',
      { 'next-ca.crt': 'x', 'next-ca.key': 'y' },
      'next-ca.crt and next-ca.key',
    ],
    ['an unreadable previous authority', { 'previous-ca.crt': 'x' }, 'previous-ca.crt cannot be used'],
    ['a key for seals that is too short', { 'seal.key': 'c2hvcnQ' }, 'seal.key cannot be used'],
  ])('recovers from %s and says so once, without repeating a key', async (_, damage, note) => {
    const memory = aMemoryStore();
    await ensure(memory);
    const damaged = aMemoryStore({ ...memory.data(), ...damage });
    const repaired = await ensure(damaged, 1);
    expect(repaired.notes[0]).toContain(note);
    expect(repaired.notes.join()).not.toContain('PRIVATE KEY');
    const [authority] = repaired.bundlePem.match(/-----BEGIN[^]*?END CERTIFICATE-----/) ?? [];
    expect(
      new X509Certificate(repaired.certificatePem).verify(new X509Certificate(authority ?? '').publicKey),
    ).toBe(true);
    expect(asUsed(await ensure(damaged, 1))).toEqual(asUsed(repaired));
    expect((await ensure(damaged, 1)).notes).toEqual([]);
  });

  test("takes no serving certificate that somebody else's authority signed", async () => {
    const [ours, theirs] = [aMemoryStore(), aMemoryStore()];
    await ensure(ours);
    await ensure(theirs);
    const mixed = aMemoryStore({
      ...ours.data(),
      'tls.crt': theirs.data()?.['tls.crt'] ?? '',
      'tls.key': theirs.data()?.['tls.key'] ?? '',
    });
    const { notes } = await ensure(mixed);
    expect(notes[0]).toContain('no authority that is kept here signed it');
  });

  test('gives up with a reason when the Secret changes under every attempt', async () => {
    const { store } = aMemoryStore();
    const contested = { ...store, create: () => Promise.resolve('conflict' as const) };
    await expect(ensureCertificates(contested, lifetimes, names, () => startMs)).rejects.toThrow(
      'the Secret changed under each of 10 attempts',
    );
  });

  test('passes on what the store throws', async () => {
    const broken = { ...aMemoryStore().store, read: () => Promise.reject(new Error('forbidden')) };
    await expect(ensureCertificates(broken, lifetimes, names, () => startMs)).rejects.toThrow('forbidden');
  });
});

describe('the spelling of names', () => {
  test.each([
    ['2001:0DB8::0001', '2001:db8::1'],
    ['::1', '::1'],
    ['10.0.0.1', '10.0.0.1'],
    ['Web.Example', 'web.example'],
  ])('brings %s to %s', (name, canonical) => {
    expect(canonicalName(name)).toBe(canonical);
  });
});
