import type { Parts } from '../../operator/status/changed-parts.ts';

/** A status once parts of it were written. */
export const withParts = <S extends object>(status: S | undefined, parts: Parts<S>): S => {
  const fields = Object.entries({ ...status, ...parts }).filter(([, value]) => value !== null);
  return Object.fromEntries(fields) as S;
};
