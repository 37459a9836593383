import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { format } from 'prettier';
import type { Comparison, Findings, Judged } from './findings.ts';
import { plotOf } from './plot.ts';
import type { Summary } from './statistics.ts';

const docs = join(import.meta.dirname, '../../docs');
const page = join(docs, 'performance.md');
const begin = '<!-- measured: rewritten by make bench-admission -->';
const end = '<!-- /measured -->';

const ms = ({ median }: Summary): string => median.toFixed(1);
const ratio = ({ median, low, high }: Summary): string =>
  `${median.toFixed(2)} (${low.toFixed(2)}–${high.toFixed(2)})`;
const rowOf = (cells: readonly (string | number)[]): string => `| ${cells.join(' | ')} |`;
const tableOf = (head: readonly string[], rows: readonly (readonly (string | number)[])[]): string =>
  [rowOf(head), rowOf(head.map(() => '---')), ...rows.map(rowOf)].join('\n');

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
        ratio(over.p50),
        ratio(over.p99),
        ratioToPatched ? ratio(ratioToPatched.p50) : '',
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
      ratio(over.p50),
      ratio(over.p99),
    ]),
  );

const verdictLine = ({ claim, goal, measured, verdict }: Judged): string =>
  `- ${claim}: ${ratio(measured)}, goal ${goal}, ${verdict === 'unclear' ? 'missed by less than the spread' : 'missed'}`;

const verdictsOf = (verdicts: readonly Judged[]): string => {
  const short = verdicts.filter(({ verdict }) => verdict !== 'met');
  const met = `${verdicts.length - short.length} of ${verdicts.length} goals are met.`;
  return [met, ...(short.length > 0 ? ['The others:', '', ...short.map(verdictLine)] : [])].join('\n');
};

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
  const text = `
Measured on ${machine.date}: ${machine.cores} cores (${machine.processor}), ${machine.memoryGiB} GiB, Linux ${machine.kernel},
Node ${machine.node}; load ${machine.loadBefore.toFixed(1)} before and ${machine.loadAfter.toFixed(1)} after the run of
${Math.round(seconds / 60)} minutes; ${roundsPerWay} rounds each. ${verdictsOf(findings.verdicts)}

Times are P50 / P99 of one creation in milliseconds, medians over the rounds; ratios are taken round by round, with the
quartiles in brackets.

${admissionTable(findings.admission)}

A cluster in which nobody has written a policy, beside one in which no operator runs:

${withoutTable(findings.withoutPolicies)}

${creations.created.toLocaleString('en')} pods were created; ${creations.failures.length} creations failed or came back without
their stamp. The operator held ${memory.beforeMiB.toFixed(0)} MiB before the last ${memory.creations.toLocaleString('en')} of them and ${memory.afterMiB.toFixed(0)} MiB after.

${failuresOf(creations.failures)}
`;
  return format(text, { parser: 'markdown', printWidth: 110, proseWrap: 'preserve' });
};

/** Writes the findings into docs/performance.md, with the figures and the plot beside it. */
export const writeReport = async (findings: Findings): Promise<void> => {
  const beside = join(docs, 'performance');
  await mkdir(beside, { recursive: true });
  const before = await readFile(page, 'utf8');
  const [head, rest] = before.split(begin);
  const tail = rest?.split(end)[1];
  if (head === undefined || tail === undefined)
    throw new Error(`${page} lacks the lines ${begin} and ${end}`);
  const measured = `${pictures}\n\n${(await textOf(findings)).trim()}`;
  await writeFile(page, `${head}${begin}\n\n${measured}\n\n${end}${tail}`);
  const json = await format(JSON.stringify(findings), { parser: 'json', printWidth: 110 });
  await writeFile(join(beside, 'admission.json'), json);
  await writeFile(join(beside, 'admission.svg'), plotOf(findings.admission));
};
