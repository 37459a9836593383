import { z } from 'zod';

/** Bounds of the lists and texts in a status; whoever writes more is refused by the API server. */
export const statusBounds = {
  conditions: 16,
  workloads: 20,
  interruptions: 20,
  namespaces: 20,
  dryRunSources: 20,
  dryRunSamples: 5,
  dryRunTemplates: 3,
  messageLength: 1024,
} as const;

/** The largest count that a field of a status holds. */
export const maximumInt32 = 2 ** 31 - 1;

/** A count of what is there now. */
export const gauge = (meaning: string) => z.int().min(0).max(maximumInt32).default(0).describe(meaning);

/** The name, kind, UID or API group of an object: these stay within 253 characters everywhere in Kubernetes. */
export const name = (meaning: string) => z.string().max(253).describe(meaning);
