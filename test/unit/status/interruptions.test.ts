import { describe, expect, it } from 'vitest';
import { entryOf, summarize, toList, withListed } from '../../../operator/status/interruptions.ts';
import { noTotals } from '../../../operator/world/interruption.ts';
import { apiTime } from '../../../operator/world/object.ts';
import { anInterruption } from '../../builders/interruption.ts';
import { at, uidOf } from '../../builders/pod.ts';

describe('the storm in one line', () => {
  it('counts what is under way, what is blocked and what waits for its replacement', () => {
    expect(
      summarize([
        anInterruption({ name: 'a', phase: 'Blocked' }),
        anInterruption({ name: 'b', phase: 'Evicting' }),
        anInterruption({ name: 'c', phase: 'AwaitingReplacement', ending: { how: 'Gone', atMs: at(1) } }),
        anInterruption({ name: 'd', phase: 'Done', ending: { how: 'Gone', atMs: at(1) } }),
      ]),
    ).toMatchObject({ active: 3, blocked: 1, awaitingReplacement: 1 });
  });

  it('has the earliest deadline of those that have not ended', () => {
    const ended = { ending: { how: 'Gone', atMs: at(1) }, deadlineMs: at(10) } as const;
    expect(
      summarize([
        anInterruption({ deadlineMs: at(200) }),
        anInterruption({ name: 'b', deadlineMs: at(100) }),
        anInterruption({ name: 'c', phase: 'AwaitingReplacement', ...ended }),
      ]).earliestDeadline,
    ).toBe(apiTime(at(100)));
    expect(summarize([])).toEqual({ active: 0, blocked: 0, awaitingReplacement: 0 });
  });
});

describe('the list of interruptions', () => {
  const names = (...interruptions: ReturnType<typeof anInterruption>[]): string[] =>
    toList(interruptions).map(({ name }) => name);

  it('begins with those under way, the earliest deadline first, then the newest that are over', () => {
    expect(
      names(
        anInterruption({ name: 'old', phase: 'Done', noticedAtMs: at(-200) }),
        anInterruption({ name: 'new', phase: 'Done', noticedAtMs: at(-100) }),
        anInterruption({ name: 'later', deadlineMs: at(200) }),
        anInterruption({ name: 'sooner', deadlineMs: at(100) }),
      ),
    ).toEqual(['sooner', 'later', 'new', 'old']);
  });

  it('has one order for equal ones, whatever order they come in', () => {
    const [a, b] = [anInterruption({ name: 'a' }), anInterruption({ name: 'b' })];
    expect(names(a, b)).toEqual(names(b, a));
  });

  it('is of twenty at most', () => {
    const many = Array.from({ length: 30 }, (_, index) => anInterruption({ name: `p-${index}` }));
    expect(toList(many)).toHaveLength(20);
  });

  it('lists the first of every namespace, however many one of them has', () => {
    const one = (namespace: string, index: number, deadlineMs: number) =>
      anInterruption({ namespace, name: `${namespace}-${index}`, uid: `${namespace}-${index}`, deadlineMs });
    const mallory = Array.from({ length: 500 }, (_, index) => one('mallory', index, at(1)));
    const others = ['bank', 'shop'].flatMap((namespace) =>
      [0, 1, 2].map((index) => one(namespace, index, at(100 + index))),
    );
    const listed = toList([...mallory, ...others]).map(({ name }) => name);
    expect(listed).toHaveLength(20);
    expect(listed.filter((pod) => !pod.startsWith('mallory'))).toEqual([
      ...['bank-0', 'shop-0', 'bank-1', 'shop-1', 'bank-2', 'shop-2'],
    ]);
    // What is over gives way to what is under way, whoever has it.
    const over = others.map((each) => ({ ...each, phase: 'Done' as const }));
    const active = toList([...mallory, ...over]);
    expect(active.every(({ namespace }) => namespace === 'mallory')).toBe(true);
  });
});

it('the totals count what is listed, and not twice', () => {
  const totals = { ...noTotals, noticed: 3 };
  const listed = [anInterruption(), anInterruption({ name: 'b', counted: true })];
  expect(withListed(totals, listed)).toEqual({ ...totals, noticed: 4 });
});

describe('an entry', () => {
  it('of a young one has what is known and no more', () => {
    expect(entryOf(anInterruption({ nodeName: undefined, workload: undefined, message: 'm' }))).toEqual({
      pod: 'web-1',
      uid: uidOf('Pod', 'web-1'),
      noticedAt: '2026-03-01T12:00:00Z',
      deadline: '2026-03-01T12:03:00Z',
      phase: 'Noticed',
      message: 'm',
    });
  });

  it('of one that is over tells the whole story', () => {
    const replacement = { uid: 'u', name: 'web-2', capacity: 'on-demand', readyAtMs: at(20) } as const;
    const over = { phase: 'Done', outcome: 'Replaced', evictedAtMs: at(1), replacement } as const;
    expect(entryOf(anInterruption(over))).toMatchObject({
      node: 'virtual-kubelet-cn-hangzhou-h',
      workload: { group: 'apps', kind: 'Deployment', name: 'web', uid: uidOf('Deployment', 'web') },
      evictedAt: apiTime(at(1)),
      replacement: { pod: 'web-2', uid: 'u', capacity: 'OnDemand', readyAt: apiTime(at(20)) },
      outcome: 'Replaced',
    });
  });

  it('has a message that the API server takes', () => {
    expect(entryOf(anInterruption({ message: 'x'.repeat(2000) })).message).toHaveLength(1024);
  });
});
