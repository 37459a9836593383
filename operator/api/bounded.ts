import { clusterSpotPolicyStatus, type SpotPolicyStatus } from './status.ts';
import { structural, type StructuralSchema } from './structural.ts';

// That of either kind: a SpotPolicy has no fields besides.
const schema = structural(clusterSpotPolicyStatus, 'status');

/**
 * The status within the bounds of its own schema, whatever text of others is in it: strings are cut to `maxLength`, lists
 * to `maxItems`, integers to their limits. The bounds are read from the schema, so no field can be forgotten. What is within
 * them is returned as it is.
 */
export const bounded = (status: SpotPolicyStatus): SpotPolicyStatus =>
  within(schema, status) as SpotPolicyStatus;

const within = (node: StructuralSchema | undefined, value: unknown): unknown => {
  if (!node) return value;
  if (typeof value === 'string') return cut(value, node['maxLength'] as number | undefined);
  if (typeof value === 'number')
    return Math.min(node.maximum ?? Infinity, Math.max(node.minimum ?? -Infinity, value));
  if (Array.isArray(value)) return value.slice(0, node.maxItems).map((item) => within(node.items, item));
  if (typeof value !== 'object' || value === null) return value;
  const { properties = {}, additionalProperties } = node;
  const entries = Object.entries(value).slice(0, node['maxProperties'] as number | undefined);
  return Object.fromEntries(
    entries.map(([key, entry]) => [
      key,
      within(Object.hasOwn(properties, key) ? properties[key] : additionalProperties, entry),
    ]),
  );
};

/**
 * A text of at most so many characters, which the API server counts by code points. One that was cut ends in an ellipsis.
 * Half a surrogate pair is replaced: the API server would replace it too, and the status would differ from what was
 * written for ever.
 */
const cut = (text: string, maxLength = Infinity): string => {
  const whole = text.toWellFormed();
  if (whole.length <= maxLength) return whole;
  const characters = Array.from(whole.slice(0, 2 * maxLength));
  return characters.length <= maxLength && whole.length <= 2 * maxLength
    ? whole
    : `${characters.slice(0, maxLength - 1).join('')}…`;
};
