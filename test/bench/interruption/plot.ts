import { colours, dot, line, picture, text } from '../svg.ts';
import { over, type Storms } from './findings.ts';
import type { Way } from './storm.ts';

const ways: readonly (readonly [Way, string])[] = [
  ['limit', 'limit'],
  ['ours', 'ours'],
  ['drain', 'kubectl drain'],
];
const panel = { width: 250, height: 240, left: 46, top: 40, gap: 40 };
const panels: readonly (readonly [string, (storms: Storms) => boolean])[] = [
  ['no budget', ({ still }) => still],
  ['no budget, beside all controllers', ({ still, budgets }) => !still && !budgets],
  ['budgets of 10 %', ({ budgets }) => budgets],
];

// From a fifth of a second to what kubectl needs.
const scaleOf = (highestMs: number) => {
  const [low, high] = [Math.log10(0.2), Math.log10(Math.max(10, (highestMs / 1000) * 1.2))];
  const y = (value: number): number => panel.top + (panel.height * (high - Math.log10(value))) / (high - low);
  return {
    y,
    ticks: [0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500].filter((tick) => Math.log10(tick) <= high),
  };
};

/** The time until the last eviction as an SVG: a dot for each median, a bar from quartile to quartile, seconds in powers of ten. */
export const plotOf = (storms: readonly Storms[]): string => {
  const all = storms.flatMap(({ rounds }) => Object.values(rounds).flat());
  const { y, ticks } = scaleOf(Math.max(...all.map(({ totalMs }) => totalMs)));
  const sizes = [...new Set(storms.map(({ size }) => size))].toSorted((a, b) => a - b);
  const width = panel.left + panels.length * (panel.width + panel.gap);
  const group = panel.width / sizes.length;
  const drawn = panels.flatMap(([title, belongs], index) => {
    const x0 = panel.left + index * (panel.width + panel.gap);
    const marks = storms.filter(belongs).flatMap(({ size, rounds }) =>
      ways.flatMap(([way], order) => {
        if (rounds[way].length === 0) return [];
        const { median, low, high } = over(rounds[way], ({ totalMs }) => totalMs / 1000);
        const x = x0 + group * (sizes.indexOf(size) + (order + 1) / (ways.length + 1));
        const colour = colours[order] ?? '';
        return [
          line(x, y(low), x, y(high), `stroke="${colour}" stroke-width="2"`),
          dot(x, y(median), colour),
        ];
      }),
    );
    return [
      text(x0, panel.top - 14, title, 'font-weight="bold"'),
      ...ticks.flatMap((tick) => [
        line(x0, y(tick), x0 + panel.width, y(tick), 'stroke="#ddd"'),
        text(x0 - 6, y(tick) + 4, String(tick), 'text-anchor="end"'),
      ]),
      ...sizes.map((size, place) =>
        text(
          x0 + group * (place + 0.5),
          panel.top + panel.height + 18,
          `${size.toLocaleString('en')} pods`,
          'text-anchor="middle"',
        ),
      ),
      ...marks,
    ];
  });
  const bottom = panel.top + panel.height + 42;
  const legend = ways.flatMap(([, name], order) => {
    const x = panel.left + order * 160;
    return [dot(x, bottom - 4, colours[order] ?? ''), text(x + 10, bottom, name)];
  });
  return picture(width, bottom + 20, [...drawn, ...legend]);
};
