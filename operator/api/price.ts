import { z } from 'zod';
import { matching, obeying } from './rules.ts';

// Enough for 99999999.999, which is beyond any instance in any currency.
const maximumLength = 12;
const plainDecimal = '^[0-9]+([.][0-9]+)?$';

/** An hourly price as ECI reads it: decimal text above 0 with at most 3 decimals, kept as written. */
export const price = obeying(z.string().max(maximumLength), [
  matching(
    plainDecimal,
    'must be a plain decimal number such as "0.25": digits with at most one dot between them, no sign, no exponent, no unit',
  ),
  {
    cel: "!self.matches('[.][0-9]{4}')",
    holds: (text) => !/[.][0-9]{4}/.test(text),
    message: 'must have at most 3 decimals, as ECI reads no more: round it',
    reason: 'FieldValueInvalid',
  },
  {
    cel: `!self.matches('${plainDecimal}') || self.matches('[1-9]')`,
    holds: (text) => !new RegExp(plainDecimal).test(text) || /[1-9]/.test(text),
    message: 'must be above 0: no instance is ever sold at that price',
    reason: 'FieldValueInvalid',
  },
]);
