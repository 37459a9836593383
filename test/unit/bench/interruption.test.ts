import { describe, expect, it } from 'vitest';
import { outageMs } from '../../bench/interruption/availability.ts';
import { type Measurements, titleOf, verdictsOf } from '../../bench/interruption/findings.ts';
import { syncedIn } from '../../bench/interruption/growth.ts';
import { uidRemoved } from '../../bench/interruption/removals.ts';
import type { Storm } from '../../bench/interruption/storm.ts';

const aStorm = (wishes: Partial<Storm> = {}): Storm => ({
  noticesMs: 500,
  totalMs: 1_000,
  p50Ms: 400,
  p99Ms: 900,
  calls: 500,
  lost: 0,
  ...wishes,
});

const none: Measurements = {
  storms: [],
  latency: { ours: [], limit: [] },
  unblock: { ours: [], drain: [] },
  availability: undefined,
  growth: [],
};

const kind = { size: 500, budgets: false, still: true };

const missedOf = (measured: Partial<Measurements>): readonly string[] =>
  verdictsOf({ ...none, ...measured })
    .filter(({ verdict }) => verdict === 'missed')
    .map(({ claim }) => claim);

describe('a storm', () => {
  const played = (ours: Storm, limit?: Storm, drain?: Storm, wishes: Partial<typeof kind> = {}) => ({
    storms: [
      {
        ...kind,
        ...wishes,
        rounds: { ours: [ours], limit: limit ? [limit] : [], drain: drain ? [drain] : [] },
      },
    ],
  });

  it('is fast enough up to half as long again as the limit of its round', () => {
    expect(missedOf(played(aStorm({ totalMs: 1_500 }), aStorm()))).toEqual([]);
    expect(missedOf(played(aStorm({ totalMs: 1_510 }), aStorm()))).toEqual(['500 pods: time over the limit']);
  });

  it('is compared with kubectl drain from 500 pods on', () => {
    const [ours, drain] = [aStorm(), aStorm({ totalMs: 9_000 })];
    expect(missedOf(played(ours, undefined, drain))).toEqual(["500 pods: time over kubectl drain's"]);
    expect(missedOf(played(ours, undefined, drain, { size: 100 })).join()).not.toContain('drain');
    expect(missedOf(played(ours, undefined, aStorm({ totalMs: 10_000 })))).toEqual([]);
  });

  it('may ask once for each pod, and more often only under budgets', () => {
    const often = aStorm({ calls: 526 });
    expect(missedOf(played(often))).toEqual(['500 pods: requests for an eviction per pod']);
    expect(missedOf(played(often, undefined, undefined, { budgets: true, still: false }))).toEqual([]);
  });

  it('may lose no pod', () => {
    expect(missedOf(played(aStorm({ lost: 1 })))).toEqual(['500 pods: lost pods']);
  });

  it('is told with what is special about it', () => {
    expect(titleOf({ ...kind, size: 1_000 })).toBe('1,000 pods');
    expect(titleOf({ ...kind, still: false })).toBe('500 pods beside all controllers');
    expect(titleOf({ ...kind, still: false, budgets: true })).toBe('500 pods under budgets of 10 %');
  });
});

it('one pod may take 100 ms more than a bare loop, round by round', () => {
  const delays = (p99Ms: number) => ({ p50Ms: 10, p99Ms });
  expect(missedOf({ latency: { ours: [delays(250)], limit: [delays(150)] } })).toEqual([]);
  expect(missedOf({ latency: { ours: [delays(251)], limit: [delays(150)] } })).toHaveLength(1);
});

it('a pod behind a freed budget may wait half a second', () => {
  const measured = (p99Ms: number) => ({ unblock: { ours: [{ p50Ms: 10, p99Ms }], drain: [] } });
  expect(missedOf(measured(500))).toEqual([]);
  expect(missedOf(measured(501))).toHaveLength(1);
});

describe('growth', () => {
  const footprint = { pods: 1_000, residentMiB: 100, syncedMs: 200, listMs: 100, perEventMs: 1 };
  const grown = (wishes: Partial<typeof footprint>) => ({
    growth: [[footprint], [{ ...footprint, pods: 10_000, ...wishes }]],
  });

  it('may cost 4 kB for each further pod, and 200 MiB at most', () => {
    expect(missedOf(grown({ residentMiB: 135 }))).toEqual([]);
    expect(missedOf(grown({ residentMiB: 136 }))).toEqual(['resident memory of each further pod, kB']);
    expect(missedOf(grown({ residentMiB: 201 }))).toContain('resident memory at 10,000 pods, MiB');
  });

  it('may take twice as long to know everything as a bare list does', () => {
    expect(missedOf(grown({ syncedMs: 200 }))).toEqual([]);
    expect(missedOf(grown({ syncedMs: 201 }))).toEqual(['10,000 pods: time until synced over a bare list']);
  });

  it('may not make a watch event dearer', () => {
    expect(missedOf(grown({ perEventMs: 1.3 }))).toEqual([
      'processor time of a watch event, most pods over fewest',
    ]);
  });

  it('knows from the log when everything was listed, and not before', () => {
    const line = (second: number, message: string): string =>
      JSON.stringify({ time: `2026-01-01T00:00:0${second}.000Z`, message });
    const log = [line(1, 'serving'), line(3, 'source synced'), line(4, 'source synced'), ''];
    expect(syncedIn(log.join('\n'))).toBeUndefined();
    expect(syncedIn([...log.slice(0, 3), line(5, 'leading'), ''].join('\n'))).toBe(3_000);
  });
});

describe('an outage', () => {
  const sights = (...seen: readonly (readonly [number, boolean])[]) =>
    outageMs(seen.map(([atMs, ready]) => ({ atMs, ready })));

  it('is the time without a Ready endpoint, however often one goes', () => {
    const seen = [
      [0, true],
      [10, false],
      [15, false],
      [30, true],
      [40, false],
      [41, true],
    ] as const;
    expect(sights(...seen)).toBe(21);
  });

  it('begins when there first was an endpoint', () => {
    expect(sights([0, false], [10, true], [50, true])).toBe(0);
    expect(sights([0, false])).toBeNaN();
  });
});

it('of a watch only lines about pods that are being removed count, by the UID of the pod itself', () => {
  const line = (deletion: string): string =>
    `{"type":"MODIFIED","object":{"kind":"Pod","metadata":{"name":"a","uid":"u1",${deletion}"ownerReferences":[{"uid":"u2"}]}}}`;
  expect(uidRemoved(line('"deletionTimestamp":"2026-01-01T00:00:00Z",'))).toBe('u1');
  expect(uidRemoved(line(''))).toBeUndefined();
});
