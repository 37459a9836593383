// @peculiar/x509 throws at import unless this was imported before it.
import 'reflect-metadata';
import * as x509 from '@peculiar/x509';
import { createPrivateKey, KeyObject, randomBytes, X509Certificate } from 'node:crypto';
import { isIP, isIPv6 } from 'node:net';
import { backdateMs } from './certificates.ts';
import type { Authority, RetiredAuthority, ServingCertificate, Validity } from './certificates.ts';

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };

const newKeys = async () => {
  const keys = await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const keyPem = KeyObject.from(keys.privateKey).export({ type: 'pkcs8', format: 'pem' }).toString();
  return { keys, keyPem };
};

// X.509 counts whole seconds. Rounded up, so that no overlap counted from the issue ends early.
const toSecond = (timeMs: number): number => Math.ceil(timeMs / 1000) * 1000;

const validityFor = (nowMs: number, lifetimeMs: number): Validity => ({
  notBeforeMs: toSecond(nowMs) - backdateMs,
  notAfterMs: toSecond(nowMs + lifetimeMs),
});

const toDates = ({ notBeforeMs, notAfterMs }: Validity) => ({
  notBefore: new Date(notBeforeMs),
  notAfter: new Date(notAfterMs),
});

/** The one spelling of a DNS name or IP address that names are compared in: lower case, IPv6 shortened. */
export const canonicalName = (name: string): string =>
  isIPv6(name) ? new URL(`http://[${name}]`).hostname.slice(1, -1) : name.toLowerCase();

/** A new self-signed authority (ECDSA P-256), valid from `backdateMs` before `nowMs` to `lifetimeMs` after it. */
export const issueAuthority = async (nowMs: number, lifetimeMs: number): Promise<Authority> => {
  const { keys, keyPem } = await newKeys();
  const validity = validityFor(nowMs, lifetimeMs);
  const id = `CN=spotpolicy-ca-${randomBytes(8).toString('hex')}`;
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    ...toDates(validity),
    name: id,
    keys,
    signingAlgorithm: algorithm,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { id, certificatePem: certificate.toString('pem'), keyPem, ...validity };
};

/** A new serving certificate for `names` signed by `authority`, which it does not outlive; names come out canonical. */
export const issueServing = async (
  authority: Authority,
  names: readonly string[],
  nowMs: number,
  lifetimeMs: number,
): Promise<ServingCertificate> => {
  const { keys, keyPem } = await newKeys();
  const wanted = validityFor(nowMs, lifetimeMs);
  const validity = { ...wanted, notAfterMs: Math.min(wanted.notAfterMs, authority.notAfterMs) };
  const canonical = [...new Set(names.map(canonicalName))];
  const signingKey = createPrivateKey(authority.keyPem).toCryptoKey(algorithm, false, ['sign']);
  const certificate = await x509.X509CertificateGenerator.create({
    ...toDates(validity),
    subject: 'CN=spotpolicy admission',
    issuer: authority.id,
    publicKey: keys.publicKey,
    signingKey,
    signingAlgorithm: algorithm,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
      new x509.SubjectAlternativeNameExtension(
        canonical.map((value) => ({ type: isIP(value) === 0 ? ('dns' as const) : ('ip' as const), value })),
      ),
      await x509.AuthorityKeyIdentifierExtension.create(
        new x509.X509Certificate(authority.certificatePem).publicKey,
      ),
    ],
  });
  const certificatePem = certificate.toString('pem');
  return { certificatePem, keyPem, names: canonical, signedBy: authority.id, ...validity };
};

const readCertificate = (certificatePem: string) => {
  const certificate = new X509Certificate(certificatePem);
  const validity = {
    notBeforeMs: certificate.validFromDate.getTime(),
    notAfterMs: certificate.validToDate.getTime(),
  };
  return { certificate, validity };
};

const assertKeyFits = (certificate: X509Certificate, keyPem: string): void => {
  if (!certificate.checkPrivateKey(createPrivateKey(keyPem)))
    throw new Error('the key belongs to another certificate');
};

/** The authority in `certificatePem`; throws if it is none. */
export const readRetiredAuthority = (certificatePem: string): RetiredAuthority => {
  const { certificate, validity } = readCertificate(certificatePem);
  if (!certificate.ca) throw new Error('the certificate is no authority');
  return { id: certificate.subject, certificatePem, ...validity };
};

/** The authority in `certificatePem` with its key; throws if it is none or the key is not its own. */
export const readAuthority = (certificatePem: string, keyPem: string): Authority => {
  assertKeyFits(new X509Certificate(certificatePem), keyPem);
  return { ...readRetiredAuthority(certificatePem), keyPem };
};

/** The serving certificate in `certificatePem`; throws if the key is not its own or none of `signers` signed it. */
export const readServing = (
  certificatePem: string,
  keyPem: string,
  signers: readonly RetiredAuthority[],
): ServingCertificate => {
  const { certificate, validity } = readCertificate(certificatePem);
  assertKeyFits(certificate, keyPem);
  const signer = signers.find((each) => {
    const authority = new X509Certificate(each.certificatePem);
    return certificate.checkIssued(authority) && certificate.verify(authority.publicKey);
  });
  if (signer === undefined) throw new Error('no authority that is kept here signed it');
  const san = new x509.X509Certificate(certificatePem).getExtension(x509.SubjectAlternativeNameExtension);
  const names = (san?.names.items ?? []).map((name) => canonicalName(name.value));
  return { certificatePem, keyPem, names, signedBy: signer.id, ...validity };
};
