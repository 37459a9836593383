import type { Comparison } from './findings.ts';
import type { Summary } from './statistics.ts';
import { colours, dot, line, picture, text } from './svg.ts';

const goal = 1.15;
const panel = { width: 380, height: 260, left: 46, top: 40, gap: 40 };

/** How far down a ratio is drawn. */
const scaleOf = (summaries: readonly Summary[]) => {
  const highest = Math.max(1.3, ...summaries.map(({ high }) => high));
  const lowest = Math.min(0.9, ...summaries.map(({ low }) => low));
  const y = (value: number): number => panel.top + (panel.height * (highest - value)) / (highest - lowest);
  const ticks = Array.from({ length: 60 }, (_, index) => index / 10).filter(
    (tick) => tick >= lowest && tick <= highest,
  );
  return { y, ticks };
};

const panelOf = (
  comparisons: readonly Comparison[],
  which: 'p50' | 'p99',
  { clients, ways }: { clients: readonly number[]; ways: readonly string[] },
  x0: number,
): string[] => {
  const { y, ticks } = scaleOf(comparisons.map(({ ratio }) => ratio[which]));
  const right = x0 + panel.width;
  const group = panel.width / clients.length;
  const marks = comparisons.flatMap((comparison) => {
    const { median, low, high } = comparison.ratio[which];
    const way = ways.indexOf(comparison.way);
    const x = x0 + group * (clients.indexOf(comparison.clients) + (way + 1) / (ways.length + 1));
    const colour = colours[way % colours.length] ?? '';
    return [line(x, y(low), x, y(high), `stroke="${colour}" stroke-width="2"`), dot(x, y(median), colour)];
  });
  return [
    text(x0, panel.top - 14, `${which.toUpperCase()}, ours over the limit`, 'font-weight="bold"'),
    ...ticks.flatMap((tick) => [
      line(x0, y(tick), right, y(tick), 'stroke="#ddd"'),
      text(x0 - 6, y(tick) + 4, tick.toFixed(1), 'text-anchor="end"'),
    ]),
    line(x0, y(goal), right, y(goal), 'stroke="#d1495b" stroke-dasharray="5 4"'),
    text(right, y(goal) - 4, `goal ${goal}`, 'text-anchor="end" fill="#d1495b"'),
    ...clients.map((count, index) =>
      text(
        x0 + group * (index + 0.5),
        panel.top + panel.height + 18,
        `${count} ${count === 1 ? 'client' : 'clients'}`,
        'text-anchor="middle"',
      ),
    ),
    ...marks,
  ];
};

/** The ratios to the limit as an SVG: a dot for each median, a bar from quartile to quartile. */
export const plotOf = (comparisons: readonly Comparison[]): string => {
  const ways = [...new Set(comparisons.map(({ way }) => way))];
  const clients = [...new Set(comparisons.map(({ clients: count }) => count))];
  const second = panel.left + panel.width + panel.gap;
  const width = second + panel.width + 16;
  const legendTop = panel.top + panel.height + 42;
  const legend = ways.flatMap((way, index) => {
    const [x, top] = [panel.left + (index % 3) * 260, legendTop + Math.floor(index / 3) * 20];
    return [dot(x, top - 4, colours[index % colours.length] ?? ''), text(x + 10, top, way)];
  });
  const height = legendTop + Math.ceil(ways.length / 3) * 20;
  return picture(width, height, [
    ...panelOf(comparisons, 'p50', { clients, ways }, panel.left),
    ...panelOf(comparisons, 'p99', { clients, ways }, second),
    ...legend,
  ]);
};
