import { Command, CommanderError, Option } from 'commander';
import { z } from 'zod';

/** Prefix of every environment variable that stands for a flag. */
const prefix = 'SPOTPOLICY_';

// Every value starts as text, whether it came from a flag or the environment, so both are judged alike.
const described = <S extends z.ZodType>(schema: S, allowed: string, help: string, standard = '') =>
  schema.meta({ description: help, allowed, standard });

const wholeNumber = (least: number, most: number, standard: number, help: string) =>
  described(
    z
      .string()
      .regex(/^\d{1,9}$/)
      .transform(Number)
      .pipe(z.number().min(least).max(most))
      .prefault(String(standard)),
    `a whole number from ${least} to ${most}`,
    help,
    String(standard),
  );

const decimal = (least: number, most: number, standard: number, help: string) =>
  described(
    z
      .string()
      .regex(/^\d{1,9}(\.\d{1,6})?$/)
      .transform(Number)
      .pipe(z.number().min(least).max(most))
      .prefault(String(standard)),
    `a number from ${least} to ${most}`,
    help,
    String(standard),
  );

const oneOf = <const C extends readonly [string, ...string[]]>(
  choices: C,
  standard: C[number],
  help: string,
) => described(z.enum(choices).prefault(standard), `one of ${choices.join(', ')}`, help, standard);

const truth = (help: string) =>
  described(
    z
      .enum(['true', 'false'])
      .transform((text) => text === 'true')
      .prefault('false'),
    'true or false',
    help,
    'false',
  );

const objectName = (standard: string, help: string) =>
  described(
    z
      .string()
      .regex(/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/)
      .prefault(standard),
    'a Kubernetes name of at most 63 characters a-z, 0-9 and -',
    help,
    standard,
  );

const objectNames = (help: string) =>
  described(
    z
      .string()
      .regex(/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?(,[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?)*$/)
      .transform((names) => names.split(','))
      .optional()
      .transform((names) => names ?? []),
    'Kubernetes names of at most 63 characters each, with commas between',
    help,
  );

const text = (allowed: string, help: string) => described(z.string().min(1).optional(), allowed, help);

const shape = {
  kubeconfig: text('a path', 'kubeconfig file; absent: the ServiceAccount of the pod this runs in'),
  context: text('the name of a context', 'context of the kubeconfig file; absent: its current one'),
  operatorNamespace: objectName('spotpolicy-system', 'namespace of the lease and of the certificates'),
  excludedNamespaces: objectNames(
    'namespaces in which no policy ever governs, besides kube-system and the one of this operator',
  ),
  identity: text('any text', 'name of this replica in the lease; absent: host name and process id'),
  // Named neither "webhook" nor "metrics": a Service spotpolicy-webhook makes the kubelet set
  // SPOTPOLICY_WEBHOOK_PORT=tcp://… in every pod of its namespace.
  admissionHost: text('an address', 'address admission is served on; absent: every one'),
  admissionPort: wholeNumber(0, 65535, 8443, 'HTTPS port of admission; 0: a free one'),
  admissionTimeoutSeconds: wholeNumber(
    1,
    30,
    2,
    'seconds that the API server waits for admission; then it creates the pod as it is, or refuses it where a policy insists',
  ),
  podAddress: text(
    'an IP address',
    'where the other replica reaches the admission of this one; absent: the host of the webhook URL, or nowhere',
  ),
  healthHost: text('an address', 'address of health and metrics; absent: every one'),
  healthPort: wholeNumber(0, 65535, 8080, 'HTTP port of /healthz, /readyz and /metrics; 0: a free one'),
  webhookUrl: described(
    z.url({ protocol: /^https$/ }).optional(),
    'an https:// URL',
    'where the API server finds admission when this runs outside the cluster; absent: by the Service',
  ),
  webhookService: objectName('spotpolicy-webhook', 'Service in front of admission'),
  webhookConfigurationName: objectName('spotpolicy', 'MutatingWebhookConfiguration this operator owns'),
  trustReclaimEvents: truth(
    'ack-virtual-node below 2.11.0 sets no condition: allow a deletion past a budget on the Event alone',
  ),
  defaultWindowMinutes: wholeNumber(
    1,
    60,
    3,
    'minutes from notice to reclaim where no notice names a number',
  ),
  logLevel: oneOf(['debug', 'info', 'warn', 'error'], 'info', 'least level that is logged'),
  leaseName: objectName('spotpolicy', 'Lease that elects the acting replica'),
  leaseSeconds: wholeNumber(1, 3600, 15, 'seconds after which an unrenewed lease may be taken'),
  leaseRenewDeadlineSeconds: decimal(
    0.1,
    3600,
    10,
    'seconds without a renewal after which the leader steps down',
  ),
  leaseRetrySeconds: decimal(0.1, 3600, 2, 'seconds between two looks at the lease'),
  // An idle API server takes 100 ms for an eviction, because its list of budgets waits for the watch cache, so their number
  // sets the pace. Measured with 500 pods: 2.0 to 2.4 s over 80 connections, 3.2 to 5.6 s over 32; a bare loop of 64 takes
  // 1.6 to 1.8 s.
  evictionConcurrency: wholeNumber(
    1,
    1024,
    64,
    'evictions under way at once in one namespace; a quarter more over all',
  ),
  // More than evictions at once over all namespaces: statuses, marks and Events never wait behind these.
  apiConnections: wholeNumber(1, 1024, 96, 'connections to the API server besides watches'),
  caLifetimeHours: decimal(
    0.005,
    87600,
    8760,
    'life of the certificate authority; replaced after two thirds',
  ),
  caOverlapMinutes: decimal(0.01, 1440, 10, 'minutes a new authority is trusted before it signs'),
  servingLifetimeHours: decimal(
    0.005,
    87600,
    2160,
    'life of the serving certificate; replaced after two thirds',
  ),
};

type Key = keyof typeof shape;
const keys = Object.keys(shape) as Key[];

const toFlag = (key: Key): string => `--${key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;

const toVariable = (key: Key): string =>
  prefix + key.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase();

const fault = (context: z.RefinementCtx, key: Key, message: string) =>
  context.addIssue({ code: 'custom', path: [key], message });

/** How many evictions may be under way over all namespaces, where so many may be in one. */
export const callsAtOnce = (perNamespace: number): number => Math.floor(perNamespace * 1.25);

const schema = z.object(shape).superRefine((config, context) => {
  if (config.context !== undefined && config.kubeconfig === undefined) {
    fault(context, 'context', `it needs ${toFlag('kubeconfig')}: a pod's own ServiceAccount has no contexts`);
  }
  if (config.leaseRenewDeadlineSeconds >= config.leaseSeconds) {
    fault(
      context,
      'leaseRenewDeadlineSeconds',
      `it must be less than ${toFlag('leaseSeconds')} (${config.leaseSeconds})`,
    );
  }
  if (config.leaseRetrySeconds >= config.leaseRenewDeadlineSeconds) {
    const deadline = `${toFlag('leaseRenewDeadlineSeconds')} (${config.leaseRenewDeadlineSeconds})`;
    fault(context, 'leaseRetrySeconds', `it must be less than ${deadline}`);
  }
  if (config.servingLifetimeHours > config.caLifetimeHours) {
    const life = `${toFlag('caLifetimeHours')} (${config.caLifetimeHours})`;
    fault(context, 'servingLifetimeHours', `it must not exceed ${life}`);
  }
  const calls = callsAtOnce(config.evictionConcurrency);
  if (config.apiConnections <= calls) {
    const evictions = `${toFlag('evictionConcurrency')} (${config.evictionConcurrency})`;
    fault(
      context,
      'apiConnections',
      `it must be more than ${calls} for ${evictions}, or nothing else gets through`,
    );
  }
  // The last third of an authority's life must hold the overlap, with room for looks that come late.
  if (config.caOverlapMinutes > config.caLifetimeHours * 10) {
    fault(context, 'caOverlapMinutes', `it must not exceed a sixth of ${toFlag('caLifetimeHours')}`);
  }
});

