import { Document, visit } from 'yaml';
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

const lineWidth = 150;

/** A status as YAML in which what fits is on one line; without UIDs, API groups and transition times. */
export const readableStatus = (status: SpotPolicyStatus): string => {
  const document = new Document(
    JSON.parse(JSON.stringify(status, (key, value: unknown) => (leftOut.has(key) ? undefined : value))),
  );
  visit(document, {
    Map: (_key, node) => {
      if (JSON.stringify(node).length < lineWidth) node.flow = true;
    },
  });
  return document.toString({ lineWidth: 0 });
};
