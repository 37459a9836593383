import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { eventsIn, linesOf } from '../../../operator/kube/watch-lines.ts';

async function* cut(text: string, at: readonly number[]): AsyncGenerator<Uint8Array> {
  const bytes = new TextEncoder().encode(text);
  const cuts = [0, ...at.map((place) => place % (bytes.length + 1)).toSorted((a, b) => a - b), bytes.length];
  for (const [index, from] of cuts.slice(0, -1).entries()) yield bytes.slice(from, cuts[index + 1]);
}

const collect = async <T>(items: AsyncIterable<T>): Promise<T[]> => {
  const collected: T[] = [];
  for await (const item of items) collected.push(item);
  return collected;
};

async function* given(...lines: string[]): AsyncGenerator<string> {
  yield* lines;
}

describe('linesOf', () => {
  const texts = fc.array(
    fc.string({ unit: 'grapheme' }).filter((line) => line !== '' && !line.includes('\n')),
  );

  test.prop([texts, fc.array(fc.nat(), { maxLength: 20 }), fc.boolean()])(
    'gives back the lines wherever the body was cut, inside characters too, with and without a last line end',
    async (lines, cuts, ended) => {
      const body = lines.join('\n') + (ended && lines.length > 0 ? '\n' : '');
      expect(await collect(linesOf(cut(body, cuts)))).toEqual(lines);
    },
  );
});

describe('eventsIn', () => {
  it('parses each line', async () => {
    const event = { type: 'BOOKMARK', object: { metadata: { resourceVersion: '7' } } };
    expect(await collect(eventsIn('watching pods', given(JSON.stringify(event))))).toEqual([event]);
  });

  it('throws what an ERROR line says', async () => {
    const status = {
      kind: 'Status',
      code: 410,
      reason: 'Expired',
      message: 'too old resource version: 1 (9)',
    };
    const events = eventsIn('watching pods', given(JSON.stringify({ type: 'ERROR', object: status })));
    await expect(collect(events)).rejects.toMatchObject({
      status: 410,
      message: 'watching pods: too old resource version: 1 (9)',
    });
  });

  it('throws for a line that is cut off, without quoting it', async () => {
    const events = eventsIn('watching secrets', given('{"type":"ADDED","object":{"data":{"key":"c2Vjcm'));
    await expect(collect(events)).rejects.toMatchObject({
      code: 'retryable',
      reason: 'Broken',
      message: 'watching secrets: a line of 47 characters is not JSON',
    });
  });
});
