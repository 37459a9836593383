// x509 keeps its algorithms in a container that needs this polyfill before its own import.
import 'reflect-metadata';
import { randomBytes, webcrypto } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as x509 from '@peculiar/x509';

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
const usages: webcrypto.KeyUsage[] = ['sign', 'verify'];

// A cluster lives for minutes, at most for the days that somebody leaves `make up` running.
const lifetimeMs = 365 * 24 * 3600 * 1000;
// Another machine's clock, or this one's after a correction, may be behind.
const clockSlackMs = 5 * 60 * 1000;

/** A certificate and its private key, both PEM. */
export type KeyPair = { certificatePem: string; keyPem: string };

/** What a certificate says of its holder: Kubernetes reads user and groups from the common name and the organisations. */
export type Subject = { commonName: string; organisations?: readonly string[] };

/** The authority of one cluster; every certificate in the cluster is its own. */
export type Authority = {
  readonly certificatePem: string;
  readonly keyPem: string;
  /** A certificate with which its holder identifies itself to the API server. */
  issueClient(subject: Subject): Promise<KeyPair>;
  /** A certificate for a server that answers under these DNS names and IP addresses. */
  issueServer(commonName: string, names: { dns: readonly string[]; ip: readonly string[] }): Promise<KeyPair>;
};

const pem = async (key: webcrypto.CryptoKey): Promise<string> =>
  x509.PemConverter.encode(
    await webcrypto.subtle.exportKey(key.type === 'private' ? 'pkcs8' : 'spki', key),
    key.type === 'private' ? 'PRIVATE KEY' : 'PUBLIC KEY',
  );

const newKeys = (): Promise<webcrypto.CryptoKeyPair> => webcrypto.subtle.generateKey(algorithm, true, usages);

const validity = (): { serialNumber: string; notBefore: Date; notAfter: Date } => ({
  serialNumber: randomBytes(16).toString('hex'),
  notBefore: new Date(Date.now() - clockSlackMs),
  notAfter: new Date(Date.now() + lifetimeMs),
});

const nameOf = ({ commonName, organisations = [] }: Subject): x509.JsonName => [
  ...organisations.map((organisation) => ({ O: [organisation] })),
  { CN: [commonName] },
];

const authorityOf = (
  certificate: x509.X509Certificate,
  key: webcrypto.CryptoKey,
  keyPem: string,
): Authority => {
  const issue = async (subject: Subject, extensions: x509.Extension[]): Promise<KeyPair> => {
    const keys = await newKeys();
    const issued = await x509.X509CertificateGenerator.create({
      ...validity(),
      subject: nameOf(subject),
      issuer: certificate.subject,
      publicKey: keys.publicKey,
      signingKey: key,
      signingAlgorithm: algorithm,
      extensions: [new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true), ...extensions],
    });
    return { certificatePem: issued.toString('pem'), keyPem: await pem(keys.privateKey) };
  };
  return {
    certificatePem: certificate.toString('pem'),
    keyPem,
    issueClient: (subject) =>
      issue(subject, [new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.clientAuth])]),
    issueServer: (commonName, { dns, ip }) =>
      issue({ commonName }, [
        new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
        new x509.SubjectAlternativeNameExtension([
          ...dns.map((value) => ({ type: 'dns' as const, value })),
          ...ip.map((value) => ({ type: 'ip' as const, value })),
        ]),
      ]),
  };
};

/** A new authority with a key of its own. */
export const createAuthority = async (): Promise<Authority> => {
  const keys = await newKeys();
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    ...validity(),
    name: 'CN=spotpolicy-cluster',
    keys,
    signingAlgorithm: algorithm,
    extensions: [
      new x509.BasicConstraintsExtension(true, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
    ],
  });
  return authorityOf(certificate, keys.privateKey, await pem(keys.privateKey));
};

/** Keeps an authority as `ca.crt` and `ca.key` of a directory, for `loadAuthority`. */
export const saveAuthority = async (authority: Authority, directory: string): Promise<void> => {
  await writeFile(join(directory, 'ca.crt'), authority.certificatePem);
  await writeFile(join(directory, 'ca.key'), authority.keyPem, { mode: 0o600 });
};

/** The authority kept in a cluster's directory: a test in another process issues further certificates with it. */
export const loadAuthority = async (directory: string): Promise<Authority> => {
  const keyPem = await readFile(join(directory, 'ca.key'), 'utf8');
  const der = x509.PemConverter.decodeFirst(keyPem);
  const key = await webcrypto.subtle.importKey('pkcs8', der, algorithm, true, ['sign']);
  return authorityOf(
    new x509.X509Certificate(await readFile(join(directory, 'ca.crt'), 'utf8')),
    key,
    keyPem,
  );
};

/** The key pair, PEM, with which the API server signs and checks ServiceAccount tokens. */
export const createTokenKeys = async (): Promise<{ publicPem: string; privatePem: string }> => {
  const keys = await newKeys();
  return { publicPem: await pem(keys.publicKey), privatePem: await pem(keys.privateKey) };
};
