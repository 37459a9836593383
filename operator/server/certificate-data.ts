import type { CertificateState } from './certificates.ts';
import { readAuthority, readRetiredAuthority, readServing } from './x509.ts';

/** The Secret's `data`, decoded: PEM by key. */
export type CertificateData = Readonly<Record<string, string>>;

/** What `readState` made of a Secret: no state without a readable authority, one problem for each unreadable part. */
export interface ReadState {
  state: CertificateState | undefined;
  problems: readonly string[];
}

/** The state in a Secret's data; a part that is missing, damaged or does not fit the others is left out and named. */
export const readState = (data: CertificateData): ReadState => {
  const problems: string[] = [];
  // Messages of the parsers say what is wrong with a key and never repeat any of it.
  const part = <T>(read: (...pem: string[]) => T, ...keys: string[]): T | undefined => {
    const pem = keys.map((key) => data[key] ?? '');
    if (pem.every((each) => each === '')) return undefined;
    try {
      return read(...pem);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      problems.push(`${keys.join(' and ')} cannot be used and will be replaced: ${reason}`);
      return undefined;
    }
  };

  const authority = part(readAuthority, 'ca.crt', 'ca.key');
  if (authority === undefined) return { state: undefined, problems };
  const next = part(readAuthority, 'next-ca.crt', 'next-ca.key');
  const previous = part(readRetiredAuthority, 'previous-ca.crt');
  const signers = [authority, previous].filter((each) => each !== undefined);
  const serving = part((certificate, key) => readServing(certificate, key, signers), 'tls.crt', 'tls.key');
  const sealKey = part(readSealKey, 'seal.key');
  return {
    state: {
      authority,
      ...(sealKey && { sealKey }),
      ...(next && { next }),
      ...(previous && { previous }),
      ...(serving && { serving }),
    },
    problems,
  };
};

const readSealKey = (text = ''): string => {
  if (!/^[\w-]{43}$/.test(text)) throw new Error('it is not 32 bytes in base64url');
  return text;
};

/** The Secret's data that `readState` reads as `state`. */
export const toData = ({
  authority,
  sealKey,
  next,
  previous,
  serving,
}: CertificateState): CertificateData => ({
  'ca.crt': authority.certificatePem,
  'ca.key': authority.keyPem,
  ...(sealKey && { 'seal.key': sealKey }),
  ...(next && { 'next-ca.crt': next.certificatePem, 'next-ca.key': next.keyPem }),
  ...(previous && { 'previous-ca.crt': previous.certificatePem }),
  ...(serving && { 'tls.crt': serving.certificatePem, 'tls.key': serving.keyPem }),
});
