import { describe, expect, test } from 'vitest';
import { backdateMs, bundlePem, planCertificates } from '../../../operator/server/certificates.ts';
import type {
  Authority,
  CertificateState,
  ServingCertificate,
} from '../../../operator/server/certificates.ts';

const hourMs = 3_600_000;
const lifetimes = { authorityMs: 300 * hourMs, servingMs: 30 * hourMs, overlapMs: hourMs };
const names = ['spotpolicy-webhook.spotpolicy-system.svc'];

const anAuthority = (id: string, issuedMs: number): Authority => ({
  id,
  certificatePem: `${id}\n`,
  keyPem: `key of ${id}`,
  notBeforeMs: issuedMs - backdateMs,
  notAfterMs: issuedMs + lifetimes.authorityMs,
});

const aServing = (
  signedBy: string,
  issuedMs: number,
  more: Partial<ServingCertificate> = {},
): ServingCertificate => ({
  certificatePem: 'serving',
  keyPem: 'key of serving',
  names,
  signedBy,
  notBeforeMs: issuedMs - backdateMs,
  notAfterMs: issuedMs + lifetimes.servingMs,
  ...more,
});

const aState = (more: Partial<CertificateState> = {}): CertificateState => ({
  authority: anAuthority('first', 0),
  sealKey: 'k'.repeat(43),
  serving: aServing('first', 0),
  ...more,
});

const plan = (state: CertificateState | undefined, hours: number) =>
  planCertificates(state, hours * hourMs, lifetimes, names);

describe('planning certificates', () => {
  test('starts afresh where there is nothing', () => {
    expect(plan(undefined, 0).kind).toBe('startAfresh');
  });

  test('issues a key for seals where there is none, as in a Secret of an older version', () => {
    const { sealKey: _, ...older } = aState();
    expect(plan(older, 1).kind).toBe('issueSealKey');
  });

  test('keeps what is young and looks again after two thirds of the shortest life', () => {
    expect(plan(aState(), 1)).toEqual({ kind: 'keep', nextLookMs: 20 * hourMs });
  });

  test('renews the serving certificate after two thirds of its life and not before', () => {
    expect(plan(aState(), 19.99).kind).toBe('keep');
    expect(plan(aState(), 20).kind).toBe('issueServing');
  });

  test('renews the serving certificate when it lacks a name', () => {
    const state = aState({ serving: aServing('first', 0, { names: ['elsewhere.svc'] }) });
    expect(plan(state, 1)).toMatchObject({
      kind: 'issueServing',
      reason: expect.stringContaining(names[0] ?? ''),
    });
  });

  test('keeps a serving certificate that has more names than wanted', () => {
    const state = aState({ serving: aServing('first', 0, { names: ['127.0.0.1', ...names] }) });
    expect(plan(state, 1).kind).toBe('keep');
  });

  test('does not renew a serving certificate that already lasts as long as its authority', () => {
    const last = aServing('first', 290, { notBeforeMs: 0, notAfterMs: lifetimes.authorityMs });
    const state = aState({ serving: last, next: anAuthority('second', 299.5 * hourMs) });
    expect(plan(state, 299.9)).toEqual({ kind: 'keep', nextLookMs: lifetimes.authorityMs });
  });

  test('issues the next authority after two thirds of the life of the first', () => {
    const state = aState({ serving: aServing('first', 199 * hourMs) });
    expect(plan(state, 199.99).kind).toBe('keep');
    expect(plan(state, 200).kind).toBe('issueNext');
  });

  test('lets the next authority sign only after the overlap', () => {
    const state = aState({
      serving: aServing('first', 199 * hourMs),
      next: anAuthority('second', 200 * hourMs),
    });
    expect(plan(state, 200.99)).toEqual({ kind: 'keep', nextLookMs: 201 * hourMs });
    expect(plan(state, 201).kind).toBe('promoteNext');
  });

  test('promotes the next authority within the overlap when the first has expired meanwhile', () => {
    const state = aState({ next: anAuthority('second', 299.5 * hourMs) });
    expect(plan(state, 300)).toEqual({ kind: 'promoteNext', reason: 'the authority has expired' });
  });

  test('starts afresh when everything has expired', () => {
    expect(plan(aState(), 301).kind).toBe('startAfresh');
  });

  test('has the new authority sign a serving certificate at once after its promotion', () => {
    const state = aState({
      authority: anAuthority('second', 200 * hourMs),
      previous: anAuthority('first', 0),
    });
    expect(plan(state, 201).kind).toBe('issueServing');
  });

  test('drops the previous authority when it has expired and not before', () => {
    const state = aState({
      authority: anAuthority('second', 200 * hourMs),
      previous: anAuthority('first', 0),
      serving: aServing('second', 299 * hourMs),
    });
    expect(plan(state, 299.9)).toEqual({ kind: 'keep', nextLookMs: 300 * hourMs });
    expect(plan(state, 300).kind).toBe('dropPrevious');
  });

  test('bundles whom clients have to trust: the authority, the next and the previous', () => {
    const state = aState({ next: anAuthority('second', 0), previous: anAuthority('zeroth', 0) });
    expect(bundlePem(state)).toBe('first\nsecond\nzeroth\n');
    expect(bundlePem(aState())).toBe('first\n');
  });
});
