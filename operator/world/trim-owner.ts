import { isCloneSet, scalingOf } from './clone-set.ts';
import { type ForeignTemplateKind, trimForeignTemplate } from './foreign-template.ts';
import { controllerOf, identityOf, type RawObject } from './object.ts';
import type { GroupKind, Owner } from './owner-kinds.ts';
import { isOwnedInPart } from './template.ts';

/** The world's record of an object of a kind that was met while running; `whole` where more than its metadata was read. */
export const trimOwner =
  ({ group, kind }: GroupKind, whole = false) =>
  (raw: RawObject): Owner => ({
    ...identityOf(raw),
    group,
    kind,
    controller: controllerOf(raw.metadata),
    terminating: raw.metadata?.deletionTimestamp !== undefined,
    ended: group === 'argoproj.io' && kind === 'Workflow' ? workflowEnd(raw) : undefined,
    resourceVersion: raw.metadata?.resourceVersion ?? '',
    whole,
    template: whole ? trimForeignTemplate(raw, kind as ForeignTemplateKind) : undefined,
    scaling: isCloneSet({ group, kind }) ? scalingOf(raw) : undefined,
    ours: isOwnedInPart(raw),
  });

// Argo tells in labels how a Workflow stands; of other kinds only the status tells, which is not read.
const workflowEnd = ({ metadata }: RawObject): Owner['ended'] => {
  const phase = metadata?.labels?.['workflows.argoproj.io/phase'];
  if (phase === 'Failed' || phase === 'Error') return 'Failed';
  const isCompleted = metadata?.labels?.['workflows.argoproj.io/completed'] === 'true';
  return isCompleted || phase === 'Succeeded' ? 'Succeeded' : undefined;
};
