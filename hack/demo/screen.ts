import { styleText } from 'node:util';

/** Where the demo speaks: stdout, in plain lines where that is no terminal. */
export interface Screen {
  line(text?: string): void;
  /** Redraws the last row of a terminal; elsewhere nothing is said, for a log shows every line that was ever drawn. */
  footer(text: string): void;
}

type Style = Parameters<typeof styleText>[0];

/** The text in a style, where stdout is a terminal and NO_COLOR is not set. */
export const styled = (style: Style, text: string): string =>
  styleText(style, text, { stream: process.stdout });

/** Speaks on this process's stdout. */
export const openScreen = (): Screen => {
  const { stdout } = process;
  const inPlace = stdout.isTTY && process.env.TERM !== 'dumb';
  const clear = inPlace ? '\r\u001B[K' : '';
  let drawn = '';
  return {
    line: (text = '') => void stdout.write(`${clear}${text}\n${drawn}`),
    footer: (text) => {
      if (!inPlace) return;
      // A row that wrapped could not be redrawn.
      drawn = text.slice(0, (stdout.columns || 80) - 1);
      stdout.write(`${clear}${drawn}`);
    },
  };
};
