/** How far this machine's clock is ahead of the API server's. */
export interface ClockOffset {
  /** Takes in the `Date` header of an answer; both times are this machine's, in milliseconds. */
  hear(header: string | string[] | undefined, sentMs: number, receivedMs: number): void;
  /** Milliseconds, negative when this clock is behind; undefined before the first answer. Within about half a second. */
  value(): number | undefined;
}

// The header has whole seconds, cut off: on average the server's clock stands half a second later.
const cutOffMs = 500;

/** An offset of which nothing is known yet; the latest answer counts. */
export const clockOffset = (): ClockOffset => {
  let latestMs: number | undefined;
  return {
    hear: (header, sentMs, receivedMs) => {
      const serverMs = Date.parse(String(header));
      if (!Number.isNaN(serverMs)) latestMs = (sentMs + receivedMs) / 2 - (serverMs + cutOffMs);
    },
    value: () => latestMs,
  };
};
