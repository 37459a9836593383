import { describe, expect, test } from 'vitest';
import { waitFor } from '../../../hack/cluster/wait-for.ts';

describe('waitFor', () => {
  test('gives the first value that is there', async () => {
    const answers = [undefined, null, false, new Error('not yet'), 'there', 'too late'];
    const probe = () => {
      const answer = answers.shift();
      if (answer instanceof Error) throw answer;
      return answer;
    };
    expect(await waitFor('a value', probe)).toBe('there');
  });

  test('takes 0 and the empty string for values', async () => {
    expect(await waitFor('a number', () => 0)).toBe(0);
    expect(await waitFor('a text', () => '')).toBe('');
  });

  test('says after its time-out what it waited for and what it saw last', async () => {
    let looks = 0;
    const probe = () => {
      looks += 1;
      throw new Error(`look ${looks}`);
    };
    const waited = waitFor('the moon', probe, { timeoutMs: 250 });
    await expect(waited).rejects.toThrow(/^waited 250 ms for the moon; the last look saw: Error: look \d+/);
    await expect(waited).rejects.toThrow(`look ${looks}`);
    expect(looks).toBeGreaterThan(1);
  });

  test('ends with the reason of an aborted signal', async () => {
    const reason = new Error('the process has ended');
    const waiting = new AbortController();
    const waited = waitFor('it', () => false, { signal: waiting.signal });
    waiting.abort(reason);
    await expect(waited).rejects.toBe(reason);
  });
});
