import { Hono } from 'hono';

/** What holds a check up, in words, or nothing once it passes. */
export type Check = () => string | undefined;

/** What health is made of: the checks behind readiness by name, and the text of the metrics. */
export interface HealthParts {
  checks: Readonly<Record<string, Check>>;
  metrics: { contentType: string; render: () => Promise<string> };
}

// A check that throws has not passed; it must not take the others' lines with it.
const ask = (check: Check): string | undefined => {
  try {
    return check();
  } catch (error) {
    return `the check failed: ${error instanceof Error ? error.message : String(error)}`;
  }
};

/**
 * Health and metrics as a value: `/healthz` is 200 while the event loop turns, `/readyz` is 200 once every check passes
 * and otherwise 503 with one line for each that does not, `/metrics` is the Prometheus text.
 */
export const health = ({ checks, metrics }: HealthParts): Hono => {
  // Many scrapes at once get one rendering, which takes some milliseconds.
  let rendering: Promise<string> | undefined;
  const render = (): Promise<string> => {
    rendering ??= metrics.render().finally(() => (rendering = undefined));
    return rendering;
  };
  return new Hono()
    .get('/healthz', (context) => context.text('ok\n'))
    .get('/readyz', (context) => {
      const failing = Object.entries(checks).flatMap(([name, check]) => {
        const problem = ask(check);
        return problem === undefined ? [] : [`${name}: ${problem}\n`];
      });
      return failing.length === 0 ? context.text('ready\n') : context.text(failing.join(''), 503);
    })
    .get('/metrics', async (context) =>
      context.body(await render(), 200, { 'content-type': metrics.contentType }),
    );
};
