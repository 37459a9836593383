import { X509Certificate } from 'node:crypto';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { createAuthority, loadAuthority, saveAuthority } from '../../../hack/cluster/certificates.ts';

test('a client certificate carries user and groups where Kubernetes looks for them', async () => {
  const authority = await createAuthority();
  const { certificatePem } = await authority.issueClient({
    commonName: 'jane',
    organisations: ['staff', 'night shift'],
  });
  const certificate = new X509Certificate(certificatePem);
  expect(certificate.subject.split('\n').toSorted()).toEqual(['CN=jane', 'O=night shift', 'O=staff']);
  expect(certificate.verify(new X509Certificate(authority.certificatePem).publicKey)).toBe(true);
});

test('a serving certificate answers for its names and addresses, and not for others', async () => {
  const authority = await createAuthority();
  const issued = await authority.issueServer('api', { dns: ['localhost'], ip: ['127.0.0.1'] });
  const certificate = new X509Certificate(issued.certificatePem);
  expect(certificate.checkHost('localhost')).toBe('localhost');
  expect(certificate.checkIP('127.0.0.1')).toBe('127.0.0.1');
  expect(certificate.checkIP('127.0.0.2')).toBeUndefined();
});

test('an authority that was kept goes on issuing, and only its owner can read its key', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'authority-'));
  onTestFinished(() => rm(directory, { recursive: true }));
  const authority = await createAuthority();
  await saveAuthority(authority, directory);
  const later = await loadAuthority(directory);
  const { certificatePem } = await later.issueClient({ commonName: 'jane' });
  const publicKey = new X509Certificate(authority.certificatePem).publicKey;
  expect(new X509Certificate(certificatePem).verify(publicKey)).toBe(true);
  expect((await stat(join(directory, 'ca.key'))).mode & 0o777).toBe(0o600);
});
