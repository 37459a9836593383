import { ourAnnotations, ourLabels } from '../api/keys.ts';
import type { Subject } from '../policy/owners.ts';
import type { Values } from '../policy/gift.ts';

/** How stamps are made: `sign` is keyed with a secret that the replicas share. */
export interface Stamping {
  readonly sign: (text: string) => string;
  readonly nonce: () => string;
  readonly nowMs: number;
}

// An admission passes through every webhook within the API server's own time-out of 30 s.
const validMs = 30_000;

const signedAnnotations = [ourAnnotations.policy, ourAnnotations.revision, ourAnnotations.reason];

/** The value of `spotpolicy.dev/admission`: proof, for half a minute, that this replica or its twin gave these stamps. */
export const stampOf = (subject: Subject, stamps: Values, { sign, nonce, nowMs }: Stamping): string => {
  const head = `${nonce()}.${(nowMs + validMs).toString(36)}`;
  return `${head}.${sign(signedText(head, subject, stamps))}`;
};

/**
 * Whether a pod arrives with stamps of this very admission: another webhook changed it and the API server asks again.
 * Anyone can copy annotations; nobody else can sign them for this owner and this half minute.
 */
export const isStamped = (
  subject: Subject,
  stamps: Values,
  { sign, nowMs }: Pick<Stamping, 'sign' | 'nowMs'>,
): boolean => {
  const [nonce, expiry, signature] = (stamps[ourAnnotations.admission] ?? '').split('.');
  if (!nonce || !expiry || !signature || !(Number.parseInt(expiry, 36) > nowMs)) return false;
  return sign(signedText(`${nonce}.${expiry}`, subject, stamps)) === signature;
};

const signedText = (head: string, { namespace, controller }: Subject, stamps: Values): string =>
  JSON.stringify([
    head,
    namespace,
    controller?.uid ?? '',
    stamps[ourLabels.capacity] ?? '',
    ...signedAnnotations.map((key) => stamps[key] ?? ''),
  ]);
