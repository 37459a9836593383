import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { format } from 'prettier';
import type { Machine } from './machine.ts';
import type { Judged, Summary } from './statistics.ts';

/** A median with its quartiles. */
export const spread = ({ median, low, high }: Summary, digits = 2): string =>
  `${median.toFixed(digits)} (${low.toFixed(digits)}–${high.toFixed(digits)})`;

/** A table of Markdown. */
export const tableOf = (head: readonly string[], rows: readonly (readonly (string | number)[])[]): string =>
  [rowOf(head), rowOf(head.map(() => '---')), ...rows.map(rowOf)].join('\n');

const rowOf = (cells: readonly (string | number)[]): string => `| ${cells.join(' | ')} |`;

/** Where and when a run took place. */
export const runText = (machine: Machine, seconds: number): string => `
Measured on ${machine.date}: ${machine.cores} cores (${machine.processor}), ${machine.memoryGiB} GiB, Linux ${machine.kernel},
Node ${machine.node}; load ${machine.loadBefore.toFixed(1)} before and ${machine.loadAfter.toFixed(1)} after the run of
${Math.round(seconds / 60)} minutes`;

/** How many goals are met, and which are not. */
export const verdictsText = (verdicts: readonly Judged[]): string => {
  const short = verdicts.filter(({ verdict }) => verdict !== 'met');
  const met = `${verdicts.length - short.length} of ${verdicts.length} goals are met.`;
  return [met, ...(short.length > 0 ? ['The others:', '', ...short.map(verdictLine)] : [])].join('\n');
};

const verdictLine = ({ claim, goal, measured, verdict }: Judged): string =>
  `- ${claim}: ${spread(measured)}, goal ${goal}, ${verdict === 'unclear' ? 'missed by less than the spread' : 'missed'}`;

/** Text laid out as the repository's Markdown is. */
export const formatted = (text: string): Promise<string> =>
  format(text, { parser: 'markdown', printWidth: 110, proseWrap: 'preserve' });

const docs = join(import.meta.dirname, '../../docs');
const page = join(docs, 'performance.md');
const end = '<!-- /measured -->';

/** One part of docs/performance.md and what lies beside it in docs/performance/. */
export interface Measured {
  /** The make target that rewrites it, by which its markers are found. */
  readonly target: string;
  readonly text: string;
  /** Files by name. */
  readonly beside: { readonly [name: `${string}.json`]: object; readonly [name: `${string}.svg`]: string };
}

/** Replaces what lies between the markers of a target, and the files. Throws where the page lacks the markers. */
export const writeMeasured = async ({ target, text, beside }: Measured): Promise<void> => {
  const begin = `<!-- measured: rewritten by make ${target} -->`;
  const before = await readFile(page, 'utf8');
  const [head, rest] = before.split(begin);
  const at = rest?.indexOf(end) ?? -1;
  if (head === undefined || rest === undefined || at < 0)
    throw new Error(`${page} lacks the lines ${begin} and ${end}`);
  await writeFile(page, `${head}${begin}\n\n${text.trim()}\n\n${rest.slice(at)}`);
  await mkdir(join(docs, 'performance'), { recursive: true });
  for (const [name, content] of Object.entries(beside)) {
    const written =
      typeof content === 'string'
        ? content
        : await format(JSON.stringify(content), { parser: 'json', printWidth: 110 });
    await writeFile(join(docs, 'performance', name), written);
  }
};
