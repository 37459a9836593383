import type { z } from 'zod';
import { defaultFallbackMode, injection, interruption, spark } from './spec-fields.ts';
import { spotPolicySpec, type SpotPolicySpec } from './spot-policy.ts';

/** A spec in which nothing is left open: every object that a user may leave out is there, with its defaults. */
export interface EffectiveSpec extends SpotPolicySpec {
  readonly fallback: { readonly mode: 'AtCreation' | 'Never' };
  readonly injection: NonNullable<SpotPolicySpec['injection']>;
  readonly spark: NonNullable<SpotPolicySpec['spark']>;
  readonly interruption: NonNullable<SpotPolicySpec['interruption']>;
}

/** What is wrong with one field, by its path from the object's root: `spec.instanceSpecs[0]`. */
export interface Problem {
  readonly field: string;
  readonly message: string;
}

/** Either the spec with every default filled in, or everything that is wrong with it. */
export type ParsedSpec =
  | { readonly ok: true; readonly spec: EffectiveSpec }
  | { readonly ok: false; readonly problems: readonly Problem[] };

/** Returns the effective spec of a policy's raw `spec`, or its problems; never throws. */
export const parseSpec = (raw: unknown): ParsedSpec => {
  const parsed = spotPolicySpec.safeParse(raw, { reportInput: true });
  if (!parsed.success) return { ok: false, problems: parsed.error.issues.map(problemOf) };
  const { data: spec } = parsed;
  return {
    ok: true,
    spec: {
      ...spec,
      fallback: { mode: spec.fallback?.mode ?? defaultFallbackMode },
      injection: spec.injection ?? injection.parse({}),
      spark: spec.spark ?? spark.parse({}),
      interruption: spec.interruption ?? interruption.parse({}),
    },
  };
};

const problemOf = ({ path, input, message }: z.core.$ZodIssue): Problem => ({
  field: path.reduce<string>((text, step) => text + stepText(step), 'spec'),
  // An object is left out: its field says where to look, and it may be long.
  message:
    input === undefined || typeof input === 'object' ? message : `${JSON.stringify(input)}: ${message}`,
});

// As the API server writes a path: an index or the key of a map in brackets, a field after a dot.
const stepText = (step: PropertyKey): string =>
  typeof step === 'string' && /^[a-z]\w*$/i.test(step) ? `.${step}` : `[${String(step)}]`;
