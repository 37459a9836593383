/** A signal that aborts with another one or when its time is up, whichever comes first. */
export interface TimeLimit {
  readonly signal: AbortSignal;
  /** The time was up; false when the other signal came first. */
  expired(): boolean;
  /** Stops the clock; the other signal still aborts. */
  stopClock(): void;
  /** Lets go of the other signal, which may live as long as the process. */
  release(): void;
}

/** Starts a time limit of `limitMs` milliseconds. */
export const timeLimit = (limitMs: number, outer?: AbortSignal): TimeLimit => {
  const controller = new AbortController();
  let timeIsUp = false;
  const onOuter = (): void => controller.abort(outer?.reason);
  const timer = setTimeout(() => {
    timeIsUp = !controller.signal.aborted;
    controller.abort(new Error(`no answer within ${limitMs} ms`));
  }, limitMs);
  outer?.addEventListener('abort', onOuter, { once: true });
  if (outer?.aborted) onOuter();
  return {
    signal: controller.signal,
    expired: () => timeIsUp,
    stopClock: () => clearTimeout(timer),
    release: () => {
      clearTimeout(timer);
      outer?.removeEventListener('abort', onOuter);
    },
  };
};
