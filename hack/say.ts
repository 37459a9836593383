/** Prints one line for the person who waits: on stderr, so that stdout stays free for results, and never redrawn. */
export const say = (line: string): void => {
  process.stderr.write(`${line}\n`);
};
