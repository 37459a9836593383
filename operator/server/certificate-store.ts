import { randomBytes } from 'node:crypto';
import { readState, toData } from './certificate-data.ts';
import type { CertificateData } from './certificate-data.ts';
import { bundlePem, planCertificates } from './certificates.ts';
import type { CertificateState, Lifetimes, Plan } from './certificates.ts';
import { canonicalName, issueAuthority, issueServing } from './x509.ts';

/** The one Secret behind the certificates; writes answer `conflict` where another writer was faster. */
export interface CertificateStore {
  read(): Promise<{ resourceVersion: string; data: CertificateData } | undefined>;
  create(data: CertificateData): Promise<'written' | 'conflict'>;
  replace(resourceVersion: string, data: CertificateData): Promise<'written' | 'conflict'>;
}

/** What to serve with, what clients are to trust, when to look again, whether it was written, and what was found or done, for the log. */
export interface Certificates {
  certificatePem: string;
  keyPem: string;
  /** The replicas sign with it among themselves. */
  sealKey: string;
  bundlePem: string;
  notAfterMs: number;
  nextLookMs: number;
  written: boolean;
  notes: readonly string[];
}

// Each lost race means that another replica got on, so this many in a row do not happen to a working store.
const attempts = 10;
// planCertificates needs at most six steps; one more would mean that what was issued does not satisfy it.
const steps = 7;

/**
 * The certificates to use from now on, issued or renewed in the Secret where due; several replicas end with the same.
 * The caller publishes the bundle at once, and looks again at `nextLookMs` or when the Secret changes.
 * Throws what the store throws, and an Error when the Secret kept changing.
 */
export const ensureCertificates = async (
  store: CertificateStore,
  lifetimes: Lifetimes,
  names: readonly string[],
  nowMs: () => number,
): Promise<Certificates> => {
  const wanted = names.map(canonicalName);
  for (let attempt = 0; attempt < attempts; attempt += 1) {
    const stored = await store.read();
    const { state: found, problems } = readState(stored?.data ?? {});
    const { state, nextLookMs, reasons } = await advance(found, nowMs(), lifetimes, wanted);
    const { serving, sealKey } = state;
    if (serving === undefined || sealKey === undefined)
      throw new Error('planning certificates ended without a serving certificate or a key for seals');
    const inUse = {
      certificatePem: serving.certificatePem,
      keyPem: serving.keyPem,
      sealKey,
      bundlePem: bundlePem(state),
      notAfterMs: serving.notAfterMs,
      nextLookMs,
    };
    const notes = [...problems, ...reasons];
    if (state === found && problems.length === 0) return { ...inUse, written: false, notes };
    const data = toData(state);
    const outcome = stored ? await store.replace(stored.resourceVersion, data) : await store.create(data);
    if (outcome === 'written') return { ...inUse, written: true, notes };
  }
  throw new Error(
    `writing the certificates: the Secret changed under each of ${attempts} attempts; look for who else writes it`,
  );
};

const advance = async (
  found: CertificateState | undefined,
  nowMs: number,
  lifetimes: Lifetimes,
  names: readonly string[],
): Promise<{ state: CertificateState; nextLookMs: number; reasons: string[] }> => {
  const reasons: string[] = [];
  let state = found;
  for (let step = 0; step < steps; step += 1) {
    const plan = planCertificates(state, nowMs, lifetimes, names);
    if (plan.kind === 'keep') {
      if (state === undefined) break;
      return { state, nextLookMs: plan.nextLookMs, reasons };
    }
    reasons.push(plan.reason);
    state = await carryOut(state, plan, nowMs, lifetimes, names);
  }
  throw new Error(
    `issuing certificates for ${names.join(', ')}: ${steps} steps were not enough: ${reasons.join('; ')}`,
  );
};

const carryOut = async (
  state: CertificateState | undefined,
  plan: Exclude<Plan, { kind: 'keep' }>,
  nowMs: number,
  lifetimes: Lifetimes,
  names: readonly string[],
): Promise<CertificateState> => {
  if (state === undefined) return { authority: await issueAuthority(nowMs, lifetimes.authorityMs) };
  const { authority, next, previous, ...rest } = state;
  switch (plan.kind) {
    case 'startAfresh':
      return {
        authority: await issueAuthority(nowMs, lifetimes.authorityMs),
        ...(state.sealKey && { sealKey: state.sealKey }),
      };
    case 'issueSealKey':
      return { ...state, sealKey: randomBytes(32).toString('base64url') };
    case 'issueNext':
      return { ...state, next: await issueAuthority(nowMs, lifetimes.authorityMs) };
    case 'promoteNext':
      return next === undefined ? state : { ...rest, authority: next, previous: authority };
    case 'issueServing':
      return {
        ...state,
        serving: await issueServing(authority, [...names, ...plan.also], nowMs, lifetimes.servingMs),
      };
    case 'dropPrevious':
      return { ...rest, authority, ...(next && { next }) };
  }
};
