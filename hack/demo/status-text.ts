import { Document, isCollection, visit } from 'yaml';
import type { SpotPolicyStatus } from '../../operator/api/index.ts';

// What a person need not read: identities, and bookkeeping of conditions.
const leftOut = new Set([
  'uid',
  'lastTransitionTime',
  'observedGeneration',
  'revision',
  'group',
  'namespace',
]);

/** A status as YAML in which what belongs together is on one line; without UIDs, API groups and transition times. */
export const readableStatus = (status: SpotPolicyStatus): string => {
  const document = new Document(
    JSON.parse(JSON.stringify(status, (key, value: unknown) => (leftOut.has(key) ? undefined : value))),
  );
  visit(document, {
    Collection: (_key, node) => {
      const leaf = node.items.every(
        (item) => !isCollection(item) && !isCollection((item as { value?: unknown }).value),
      );
      if (leaf) node.flow = true;
    },
  });
  return document.toString({ lineWidth: 110, flowCollectionPadding: true });
};
