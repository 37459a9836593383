const endings: (() => Promise<unknown>)[] = [];

/**
 * Has something ended after the last test of the file that asks for it. Of the file and not of the test: in concurrent
 * tests vitest cannot tell which one is asking.
 */
export const atEndOfFile = (end: () => Promise<unknown>): void => {
  endings.push(end);
};

/** Ends all that the file asked for. */
export const endFile = async (): Promise<void> => {
  await Promise.all(endings.splice(0).map((end) => end()));
};
