import { from } from 'rxjs';
import { describe, expect, it } from 'vitest';
import type { Watched } from '../../../operator/runtime/list-watch.ts';
import { type SeenSecret, secretChanges } from '../../../operator/server/secret-changes.ts';

const seen = (resourceVersion: string): SeenSecret => ({ resourceVersion, writers: [] });
const listing = (...versions: string[]): Watched<SeenSecret>[] => [
  { kind: 'listing' },
  ...versions.map((version) => ({ kind: 'listed' as const, object: seen(version) })),
  { kind: 'synced' },
];
const failure: Watched<SeenSecret> = { kind: 'failed', error: new Error('410'), then: 'relist' };
const told = (...watched: Watched<SeenSecret>[]): (string | undefined)[] => {
  const versions: (string | undefined)[] = [];
  secretChanges(from(watched)).subscribe((secret) => versions.push(secret?.resourceVersion));
  return versions;
};

describe('changes of the Secret', () => {
  it('are its first version, each later one, and its end', () => {
    expect(
      told(...listing('1'), { kind: 'changed', object: seen('2') }, { kind: 'deleted', object: seen('3') }),
    ).toEqual(['1', '2', undefined]);
  });

  it('are noticed that came while it was listed anew', () => {
    expect(told(...listing('1'), failure, ...listing('2'))).toEqual(['1', '2']);
    expect(told(...listing('1'), failure, ...listing())).toEqual(['1', undefined]);
    expect(told(...listing(), failure, ...listing('2'))).toEqual(['2']);
  });

  it('are none where a new listing shows what was known', () => {
    expect(told(...listing('1'), failure, { kind: 'recovered' }, ...listing('1'))).toEqual(['1']);
    expect(told(...listing(), failure, ...listing())).toEqual([]);
  });
});
