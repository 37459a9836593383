import {
  catchError,
  defer,
  EMPTY,
  expand,
  filter,
  from,
  map,
  merge,
  mergeMap,
  type Observable,
  of,
} from 'rxjs';
import { repeat, Subject, takeUntil, takeWhile, tap, timer } from 'rxjs';
import { type DiscoveredResource, watchable } from './kube/discovery.ts';
import { isForbidden, isNotFound } from './kube/errors.ts';
import type { Kube, Selection } from './kube/kube.ts';
import { listWatchCalls, listWatchOptions } from './kube/list-watch-calls.ts';
import { type Resource, resources } from './kube/resources.ts';
import { growingDelay } from './runtime/backoff.ts';
import { fromCall } from './runtime/from-call.ts';
import { listWatch, type Watched } from './runtime/list-watch.ts';
import type { Source } from './sources.ts';
import { isCloneSet } from './world/clone-set.ts';
import type { Step } from './world/collection.ts';
import { templateVersionOf } from './world/foreign-template.ts';
import type { GroupKind, Owner, OwnerKind } from './world/owner-kinds.ts';
import { trimOwner } from './world/trim-owner.ts';
import type { Change } from './world/view.ts';
import type { World } from './world/world.ts';

interface Parts {
  readonly kube: Kube;
  readonly random: () => number;
  readonly world: World;
  /** Every change of the world that a source made. */
  readonly news$: Observable<Change>;
}

// A CustomResourceDefinition tells when a kind comes; only an aggregated API server adds one without a word.
const absentLimits = { baseMs: 500, ceilingMs: 300_000 };

/**
 * The sources, and one more list-watch for each kind that an object of the world or a policy names and that has a place,
 * for as long as that is so. Of their objects only metadata is read, but for CloneSets and those whose pod templates are to
 * be written. Neither completes nor errors.
 */
export const withOwners =
  (sources: readonly Source[], parts: Pick<Parts, 'kube' | 'random'>): Source =>
  (world) =>
    defer(() => {
      const news$ = new Subject<Change>();
      return merge(...sources.map((source) => source(world))).pipe(
        map((change): Steps => [change]),
        expand((steps) =>
          from(steps).pipe(
            mergeMap((change) => {
              news$.next(change);
              return change.kind === 'OwnerKind' && change.after && isAskedAnew(change)
                ? follow({ ...parts, world, news$ }, change.after)
                : EMPTY;
            }),
          ),
        ),
        mergeMap((steps) => steps),
      );
    });

// What the world did at once. One of them may end the very watch that brought it, and the others must be told all the same.
type Steps = readonly Change[];

const follow = (parts: Parts, { group, kind, whole }: OwnerKind): Observable<Steps> => {
  const { kube, random, world, news$ } = parts;
  let failures = 0;
  const attempt$ = fromCall((signal) => kube.discover(group, { signal })).pipe(
    mergeMap((found) => {
      const reading = isOurs({ group, kind }) ? undefined : readingOf(found, { group, kind, whole });
      if (!reading) return of(absent(world, { group, kind }));
      failures = 0;
      return watchOwners(parts, reading);
    }),
    catchError((error: unknown) =>
      of(world.judgeOwnerKind({ group, kind, standing: 'Failing', resource: '', problem: messageOf(error) })),
    ),
  );
  const defined$ = news$.pipe(
    filter((change) => change.kind === 'CustomResourceDefinition' && groupIn(change) === group),
    tap(() => (failures = 0)),
  );
  return attempt$.pipe(
    repeat({
      delay: () => {
        failures += 1;
        return merge(timer(growingDelay(failures, random, absentLimits)), defined$);
      },
    }),
    takeUntil(news$.pipe(filter((change) => isOver(change, { group, kind })))),
  );
};

// Nothing else that the operator itself reads or writes owns pods, and a watch of all Events, say, would be no small matter.
const isOurs = ({ group, kind }: GroupKind): boolean =>
  Object.values(resources).some(
    (resource) =>
      resource.scope !== 'workload-templates' && resource.group === group && resource.kind === kind,
  );

/** How the objects of a kind are read. */
interface Reading {
  readonly resource: Resource<'list' | 'watch'>;
  readonly selection: Selection;
  readonly trim: (raw: never) => Owner;
}

const readingOf = (
  found: readonly DiscoveredResource[],
  { group, kind, whole }: Pick<OwnerKind, 'group' | 'kind' | 'whole'>,
): Reading | undefined => {
  const version = templateVersionOf({ group, kind });
  const versioned = whole ? found.filter((each) => each.version === version) : [];
  const resource = watchable(versioned, kind);
  if (resource)
    return { resource, selection: { managedFields: true }, trim: trimOwner({ group, kind }, true) };
  const other = watchable(found, kind);
  // That something of a template is left to release, metadata tells as well.
  const selection = { metadataOnly: !isCloneSet({ group, kind }), managedFields: version !== undefined };
  return other && { resource: other, selection, trim: trimOwner({ group, kind }) };
};

const absent = (world: World, of: GroupKind): readonly Change[] => [
  ...world.judgeOwnerKind({ ...of, standing: 'Absent', resource: '', problem: '' }),
  ...world.applyOwners(of, { kind: 'listing' }),
  ...world.applyOwners(of, { kind: 'synced' }),
];

const groupIn = ({ before, after }: Extract<Change, { kind: 'CustomResourceDefinition' }>) =>
  (after ?? before)?.group;

// Asked for at last, otherwise than before, or no longer.
const isAskedAnew = ({ before, after }: Step<OwnerKind>): boolean => before?.whole !== after?.whole;

const isOver = (change: Change, { group, kind }: GroupKind): boolean =>
  change.kind === 'OwnerKind' &&
  isAskedAnew(change) &&
  change.before?.group === group &&
  change.before.kind === kind;

// Ends when the kind is gone: another version of it may be served.
const watchOwners = (
  { kube, random, world }: Parts,
  { resource, selection, trim }: Reading,
): Observable<Steps> => {
  const { group, kind, plural } = resource;
  const judge = (standing: OwnerKind['standing'], problem = ''): readonly Change[] =>
    world.judgeOwnerKind({ group, kind, standing, resource: group ? `${plural}.${group}` : plural, problem });
  const standingAfter = (watched: Watched<Owner>): readonly Change[] => {
    if (watched.kind === 'synced' || watched.kind === 'recovered') return judge('Readable');
    if (watched.kind !== 'failed' || isNotFound(watched.error)) return [];
    if (isForbidden(watched.error)) return judge('Forbidden', messageOf(watched.error));
    // What was listed once stays known while a watch is taken up again.
    const listed = world.ownerKind(resource)?.standing === 'Readable';
    return listed ? [] : judge('Failing', messageOf(watched.error));
  };
  const calls = listWatchCalls(kube, resource, { ...selection, trim });
  return listWatch<Owner>(calls, listWatchOptions(random)).pipe(
    takeWhile((watched) => watched.kind !== 'failed' || !isNotFound(watched.error), true),
    map((watched): Steps => [...standingAfter(watched), ...world.applyOwners(resource, watched)]),
  );
};

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
