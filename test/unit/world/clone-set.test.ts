import { describe, expect, it } from 'vitest';
import { scalingOf } from '../../../operator/world/clone-set.ts';

const scaling = (strategy: object | undefined, replicas = 10) =>
  [strategy, { rollingUpdate: strategy }].map((updateStrategy) =>
    scalingOf({ spec: { replicas, ...(strategy && updateStrategy && { updateStrategy }) } }),
  );

describe('what a CloneSet allows itself, in v1alpha1 and v1beta1,', () => {
  it.each([
    ['nothing that it says', undefined, { surges: false, maxUnavailable: 2 }],
    ['no figures', {}, { surges: false, maxUnavailable: 2 }],
    ['a number', { maxSurge: 1, maxUnavailable: 0 }, { surges: true, maxUnavailable: 0 }],
    ['a share', { maxSurge: '1%', maxUnavailable: '19%' }, { surges: true, maxUnavailable: 1 }],
    ['a surge of nothing', { maxSurge: 0 }, { surges: false, maxUnavailable: 2 }],
    ['a surge of no share', { maxSurge: '0%' }, { surges: false, maxUnavailable: 2 }],
    ['what is no figure', { maxSurge: '1', maxUnavailable: '3' }, { surges: false, maxUnavailable: 0 }],
    ['a pause', { maxSurge: 1, paused: true }, { surges: false, maxUnavailable: 2 }],
  ])('is read from %s', (_, strategy, expected) => {
    expect(scaling(strategy)).toEqual([
      { replicas: 10, ...expected },
      { replicas: 10, ...expected },
    ]);
  });

  it('is by default no unavailable pod of up to four', () => {
    expect(scaling({ maxSurge: 1 }, 4)[0]).toMatchObject({ maxUnavailable: 0 });
    expect(scaling({ maxSurge: 1 }, 5)[0]).toMatchObject({ maxUnavailable: 1 });
  });

  it('is that of one pod where it does not say how many', () => {
    expect(scalingOf({}).replicas).toBe(1);
  });
});
