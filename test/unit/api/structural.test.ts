import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { structural } from '../../../operator/api/structural.ts';

const described = z.string().describe('A text.');

describe('the structural form of a schema', () => {
  it('keeps types, bounds, enums, defaults and extensions', () => {
    const schema = z
      .object({
        mode: z.enum(['On', 'Off']).default('On').describe('A switch.'),
        list: z
          .array(described.max(5))
          .max(3)
          .meta({ 'x-kubernetes-list-type': 'atomic' })
          .describe('A list.'),
      })
      .describe('An object.');
    expect(structural(schema, 'spec')).toEqual({
      type: 'object',
      description: 'An object.',
      required: ['list'],
      properties: {
        mode: { type: 'string', description: 'A switch.', enum: ['On', 'Off'], default: 'On' },
        list: {
          type: 'array',
          description: 'A list.',
          maxItems: 3,
          'x-kubernetes-list-type': 'atomic',
          items: { type: 'string', description: 'A text.', maxLength: 5 },
        },
      },
    });
  });

  it('says nothing of unknown fields beside known ones, and everything about the values of a map', () => {
    const map = z
      .strictObject({ map: z.record(z.string(), described).describe('A map.') })
      .describe('An object.');
    expect(structural(map, 'spec')).toEqual({
      type: 'object',
      description: 'An object.',
      required: ['map'],
      properties: {
        map: {
          type: 'object',
          description: 'A map.',
          additionalProperties: { type: 'string', description: 'A text.' },
        },
      },
    });
  });

  it('sizes an integer by its bounds and drops those that only JavaScript has', () => {
    const [bounded, counter] = [z.int().min(0).max(9), z.int().min(0)].map((int) =>
      structural(int.describe('A number.'), 'n'),
    );
    expect(bounded).toEqual({
      type: 'integer',
      description: 'A number.',
      format: 'int32',
      minimum: 0,
      maximum: 9,
    });
    expect(counter).toEqual({ type: 'integer', description: 'A number.', format: 'int64', minimum: 0 });
  });

  it('names an instant by its format alone', () => {
    const instant = z.iso.datetime({ offset: true }).describe('A time.');
    expect(structural(instant, 'at')).toEqual({
      type: 'string',
      description: 'A time.',
      format: 'date-time',
    });
  });
});

describe('a schema without structural form is refused, with the path, for', () => {
  const inside = (node: z.ZodType) => () =>
    structural(z.object({ field: node }).describe('An object.'), 'spec');

  it.each([
    ['a field without description', z.string(), /spec\.field: describe/],
    ['an item without description', z.array(z.string()).describe('A list.'), /spec\.field\[\]: describe/],
    ['a union', z.union([z.string(), z.boolean()]).describe('Either.'), /spec\.field: .*one plain type/],
    ['a number that is no integer', z.number().describe('A number.'), /spec\.field: .*not number/],
    ['a pattern, which refuses in no words', described.regex(/^a$/), /spec\.field: pattern .*rule/],
  ])('%s', (_, node, message) => {
    expect(inside(node)).toThrow(message);
  });
});
