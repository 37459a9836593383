import { describe, expect, it } from 'vitest';
import { Collection } from '../../../operator/world/collection.ts';

interface Thing {
  readonly uid: string;
  readonly namespace: string;
  readonly name: string;
  readonly colours: readonly string[];
}

const aThing = (name: string, colours: readonly string[] = [], uid = `uid-of-${name}`): Thing => ({
  uid,
  namespace: 'shop',
  name,
  colours,
});
const aCollection = () => new Collection<Thing, 'colour'>({ colour: ({ colours }) => colours });
type Things = ReturnType<typeof aCollection>;

const list = (things: Things, ...listed: Thing[]) => [
  ...things.apply({ kind: 'listing' }),
  ...listed.flatMap((object) => things.apply({ kind: 'listed', object })),
  ...things.apply({ kind: 'synced' }),
];
const names = (things: Iterable<Thing>): string[] => [...things].map(({ name }) => name);

describe('a listing', () => {
  it('is taken in as it comes, and what it does not bring goes at its end', () => {
    const things = aCollection();
    list(things, aThing('a'));
    things.apply({ kind: 'listing' });
    expect(things.apply({ kind: 'listed', object: aThing('b') })).toEqual([
      { before: undefined, after: aThing('b') },
    ]);
    expect(names(things.all())).toEqual(['a', 'b']);
    expect(things.apply({ kind: 'synced' })).toEqual([{ before: aThing('a'), after: undefined }]);
    expect(names(things.all())).toEqual(['b']);
  });

  it('removes the last bearer of a name before it brings the next one', () => {
    const things = aCollection();
    const [old, next] = [aThing('a', ['red'], 'old'), aThing('a', ['red'], 'next')];
    list(things, old, aThing('b'));
    expect(list(things, next, aThing('b'))).toEqual([
      { before: old, after: undefined },
      { before: undefined, after: next },
    ]);
  });

  it('keeps the record of what it brings unchanged, and makes no step of it', () => {
    const things = aCollection();
    const kept = aThing('a', ['red']);
    list(things, kept, aThing('b'));
    expect(list(things, aThing('a', ['red']), aThing('b', ['blue']))).toEqual([
      { before: aThing('b'), after: aThing('b', ['blue']) },
    ]);
    expect(things.byUid(kept.uid)).toBe(kept);
  });

  it('goes by the version of what has one', () => {
    const pods = new Collection<Thing & { resourceVersion: string }>({});
    const kept = { ...aThing('a'), resourceVersion: '1' };
    const listing = (resourceVersion: string) => [
      ...pods.apply({ kind: 'listing' }),
      ...pods.apply({ kind: 'listed', object: { ...aThing('a'), resourceVersion } }),
      ...pods.apply({ kind: 'synced' }),
    ];
    pods.apply({ kind: 'changed', object: kept });
    expect(listing('1')).toEqual([]);
    expect(pods.byUid(kept.uid)).toBe(kept);
    expect(listing('2')).toEqual([{ before: kept, after: { ...kept, resourceVersion: '2' } }]);
  });

  it('takes in the same version again of which more was read', () => {
    const owners = new Collection<Thing & { resourceVersion: string; whole: boolean }>({});
    const read = (whole: boolean) => ({ ...aThing('a'), resourceVersion: '1', whole });
    owners.apply({ kind: 'changed', object: read(false) });
    owners.apply({ kind: 'listing' });
    owners.apply({ kind: 'listed', object: read(true) });
    expect(owners.byUid(read(true).uid)).toEqual(read(true));
  });

  it('that breaks off and begins anew forgets what it had listed', () => {
    const things = aCollection();
    things.apply({ kind: 'listing' });
    things.apply({ kind: 'listed', object: aThing('a') });
    things.apply({ kind: 'failed', error: new Error('cut'), then: 'relist' });
    list(things, aThing('b'));
    expect(names(things.all())).toEqual(['b']);
  });

  it('makes a collection synced, an empty one too, and nothing else does', () => {
    const things = aCollection();
    things.apply({ kind: 'changed', object: aThing('a') });
    things.apply({ kind: 'listing' });
    expect(things.synced).toBe(false);
    things.apply({ kind: 'synced' });
    expect(things.synced).toBe(true);
    things.apply({ kind: 'failed', error: new Error('cut'), then: 'relist' });
    expect(things.synced).toBe(true);
  });
});

describe('a watch', () => {
  it('gives a step with both sides for a change, and none for a deletion of what is not there', () => {
    const things = aCollection();
    expect(things.apply({ kind: 'changed', object: aThing('a') })).toEqual([
      { before: undefined, after: aThing('a') },
    ]);
    expect(things.apply({ kind: 'changed', object: aThing('a', ['red']) })).toEqual([
      { before: aThing('a'), after: aThing('a', ['red']) },
    ]);
    expect(things.apply({ kind: 'deleted', object: aThing('z') })).toEqual([]);
  });

  it('finds an object of the same name under its new uid, also when the old one is removed after it', () => {
    const things = aCollection();
    things.apply({ kind: 'changed', object: aThing('a', ['red'], 'old') });
    things.apply({ kind: 'changed', object: aThing('a', ['red'], 'new') });
    expect(things.byName('shop', 'a')?.uid).toBe('new');
    things.apply({ kind: 'deleted', object: aThing('a', [], 'old') });
    expect(things.byName('shop', 'a')?.uid).toBe('new');
    expect(things.byUid('old')).toBeUndefined();
    expect(things.size).toBe(1);
    expect([...things.group('colour', 'red')].map(({ uid }) => uid)).toEqual(['new']);
  });

  it('does not find by name what was removed', () => {
    const things = aCollection();
    things.apply({ kind: 'changed', object: aThing('a') });
    things.apply({ kind: 'deleted', object: aThing('a') });
    expect(things.byName('shop', 'a')).toBeUndefined();
    expect(things.size).toBe(0);
  });
});

describe('an index', () => {
  it('moves an object to the groups of its newest version', () => {
    const things = aCollection();
    things.apply({ kind: 'changed', object: aThing('a', ['red', 'blue']) });
    things.apply({ kind: 'changed', object: aThing('b', ['red']) });
    things.apply({ kind: 'changed', object: aThing('a', ['green']) });
    expect(names(things.group('colour', 'red'))).toEqual(['b']);
    expect(names(things.group('colour', 'blue'))).toEqual([]);
    expect(names(things.group('colour', 'green'))).toEqual(['a']);
  });

  it('loses a removed object from every group', () => {
    const things = aCollection();
    things.apply({ kind: 'changed', object: aThing('a', ['red', 'blue']) });
    things.apply({ kind: 'deleted', object: aThing('a') });
    expect(things.group('colour', 'red').size + things.group('colour', 'blue').size).toBe(0);
  });
});
