import type { Pod } from 'kubernetes-types/core/v1.js';
import { expect, it } from 'vitest';
import { createGoings } from '../../integration/harness/goings.ts';

const aVersion = (uid: string, resourceVersion: string, deletionTimestamp?: string): Pod => ({
  metadata: { name: 'web-1', uid, resourceVersion, ...(deletionTimestamp && { deletionTimestamp }) },
});

it('a pod goes from the version on in which it is first being deleted, and its namesake lives', () => {
  const goings = createGoings();
  const since = (...versions: readonly Pod[]): number | undefined => {
    for (const version of versions) goings.note(version);
    return goings.since('web-1');
  };
  expect(since(aVersion('a', '1'))).toBeUndefined();
  expect(since(aVersion('a', '5', '2026-01-01T00:00:00Z'), aVersion('a', '7', '2026-01-01T00:00:00Z'))).toBe(
    5,
  );
  expect(since(aVersion('b', '8'))).toBeUndefined();
  expect(since(aVersion('b', '9', '2026-01-01T00:00:00Z'))).toBe(9);
  expect(goings.since('web-2')).toBeUndefined();
});
