import { describe, expect, it } from 'vitest';
import { tellClock } from '../../../operator/observe/clock-story.ts';

describe('the story of a clock', () => {
  it('is a warning that somebody has to act on beyond a minute, with the node whose clock it is', () => {
    expect(tellClock(90_400, 'node-1')).toEqual({
      level: 'warn',
      line: "this clock is off: the API server's clock decides",
      warning:
        "the clock of node node-1 is 90 s ahead of the API server's, by which the operator now decides; set the clock",
    });
    expect(tellClock(-61_000, undefined).warning).toMatch(/^the clock of its machine is 61 s behind the API/);
  });

  it('is a line of the log from 5 s on, and another when the clock is right again', () => {
    expect(tellClock(-6_000, 'node-1')).toEqual({
      level: 'warn',
      line: "this clock is off: the API server's clock decides",
    });
    expect(tellClock(2_000, 'node-1').level).toBe('info');
  });
});
