import { foreignTemplateKinds } from '../world/foreign-template.ts';
import type { TemplateTrouble } from '../world/template.ts';
import type { View } from '../world/view.ts';
import type { Governed } from './governed.ts';

/** How many workloads a message names: the rest would say the same of others. */
export const mostNamed = 3;

/** Reasons of the condition Programmed for pod templates that were not written. */
export type TemplateReason = Exclude<(typeof byWeight)[number], 'Waiting'> | 'Pending';

// The gravest first; what passes by itself comes last.
const byWeight = ['FieldManagerConflict', 'Forbidden', 'Refused', 'Waiting'] as const;

const advice = {
  FieldManagerConflict: 'let the other manager give up these fields, or remove the workload from the policy',
  Forbidden:
    'where the operator lacks the right to patch workloads, install the ClusterRole spotpolicy-operator-workload-templates',
  Refused: undefined,
  Waiting: undefined,
} as const;

/** Why pod templates are not what the policy asks for; undefined where each is that can be. */
export const findTemplateTrouble = (
  troubles: readonly TemplateTrouble[],
): { readonly reason: TemplateReason; readonly message: string } | undefined => {
  const reason = byWeight.find((each) => troubles.some((trouble) => trouble.reason === each));
  if (!reason) return undefined;
  const which = troubles.filter((trouble) => trouble.reason === reason);
  const message = [`pod templates not written: ${name(which)}`, advice[reason]].filter(Boolean).join('; ');
  return { reason: reason === 'Waiting' ? 'Pending' : reason, message };
};

/** Which workloads keep the template they have, and why; empty where all can change. */
export const describeFixed = (troubles: readonly TemplateTrouble[]): string => {
  const fixed = troubles.filter(({ reason }) => reason === 'Fixed');
  return fixed.length > 0 ? `not touched: ${name(fixed)}` : '';
};

/** Of which kinds the cluster has pod templates that the operator may not read, and what to do; empty where there are none. */
export const describeUnseen = (view: View): string => {
  const unseen = foreignTemplateKinds.filter((kind) => view.ownerKind(kind)?.standing === 'Forbidden');
  if (unseen.length === 0) return '';
  const kinds = unseen.map(({ kind, group }) => `${kind}.${group}`).join(', ');
  const roles = [...new Set(unseen.map(({ group }) => `spotpolicy-operator-${group}`))].join(', ');
  return `not seen: ${kinds}, which the operator may read only with the ClusterRole ${roles}`;
};

/** Pods of a policy whose template no policy ever writes, in words, and whether it has no other; empty where there are none. */
export interface Unwritable {
  readonly message: string;
  readonly all: boolean;
}

/**
 * Which pods of a policy with `injection.at: Workload` have no template that can be written: by the kind of the workload at
 * the top, or because no workload made them.
 */
export const findUnwritable = ({
  workloadsTotal,
  untemplated,
  bare,
  templates: held,
}: Governed): Unwritable => {
  const texts = untemplated.first.map(({ kind, namespace, name: of }) => `${kind} ${namespace}/${of}`);
  const parts = [
    ...(texts.length > 0 ? [shorten(texts, untemplated.total)] : []),
    ...(bare > 0 ? [`${bare} pods without a workload`] : []),
  ];
  if (parts.length === 0) return { message: '', all: false };
  return {
    message: `templates of these are never written: ${parts.join(', ')}; injection.at: Pod reaches them`,
    // A workload at zero replicas has a template and no pod.
    all: untemplated.total === workloadsTotal && held === 0,
  };
};

const shorten = (texts: readonly string[], total = texts.length): string => {
  const rest = total - mostNamed;
  return [...texts.slice(0, mostNamed), ...(rest > 0 ? [`${rest} more`] : [])].join(', ');
};

const name = (troubles: readonly TemplateTrouble[]): string => {
  const texts = troubles
    .map(({ kind, namespace, name: workload, message }) => `${kind} ${namespace}/${workload} (${message})`)
    .toSorted();
  return shorten(texts);
};
