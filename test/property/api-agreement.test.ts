import { fc, test } from '@fast-check/vitest';
import { expect } from 'vitest';
import { clusterSpotPolicy, objectSchema, type PolicyKind, spotPolicy } from '../../operator/api/crd.ts';
import { parseSpec, type Problem } from '../../operator/api/effective-spec.ts';
import { anyClusterSpec, anySpec } from '../builders/any-spec.ts';
import { schemaJudge } from '../builders/schema-judge.ts';

// Whether a name in a path is a field's or the key of a map shows in the API server's paths only.
const plain = (field: string): string => field.replaceAll(/\[(.*?)\]/g, '.$1');

const judgeOf = (kind: PolicyKind) => schemaJudge(objectSchema(kind).properties.spec, 'spec');
const judges = { SpotPolicy: judgeOf(spotPolicy), ClusterSpotPolicy: judgeOf(clusterSpotPolicy) };
const specs = fc.oneof(
  { arbitrary: fc.tuple(fc.constant('SpotPolicy' as const), anySpec), weight: 2 },
  { arbitrary: fc.tuple(fc.constant('ClusterSpotPolicy' as const), anyClusterSpec), weight: 1 },
);

test.prop([specs], { numRuns: 3000 })(
  'the generated schema and the operator accept the same specs, and refuse the others with the same words',
  ([kind, spec]) => {
    const { structure, rules } = judges[kind](spec);
    const parsed = parseSpec(spec, kind);
    expect(parsed.ok).toBe(structure.length + rules.length === 0);
    if (parsed.ok || structure.length > 0) return;
    const plainly = ({ field, message }: Problem) => ({ field: plain(field), message });
    // The operator puts the value before the words, which the API server does by itself.
    const expected = rules
      .map(plainly)
      .map(({ field, message }) => ({ field, message: expect.stringContaining(message) }));
    expect(parsed.problems.map(plainly)).toEqual(expect.arrayContaining(expected));
    expect(parsed.problems).toHaveLength(rules.length);
  },
);

test.prop([anySpec])('an effective spec leaves nothing open and stays as it is when parsed again', (spec) => {
  const parsed = parseSpec(spec);
  fc.pre(parsed.ok);
  if (!parsed.ok) return;
  const { fallback, distribution, ...rest } = parsed.spec;
  expect(parsed.spec).toMatchObject({
    fallback: { mode: expect.any(String) },
    distribution: { onDemandBase: expect.any(Number), spotPercentage: expect.any(Number) },
    injection: { at: expect.any(String), existing: expect.any(String), scheduling: expect.any(String) },
    interruption: {
      evictor: expect.any(String),
      surge: expect.any(String),
      jobPods: expect.any(String),
      onDeadline: expect.any(String),
    },
  });
  // What is filled in means nothing where it must not be written.
  const writable = {
    ...(rest.strategy !== 'NoSpot' && { fallback }),
    ...(rest.strategy !== 'NoSpot' && rest.injection.at === 'Pod' && { distribution }),
  };
  expect(parseSpec({ ...rest, ...writable })).toEqual(parsed);
});
