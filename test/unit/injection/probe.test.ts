import { Environment } from '@marcbachmann/cel-js';
import { describe, expect, it } from 'vitest';
import {
  answerProbe,
  generationIn,
  isProbe,
  probeCondition,
  probeName,
} from '../../../operator/injection/probe.ts';
import { aPolicy } from '../../builders/policy.ts';
import { aWorld } from '../../builders/world.ts';

const policy = { uid: '0c6a1f7e-1', namespace: 'shop', name: 'web' };
const name = probeName(policy, 'abc123');

describe('a probe', () => {
  it('is an eviction of a pod that cannot exist, and nothing else is one', () => {
    expect(isProbe({ subResource: 'eviction', name })).toBe(true);
    expect(isProbe({ name })).toBe(false);
    expect(isProbe({ subResource: 'status', name })).toBe(false);
    expect(isProbe({ subResource: 'eviction', name: 'web-1' })).toBe(false);
    expect(isProbe({ subResource: 'eviction' })).toBe(false);
    expect(isProbe({ subResource: 'eviction', name: name.toLowerCase() })).toBe(false);
  });

  it('has another name each time it is asked', () => {
    expect(probeName(policy, 'abc124')).not.toBe(name);
  });

  it('is answered with the generation that this replica admits by, 0 for a policy it does not know', () => {
    const world = aWorld({ SpotPolicy: [aPolicy({ uid: policy.uid, generation: 7 })] });
    expect(generationIn(answerProbe(world, { name }), name)).toBe(7);
    expect(generationIn(answerProbe(aWorld(), { name }), name)).toBe(0);
  });

  it('finds its answer inside the text of the API server', () => {
    const text = `admission webhook "pods.spotpolicy.dev" denied the request: ${name} knows generation 12`;
    expect(generationIn(text, name)).toBe(12);
  });

  it('takes no other refusal for an answer', () => {
    expect(generationIn(`pods "${name}" not found`, name)).toBeUndefined();
    expect(generationIn('', name)).toBeUndefined();
    expect(generationIn(`${probeName(policy, 'other')} knows generation 3`, name)).toBeUndefined();
  });
});

describe('the condition of the webhook', () => {
  const environment = new Environment({ unlistedVariablesAreDyn: true });
  const holds = (request: object): unknown => environment.evaluate(probeCondition, { request });

  it('lets the creation of a pod through, which has no subresource', () => {
    expect(holds({ name: 'web-1' })).toBe(true);
    expect(holds({ name: 'web-1', subResource: '' })).toBe(true);
  });

  it('keeps real evictions away and lets probes through', () => {
    expect(holds({ name: 'web-1', subResource: 'eviction' })).toBe(false);
    expect(holds({ name, subResource: 'eviction' })).toBe(true);
  });
});
