import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { Collection } from '../../operator/world/collection.ts';

interface Thing {
  readonly uid: string;
  readonly namespace: string;
  readonly name: string;
  readonly groups: readonly string[];
}

type Say =
  | { readonly kind: 'listing' | 'synced' | 'failed' }
  | { readonly kind: 'listed' | 'changed' | 'deleted'; readonly object: Thing };

const keys = ['x', 'y', 'z'];
const thing: fc.Arbitrary<Thing> = fc
  .record({
    // A uid belongs to one name for ever; a name may come back under another uid.
    serial: fc.nat(8),
    groups: fc.uniqueArray(fc.constantFrom(...keys), { maxLength: 2 }),
  })
  .map(({ serial, groups }) => ({
    uid: `uid-${serial}`,
    namespace: 'shop',
    name: `name-${serial % 4}`,
    groups,
  }));
const say: fc.Arbitrary<Say> = fc.oneof(
  { arbitrary: fc.record({ kind: fc.constantFrom('listing', 'synced', 'failed') }), weight: 1 },
  {
    arbitrary: fc.record({ kind: fc.constantFrom('listed', 'changed', 'deleted'), object: thing }),
    weight: 4,
  },
);

/** The objects by uid: what a collection without any index would hold. */
const model = () => {
  const objects = new Map<string, Thing>();
  let unlisted = new Set<string>();
  const list = (object: Thing): void => {
    unlisted.delete(object.uid);
    for (const { uid, name } of objects.values())
      if (name === object.name && unlisted.delete(uid)) objects.delete(uid);
    if (JSON.stringify(objects.get(object.uid)) !== JSON.stringify(object)) objects.set(object.uid, object);
  };
  return {
    objects: () => objects,
    hear: (said: Say): void => {
      if (said.kind === 'listing') unlisted = new Set(objects.keys());
      if (said.kind === 'listed') list(said.object);
      if (said.kind === 'changed') objects.set(said.object.uid, said.object);
      if (said.kind === 'deleted') objects.delete(said.object.uid);
      if (said.kind === 'synced') {
        for (const uid of unlisted) objects.delete(uid);
        unlisted = new Set();
      }
    },
  };
};

const watchedOf = (said: Say) => {
  switch (said.kind) {
    case 'failed':
      return { kind: 'failed', error: new Error('cut'), then: 'resume' } as const;
    case 'listing':
    case 'synced':
      return { kind: said.kind };
    default:
      return { kind: said.kind, object: said.object };
  }
};
const sorted = (things: Iterable<Thing>): Thing[] => [...things].toSorted((a, b) => (a.uid < b.uid ? -1 : 1));

describe('a collection, after any watch with any listings', () => {
  test.prop([fc.array(say, { maxLength: 60 })])('holds what a model without indexes holds', (sayings) => {
    const things = new Collection<Thing, 'group'>({ group: ({ groups }) => groups });
    const { objects, hear } = model();
    for (const said of sayings) {
      const before = new Map(objects());
      const steps = things.apply(watchedOf(said));
      hear(said);
      const held = objects();
      expect(sorted(things.all())).toEqual(sorted(held.values()));
      expect(things.size).toBe(held.size);
      for (const key of keys)
        expect(sorted(things.group('group', key))).toEqual(
          sorted([...held.values()].filter(({ groups }) => groups.includes(key))),
        );
      for (const [uid, object] of held) expect(things.byUid(uid)).toBe(object);
      // Applied to what was there before, the steps give what is there now.
      for (const { before: old, after } of steps) {
        expect(old).toBe(before.get((old ?? after)?.uid ?? ''));
        if (after) before.set(after.uid, after);
        else before.delete(old?.uid ?? '');
      }
      expect(sorted(before.values())).toEqual(sorted(held.values()));
    }
  });

  test.prop([fc.array(say, { maxLength: 60 }), fc.uniqueArray(thing, { selector: ({ name }) => name })])(
    'holds exactly what a complete listing brought',
    (sayings, listed) => {
      const things = new Collection<Thing, 'group'>({ group: ({ groups }) => groups });
      for (const said of sayings) things.apply(watchedOf(said));
      things.apply({ kind: 'listing' });
      for (const object of listed) {
        things.apply({ kind: 'listed', object });
        expect(things.byName('shop', object.name)).toEqual(object);
      }
      things.apply({ kind: 'synced' });
      expect(sorted(things.all())).toEqual(sorted(listed));
      const again = [...things.all()];
      const steps = [
        ...things.apply({ kind: 'listing' }),
        ...listed.flatMap((object) => things.apply({ kind: 'listed', object: { ...object } })),
        ...things.apply({ kind: 'synced' }),
      ];
      expect(steps).toEqual([]);
      for (const [index, object] of [...things.all()].entries()) expect(object).toBe(again[index]);
    },
  );

  test.prop([fc.array(say, { maxLength: 60 })])(
    'finds a name exactly where one of its objects is',
    (sayings) => {
      const things = new Collection<Thing>({});
      for (const said of sayings) {
        things.apply(watchedOf(said));
        for (const name of [0, 1, 2, 3].map((number) => `name-${number}`)) {
          const found = things.byName('shop', name);
          const bearers = [...things.all()].filter((object) => object.name === name);
          // An API server never has two; where a watch is behind, either of them will do.
          if (bearers.length === 1) expect(found).toBe(bearers[0]);
          if (bearers.length === 0) expect(found).toBeUndefined();
          if (found) expect(bearers).toContain(found);
        }
      }
    },
  );
});
