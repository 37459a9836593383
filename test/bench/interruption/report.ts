import { formatted, runText, spread, tableOf, verdictsText, writeMeasured } from '../markdown.ts';
import { ratios, summaryOf } from '../statistics.ts';
import { careful } from './availability.ts';
import { type Findings, type Measurements, over, type Storms, titleOf } from './findings.ts';
import type { Delays } from './latency.ts';
import { plotOf } from './plot.ts';
import type { Storm, Way } from './storm.ts';

const seconds = (rounds: readonly Storm[], figure: (storm: Storm) => number): string =>
  rounds.length > 0 ? (over(rounds, figure).median / 1000).toFixed(1) : '';

const stormRow = (storms: Storms): readonly string[] => {
  const { ours, limit, drain } = storms.rounds;
  const total = ({ totalMs }: Storm): number => totalMs;
  const ratioTo = (rounds: readonly Storm[]): string =>
    rounds.length > 0 ? spread(summaryOf(ratios(ours.map(total), rounds.map(total)))) : '';
  const perPod = (rounds: readonly Storm[]): string =>
    rounds.length > 0 ? over(rounds, ({ calls }) => calls / storms.size).median.toFixed(2) : '';
  const lost = (['ours', 'limit', 'drain'] as const satisfies readonly Way[])
    .map((way) => storms.rounds[way])
    .map((rounds) => (rounds.length > 0 ? String(Math.max(...rounds.map((storm) => storm.lost))) : '–'));
  return [
    titleOf(storms),
    [ours, limit, drain].map((rounds) => seconds(rounds, ({ noticesMs }) => noticesMs) || '–').join(' / '),
    seconds(limit, total),
    seconds(ours, total),
    seconds(drain, total),
    ratioTo(limit),
    `${seconds(ours, ({ p50Ms }) => p50Ms)} / ${seconds(ours, ({ p99Ms }) => p99Ms)}`,
    [ours, limit, drain].map(perPod).filter(Boolean).join(' / '),
    lost.join(' / '),
  ];
};

const stormTable = (storms: readonly Storms[]): string =>
  tableOf(
    [
      'storm',
      'notices, s: ours / limit / drain',
      'limit, s',
      'ours, s',
      'drain, s',
      'ours / limit',
      'P50 / P99 of ours, s',
      'requests per pod: ours / limit / drain',
      'lost: ours / limit / drain',
    ],
    storms.map(stormRow),
  );

const delaysRow = (what: string, rounds: readonly Delays[]): readonly string[] => [
  what,
  spread(
    over(rounds, ({ p50Ms }) => p50Ms),
    0,
  ),
  spread(
    over(rounds, ({ p99Ms }) => p99Ms),
    0,
  ),
];

const delaysTable = ({ latency, unblock }: Measurements): string =>
  tableOf(
    ['from … to the accepted eviction', 'P50, ms', 'P99, ms'],
    [
      delaysRow('notice of one pod: bare watch-then-evict loop', latency.limit),
      delaysRow('notice of one pod: ours', latency.ours),
      delaysRow('budget freed: ours', unblock.ours),
      delaysRow('budget freed: `kubectl drain`', unblock.drain),
    ],
  );

const outageTable = (outages: NonNullable<Measurements['availability']>): string =>
  tableOf(
    ['one replica under `maxUnavailable: 0`', 'seconds without a Ready endpoint'],
    careful.map((care) => [care, spread(summaryOf(outages[care]), 1)]),
  );

const growthTable = (growth: Measurements['growth']): string =>
  tableOf(
    [
      'pods',
      'resident, MiB',
      'synced after, s',
      'bare list, s',
      'synced / list',
      'processor time per event, ms',
    ],
    growth.map((rounds) => [
      rounds[0]?.pods.toLocaleString('en') ?? '',
      spread(
        over(rounds, ({ residentMiB }) => residentMiB),
        0,
      ),
      over(rounds, ({ syncedMs }) => syncedMs / 1000).median.toFixed(2),
      over(rounds, ({ listMs }) => listMs / 1000).median.toFixed(2),
      spread(over(rounds, ({ syncedMs, listMs }) => syncedMs / listMs)),
      spread(over(rounds, ({ perEventMs }) => perEventMs)),
    ]),
  );

/** What a run found, as Markdown; parts that were left out are not there. */
export const textOf = async (findings: Findings): Promise<string> => {
  const { machine, seconds: took, rounds, windowMinutes, verdicts, measurements } = findings;
  const { storms, latency, availability, growth } = measurements;
  return formatted(
    [
      `${runText(machine, took)}; rounds: ${rounds}, more of storms below 500 pods; minutes from a notice to the reclaim: ${windowMinutes}. ${verdictsText(verdicts)}`,
      'Medians over the rounds; in brackets the quartiles.',
      ...(storms.length > 0 ? [stormTable(storms)] : []),
      ...(latency.ours.length > 0 ? [delaysTable(measurements)] : []),
      ...(availability ? [outageTable(availability)] : []),
      ...(growth.length > 0 ? [growthTable(growth)] : []),
    ].join('\n\n'),
  );
};

const picture = `![Time until the last eviction, by size of the storm](performance/interruption.svg)

The figures of every round: [performance/interruption.json](performance/interruption.json).`;

/** Writes the findings into docs/performance.md, with the figures and the plot beside it. */
export const writeReport = async (findings: Findings): Promise<void> =>
  writeMeasured({
    target: 'bench',
    text: `${picture}\n\n${(await textOf(findings)).trim()}`,
    beside: { 'interruption.json': findings, 'interruption.svg': plotOf(findings.measurements.storms) },
  });