/** The operator's settings as `parseConfig` returns them, frozen; units are part of the names. */
export type Config = Readonly<z.output<typeof schema>>;

/** Ends the start: `message` is what to print, `exitCode` is 0 after --help and 2 after a bad value. */
export class StartRefused extends Error {
  readonly exitCode: 0 | 2;
  constructor(message: string, exitCode: 0 | 2) {
    super(message);
    this.name = 'StartRefused';
    this.exitCode = exitCode;
  }
}

const factsOf = (key: Key) => ({ description: '', allowed: '', standard: '', ...shape[key].meta() });

const option = (key: Key): Option => {
  const { description, allowed, standard } = factsOf(key);
  const help = `${description} (${allowed}${standard && `; default ${standard}`}) [${toVariable(key)}]`;
  return new Option(`${toFlag(key)} ${allowed === 'true or false' ? '[value]' : '<value>'}`, help);
};

// A flag that may stand alone comes back as `true`.
const parseFlags = (argv: readonly string[]): Record<string, string | true> => {
  let printed = '';
  const print = (output: string) => void (printed += output);
  const command = new Command('spotpolicy')
    .description('Handles reclaims of ECI spot pods. A flag outweighs its environment variable.')
    .allowExcessArguments(false)
    .exitOverride()
    .configureOutput({ writeOut: print, writeErr: print, getOutHelpWidth: () => 110 });
  for (const key of keys) command.addOption(option(key));
  try {
    return command.parse(argv, { from: 'user' }).opts();
  } catch (error) {
    if (error instanceof CommanderError)
      throw new StartRefused(printed.trimEnd(), error.exitCode === 0 ? 0 : 2);
    throw error;
  }
};

/**
 * The settings that `argv` (without node and script) and `env` ask for, frozen; an empty variable counts as absent.
 * Throws `StartRefused` naming every bad value with its flag, its variable and what is allowed.
 */
export const parseConfig = (
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Config => {
  const flags = parseFlags(argv);
  const given = Object.fromEntries(
    keys.flatMap((key) => {
      const value = flags[key]?.toString() ?? (env[toVariable(key)] || undefined);
      return value === undefined ? [] : [[key, value]];
    }),
  );
  const parsed = schema.safeParse(given);
  if (parsed.success) return Object.freeze(parsed.data);
  const problems = parsed.error.issues.map((issue) => {
    const key = issue.path[0] as Key;
    const { allowed, standard } = factsOf(key);
    const complaint = issue.code === 'custom' ? issue.message : `it must be ${allowed}`;
    return `${toFlag(key)} (${toVariable(key)}) is ${JSON.stringify(given[key] ?? standard)}; ${complaint}`;
  });
  throw new StartRefused([...new Set(problems)].join('\n'), 2);
};

/**
 * The field manager that an installation writes shared objects as: the webhook configuration, statuses, the Secret of its
 * certificates. Replicas that share a Lease are one installation.
 */
export const writerOf = ({ operatorNamespace, leaseName }: Config): string =>
  `spotpolicy ${operatorNamespace}/${leaseName}`;
