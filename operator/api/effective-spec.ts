import type { z } from 'zod';
import { clusterSpotPolicySpec, type ClusterSpotPolicySpec } from './cluster-spot-policy.ts';
import type { PolicyKindName } from './metadata.ts';
import {
  defaultFailedPodTTLSeconds,
  defaultFallbackMode,
  defaultReplacement,
  distribution,
  injection,
  interruption,
  spark,
} from './spec-fields.ts';
import { spotPolicySpec, type SpotPolicySpec } from './spot-policy.ts';

/**
 * A spec of either kind in which nothing is left open: every object that a user may leave out is there, with its
 * defaults. What only the other kind has is absent.
 */
export interface EffectiveSpec extends SpotPolicySpec, Partial<ClusterScope> {
  readonly fallback: { readonly mode: 'AtCreation' | 'Never' };
  readonly distribution: NonNullable<SpotPolicySpec['distribution']>;
  readonly injection: NonNullable<SpotPolicySpec['injection']>;
  readonly spark: NonNullable<SpotPolicySpec['spark']>;
  readonly interruption: Required<NonNullable<SpotPolicySpec['interruption']>>;
}

type ClusterScope = Pick<ClusterSpotPolicySpec, 'namespaceSelector' | 'precedence'>;

/** What is wrong with one field, by its path from the object's root: `spec.instanceSpecs[0]`. */
export interface Problem {
  readonly field: string;
  readonly message: string;
}

/** Either the spec with every default filled in, or everything that is wrong with it. */
export type ParsedSpec =
  | { readonly ok: true; readonly spec: EffectiveSpec }
  | { readonly ok: false; readonly problems: readonly Problem[] };

const schemas = { SpotPolicy: spotPolicySpec, ClusterSpotPolicy: clusterSpotPolicySpec } as const;

/** Returns the effective spec of a policy's raw `spec`, or its problems; never throws. */
export const parseSpec = (raw: unknown, kind: PolicyKindName = 'SpotPolicy'): ParsedSpec => {
  const parsed = schemas[kind].safeParse(raw, { reportInput: true });
  if (!parsed.success) return { ok: false, problems: parsed.error.issues.map(problemOf) };
  const spec: SpotPolicySpec & Partial<ClusterScope> = parsed.data;
  const wished = spec.injection ?? injection.parse({});
  return {
    ok: true,
    spec: {
      ...spec,
      fallback: { mode: spec.fallback?.mode ?? defaultFallbackMode },
      distribution: spec.distribution ?? distribution.parse({}),
      // An exception that a user's own annotation could undo would override nothing.
      injection: spec.precedence === 'Overrides' ? { ...wished, existing: 'Overwrite' } : wished,
      spark: spec.spark ?? spark.parse({}),
      interruption: {
        replacement: defaultReplacement,
        failedPodTTLSeconds: defaultFailedPodTTLSeconds,
        ...(spec.interruption ?? interruption.parse({})),
      },
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
