import type { Operation } from 'rfc6902';
import type { Edits, Values } from '../policy/gift.ts';

/**
 * The JSON patch that makes these edits to one map of a pod's metadata. It looks at the edited keys alone, so a pod with tens
 * of thousands of labels costs no more than any other; an edit that changes nothing gives no operation.
 */
export const patchOf = (
  part: 'labels' | 'annotations',
  own: Values | undefined,
  edits: Edits,
): readonly Operation[] => {
  const path = `/metadata/${part}`;
  if (!own) {
    const value = Object.fromEntries(Object.entries(edits).filter(([, edited]) => edited !== undefined));
    return Object.keys(value).length > 0 ? [{ op: 'add', path, value }] : [];
  }
  return Object.entries(edits).flatMap(([key, value]): Operation[] => {
    const at = `${path}/${escape(key)}`;
    if (!Object.hasOwn(own, key)) return value === undefined ? [] : [{ op: 'add', path: at, value }];
    if (value === undefined) return [{ op: 'remove', path: at }];
    return own[key] === value ? [] : [{ op: 'replace', path: at, value }];
  });
};

// RFC 6901, section 3: the order matters, or the tilde of `~1` would be escaped again.
const escape = (key: string): string => key.replaceAll('~', '~0').replaceAll('/', '~1');
