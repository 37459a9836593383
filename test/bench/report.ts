import type { Comparison, Findings } from './findings.ts';
import { formatted, runText, spread, tableOf, verdictsText, writeMeasured } from './markdown.ts';
import { plotOf } from './plot.ts';
import type { Summary } from './statistics.ts';

const ms = ({ median }: Summary): string => median.toFixed(1);

const admissionTable = (comparisons: readonly Comparison[]): string =>
  tableOf(
    [
      'clients',
      'policies',
      'no webhook',
      'limit',
      'with a patch',
      'ours',
      'P50 ours / limit',
      'P99 ours / limit',
      'P50 ours / with a patch',
    ],
    comparisons.map(
      ({ clients, way, withoutMs, limitMs, patchedMs, oursMs, ratio: over, ratioToPatched }) => [
        clients,
        way,
        `${ms(withoutMs.p50)} / ${ms(withoutMs.p99)}`,
        limitMs ? `${ms(limitMs.p50)} / ${ms(limitMs.p99)}` : '',
        patchedMs ? `${ms(patchedMs.p50)} / ${ms(patchedMs.p99)}` : '',
        `${ms(oursMs.p50)} / ${ms(oursMs.p99)}`,
        spread(over.p50),
        spread(over.p99),
        ratioToPatched ? spread(ratioToPatched.p50) : '',
      ],
    ),
  );

const withoutTable = (comparisons: readonly Comparison[]): string =>
  tableOf(
    ['clients', 'no operator', 'operator, no policies', 'P50 ratio', 'P99 ratio'],
    comparisons.map(({ clients, withoutMs, oursMs, ratio: over }) => [
      clients,
      `${ms(withoutMs.p50)} / ${ms(withoutMs.p99)}`,
      `${ms(oursMs.p50)} / ${ms(oursMs.p99)}`,
      spread(over.p50),
      spread(over.p99),
    ]),
  );

const pictures = `![Ratios of P50 and P99 to the limit](performance/admission.svg)

The figures, all quartiles included: [performance/admission.json](performance/admission.json).`;
const mostFailures = 5;

/** The failures that came most often, in words. */
const failuresOf = (failures: readonly string[]): string => {
  const counts = new Map<string, number>();
  for (const failure of failures) counts.set(failure, (counts.get(failure) ?? 0) + 1);
  const most = [...counts].toSorted(([, a], [, b]) => b - a).slice(0, mostFailures);
  return most.map(([failure, count]) => `- ${count} times: ${failure}`).join('\n');
};

/** What a run found, as Markdown. */
export const textOf = async (findings: Findings): Promise<string> => {
  const { machine, memory, creations, seconds, roundsPerWay } = findings;
  const text = `${runText(machine, seconds)}; ${roundsPerWay} rounds each. ${verdictsText(findings.verdicts)}

Times are P50 / P99 of one creation in milliseconds, medians over the rounds; ratios are taken round by round, with the
quartiles in brackets.

${admissionTable(findings.admission)}

A cluster in which nobody has written a policy, beside one in which no operator runs:

${withoutTable(findings.withoutPolicies)}

${creations.created.toLocaleString('en')} pods were created; ${creations.failures.length} creations failed or came back without
their stamp. The operator held ${memory.beforeMiB.toFixed(0)} MiB before the last ${memory.creations.toLocaleString('en')} of them and ${memory.afterMiB.toFixed(0)} MiB after.

${failuresOf(creations.failures)}
`;
  return formatted(text);
};

/** Writes the findings into docs/performance.md, with the figures and the plot beside it. */
export const writeReport = async (findings: Findings): Promise<void> =>
  writeMeasured({
    target: 'bench-admission',
    text: `${pictures}\n\n${(await textOf(findings)).trim()}`,
    beside: { 'admission.json': findings, 'admission.svg': plotOf(findings.admission) },
  });
