import { describe, expect, it } from 'vitest';
import type { TemplateDecision } from '../../../operator/injection/template.ts';
import { type BackoffLimits, growingDelay } from '../../../operator/runtime/backoff.ts';
import {
  type Memory,
  settleTemplate,
  stepTemplate,
  type TemplateAnswer,
} from '../../../operator/injection/template-step.ts';
import type { Owned } from '../../../operator/policy/template-gift.ts';
import { at } from '../../builders/pod.ts';
import { aDeployment } from '../../builders/workloads.ts';
import { known } from '../../builders/world.ts';

const { template } = known('Deployment', aDeployment());
const ownedAt = (revision: string, value = revision): Owned => ({
  annotations: { 'spotpolicy.dev/revision': revision, value },
  labels: {},
});
const write = (revision: string, value?: string): TemplateDecision => ({
  kind: 'Write',
  policy: undefined,
  owned: ownedAt(revision, value),
});
const asWanted: TemplateDecision = { kind: 'Nothing' };

/** What looks at these seconds do, one after the other; a write is answered at once. */
const follow = (
  looks: readonly (readonly [seconds: number, decision: TemplateDecision])[],
  answer: TemplateAnswer = { kind: 'Written' },
): string[] => {
  let memory: Memory = {};
  return looks.map(([seconds, decision]) => {
    const times = {
      nowMs: at(seconds),
      pauseAfter: (failures: number, limits: BackoffLimits) => growingDelay(failures, () => 0, limits),
    };
    const [next, step] = stepTemplate(memory, decision, template, times);
    memory = next;
    if (step.kind === 'Write' && decision.kind === 'Write') {
      memory = settleTemplate(memory, { owned: decision.owned, template }, answer, times);
    }
    return step.kind === 'Wait' ? `Wait ${(step.untilMs - at(0)) / 1000}` : step.kind;
  });
};

describe('a template is written', () => {
  it('a second after the last edit, and once for two edits within a second', () => {
    expect(
      follow([
        [0, write('a')],
        [0.9, write('b')],
        [1, write('b')],
        [1.9, write('b')],
      ]),
    ).toEqual(['Wait 1', 'Wait 1.9', 'Wait 1.9', 'Write']);
  });

  it('not at all for an edit that is taken back within a second', () => {
    expect(
      follow([
        [0, write('a')],
        [0.5, asWanted],
        [1, asWanted],
      ]),
    ).toEqual(['Wait 1', 'Rest', 'Rest']);
  });

  it('again, each time later, when somebody takes it away', () => {
    const taken = (seconds: number) => [[seconds, asWanted] as const, [seconds + 1, write('a')] as const];
    const looks = [
      [0, write('a')] as const,
      [1, write('a')] as const,
      ...taken(2),
      [5, write('a')] as const,
      ...taken(6),
      [11, write('a')] as const,
      ...taken(12),
    ];
    expect(follow(looks)).toEqual([
      ...['Wait 1', 'Write', 'Rest', 'Wait 5', 'Write', 'Rest', 'Wait 11', 'Write', 'Rest', 'Wait 21'],
    ]);
  });

  it('without delay for an edit of the policy, whatever was taken away before', () => {
    expect(
      follow([
        [0, write('a')],
        [1, write('a')],
        [2, asWanted],
        [3, write('a')],
        [4, write('b')],
        [5, write('b')],
      ]),
    ).toEqual(['Wait 1', 'Write', 'Rest', 'Wait 5', 'Wait 5', 'Write']);
  });

  it('no later because it changes again while it waits', () => {
    expect(
      follow([
        [0, write('a')],
        [1, write('a')],
        [2, asWanted],
        [3, write('a', 'x')],
        [4, write('a', 'y')],
      ]),
    ).toEqual(['Wait 1', 'Write', 'Rest', 'Wait 5', 'Wait 6']);
  });

  it('like any other an hour after the last time it was lost', () => {
    expect(
      follow([
        [0, write('a')],
        [1, write('a')],
        [2, asWanted],
        [3602, write('a')],
      ]).at(-1),
    ).toBe('Wait 3603');
  });
});

describe('a refusal', () => {
  const refusal = (forGood: boolean): TemplateAnswer => ({
    kind: 'Refused',
    reason: 'Refused',
    message: '',
    forGood,
  });

  it('for good is not asked about again, until what is wanted or what is there changes', () => {
    const looks = [
      [0, write('a')] as const,
      [1, write('a')] as const,
      [1, write('a')] as const,
      [86_400, write('a')] as const,
      [86_400, write('b')] as const,
      [86_401, write('b')] as const,
    ];
    expect(follow(looks, refusal(true))).toEqual([
      ...['Wait 1', 'Write', 'Wait Infinity', 'Wait Infinity', 'Wait 86401', 'Write'],
    ]);
  });

  it('that may pass is asked about again, less and less often', () => {
    const looks = [0, 1, 1, 2, 2, 4, 4].map((seconds) => [seconds, write('a')] as const);
    expect(follow(looks, refusal(false))).toEqual([
      ...['Wait 1', 'Write', 'Wait 2', 'Write', 'Wait 4', 'Write', 'Wait 8'],
    ]);
  });
});
