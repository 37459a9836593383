import type { TemplateTrouble } from '../world/template.ts';

// The rest would say the same of others.
const mostNamed = 3;

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
): { readonly reason: string; readonly message: string } | undefined => {
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

const name = (troubles: readonly TemplateTrouble[]): string => {
  const texts = troubles
    .map(({ kind, namespace, name: workload, message }) => `${kind} ${namespace}/${workload} (${message})`)
    .toSorted();
  const rest = texts.length - mostNamed;
  return [...texts.slice(0, mostNamed), ...(rest > 0 ? [`${rest} more`] : [])].join(', ');
};
