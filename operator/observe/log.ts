import { pino } from 'pino';
import type { DestinationStream, Logger } from 'pino';

/** A log of JSON lines: `log.info({ namespace, pod }, 'evicted pod')`; messages are constant and in lower case. */
export type Log = Logger;

// Fields that could hold a secret, at the top of a line or one or two levels into an object logged by mistake.
const secret = [
  'authorization',
  'Authorization',
  'caKey',
  'clientKeyData',
  'headers',
  'key',
  'keyPem',
  'sealKey',
  'password',
  'secret',
  'token',
];
const paths = secret.flatMap((field) => [field, `*.${field}`, `*.*.${field}`]);

// The message, and what the API server's answer was filed under: never headers, bodies or a cause that holds them.
const toFields = (error: unknown) => {
  if (!(error instanceof Error)) return { message: String(error) };
  const { code, status } = error as Error & { code?: unknown; status?: unknown };
  return {
    message: error.message,
    ...((typeof code === 'string' || typeof code === 'number') && { code }),
    ...(typeof status === 'number' && { status }),
  };
};

/** A log that writes lines of at least `level` to `destination` (absent: stdout), each with `identity` as `replica`. */
export const createLog = (level: string, identity: string, destination?: DestinationStream): Log =>
  pino(
    {
      level,
      base: { replica: identity },
      messageKey: 'message',
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { err: toFields },
      redact: { paths, censor: '[redacted]' },
    },
    destination ?? pino.destination(1),
  );
