import { isOlder } from '../world/object.ts';
import type { Webhook } from '../world/objects.ts';
import type { Coverage } from './webhook.ts';

/** What this leader did to the webhook configuration last. */
export interface WebhookMemory {
  /** The coverage that was written, as text; undefined before the first write and after a change of the endpoint. */
  readonly coverage: string | undefined;
  /** The version that the write gave; undefined where the configuration was removed. */
  readonly resourceVersion: string | undefined;
  /** The version that the removal took away. */
  readonly removed: string | undefined;
}

/** What to do about the configuration now. */
export type WebhookStep =
  | { readonly kind: 'Rest' }
  | { readonly kind: 'Wait'; readonly untilMs: number }
  | { readonly kind: 'Write' | 'Remove'; readonly about: WebhookAbout };

/** What a write answers to. */
export interface WebhookAbout {
  readonly coverage: Coverage;
  readonly present: Webhook | undefined;
  /** The policies want what was written last, so another writer has changed it. */
  readonly repairs: boolean;
}

/**
 * One look at the configuration that is there. A repair waits until `repairAtMs`; a change of the policies or of the endpoint
 * never waits, since no other writer causes it.
 */
export const stepWebhook = (
  memory: WebhookMemory,
  coverage: Coverage,
  present: Webhook | undefined,
  { nowMs, repairAtMs }: { readonly nowMs: number; readonly repairAtMs: number },
): WebhookStep => {
  const isEmpty = coverage.ignore.length + coverage.fail.length === 0;
  if (isEmpty && !present) return { kind: 'Rest' };
  const repairs = memory.coverage === JSON.stringify(coverage);
  if (repairs && isKnown(memory, present)) return { kind: 'Rest' };
  if (repairs && nowMs < repairAtMs) return { kind: 'Wait', untilMs: repairAtMs };
  return { kind: isEmpty ? 'Remove' : 'Write', about: { coverage, present, repairs } };
};

// The watch may tell of an older version after the answer to our write.
const isKnown = ({ resourceVersion, removed }: WebhookMemory, present: Webhook | undefined): boolean => {
  const version = present?.resourceVersion;
  if (version === resourceVersion || (version !== undefined && version === removed)) return true;
  return isOlder(version, resourceVersion);
};

/** What is remembered after a write that gave this version, or after a removal, which gives none. */
export const afterWrite = (
  { coverage, present }: WebhookAbout,
  resourceVersion: string | undefined,
): WebhookMemory => ({
  coverage: JSON.stringify(coverage),
  resourceVersion,
  removed: resourceVersion === undefined ? present?.resourceVersion : undefined,
});

/** Whether a write undid what another writer had done. A patch that changes nothing gets the version that is there. */
export const undoesRival = (
  { present, repairs }: WebhookAbout,
  resourceVersion: string | undefined,
): boolean => repairs && resourceVersion !== present?.resourceVersion;

/** The field manager of the latest writer that is not `own`; undefined where none left a trace. */
export const rivalOf = (present: Webhook | undefined, own: string): string | undefined =>
  present?.writers.find((writer) => writer !== own);
