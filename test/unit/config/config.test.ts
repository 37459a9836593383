import { describe, expect, test } from 'vitest';
import { parseConfig, StartRefused } from '../../../operator/config.ts';

const refusal = (argv: string[], env: Record<string, string> = {}): StartRefused => {
  try {
    parseConfig(argv, env);
  } catch (error) {
    if (error instanceof StartRefused) return error;
    throw error;
  }
  throw new Error('the configuration was accepted');
};

describe('the configuration', () => {
  test('has a default for everything but what only the installation knows', () => {
    const config = parseConfig([], {});
    expect(config).toMatchObject({
      operatorNamespace: 'spotpolicy-system',
      admissionPort: 8443,
      healthPort: 8080,
      webhookService: 'spotpolicy-webhook',
      trustReclaimEvents: false,
      defaultWindowMinutes: 3,
      leaseSeconds: 15,
      leaseRenewDeadlineSeconds: 10,
      leaseRetrySeconds: 2,
      evictionConcurrency: 64,
      apiConnections: 96,
      caOverlapMinutes: 10,
      servingLifetimeHours: 2160,
    });
    expect(config.kubeconfig).toBeUndefined();
    expect(config.webhookUrl).toBeUndefined();
  });

  test('cannot be changed once parsed', () => {
    expect(Object.isFrozen(parseConfig([], {}))).toBe(true);
  });

  test('reads a flag, else its environment variable', () => {
    const env = { SPOTPOLICY_ADMISSION_PORT: '9443', SPOTPOLICY_HEALTH_PORT: '9080' };
    const config = parseConfig(['--admission-port', '0'], env);
    expect(config.admissionPort).toBe(0);
    expect(config.healthPort).toBe(9080);
  });

  test('takes an empty environment variable as absent', () => {
    expect(parseConfig([], { SPOTPOLICY_LOG_LEVEL: '' }).logLevel).toBe('info');
  });

  test('is not disturbed by the variables that the kubelet sets for the Services next to it', () => {
    const links = {
      SPOTPOLICY_WEBHOOK_SERVICE_HOST: '10.0.0.7',
      SPOTPOLICY_WEBHOOK_SERVICE_PORT: '443',
      SPOTPOLICY_WEBHOOK_PORT: 'tcp://10.0.0.7:443',
      SPOTPOLICY_METRICS_PORT: 'tcp://10.0.0.8:8080',
    };
    expect(parseConfig([], links)).toEqual(parseConfig([], {}));
  });

  test.each([
    [['--trust-reclaim-events'], {}, true],
    [['--trust-reclaim-events=false'], { SPOTPOLICY_TRUST_RECLAIM_EVENTS: 'true' }, false],
    [[], { SPOTPOLICY_TRUST_RECLAIM_EVENTS: 'true' }, true],
  ])('reads the truth of %j with %j as %s', (argv, env, expected) => {
    expect(parseConfig(argv, env).trustReclaimEvents).toBe(expected);
  });

  test.each([
    [
      ['--admission-port', 'abc'],
      '--admission-port (SPOTPOLICY_ADMISSION_PORT) is "abc"; it must be a whole number',
    ],
    [['--health-port', '65536'], '"65536"; it must be a whole number from 0 to 65535'],
    [['--lease-seconds', '1e3'], '"1e3"; it must be a whole number'],
    [['--api-connections=-1'], '"-1"; it must be a whole number from 1'],
    [['--log-level', 'loud'], 'it must be one of debug, info, warn, error'],
    [['--webhook-url', 'http://10.0.0.1/mutate'], 'it must be an https:// URL'],
    [['--operator-namespace', 'Spot_Policy'], 'it must be a Kubernetes name'],
    [['--trust-reclaim-events=maybe'], '"maybe"; it must be true or false'],
    [
      ['--eviction-concurrency', '77'],
      '--api-connections (SPOTPOLICY_API_CONNECTIONS) is "96"; it must be more than 96 for',
    ],
    [['--context', 'staging'], 'it needs --kubeconfig'],
    [['--lease-seconds', '9'], '--lease-renew-deadline-seconds'],
    [['--lease-retry-seconds', '10'], 'less than --lease-renew-deadline-seconds (10)'],
    [['--ca-lifetime-hours', '100'], '--serving-lifetime-hours'],
    [['--ca-lifetime-hours', '0.5', '--serving-lifetime-hours', '0.1'], '--ca-overlap-minutes'],
    [['--identity', ''], '--identity (SPOTPOLICY_IDENTITY) is ""; it must be any text'],
    [['--contxt', 'a'], 'Did you mean --context'],
    [['--kubeconfig'], 'argument missing'],
    [['start'], 'too many arguments'],
  ])('refuses %j and says what would do', (argv, text) => {
    const { message, exitCode } = refusal(argv);
    expect(message).toContain(text);
    expect(exitCode).toBe(2);
  });

  test('names the variable when the bad value came from the environment', () => {
    expect(refusal([], { SPOTPOLICY_LEASE_SECONDS: 'soon' }).message).toContain('SPOTPOLICY_LEASE_SECONDS');
  });

  test('names every bad value at once', () => {
    const { message } = refusal(['--admission-port', 'a', '--health-port', 'b']);
    expect(message.split('\n')).toHaveLength(2);
  });

  test('takes excluded namespaces with commas between, none by default', () => {
    const excluded = (...args: string[]) => parseConfig(args, {}).excludedNamespaces;
    expect(excluded('--excluded-namespaces', 'istio-system,arms-prom')).toEqual([
      'istio-system',
      'arms-prom',
    ]);
    expect(excluded()).toEqual([]);
    expect(refusal(['--excluded-namespaces', 'a,,B']).message).toMatch(/--excluded-namespaces.*a,,B/);
  });

  test('prints each flag with its variable and its default when asked for help', () => {
    const { message, exitCode } = refusal(['--help']);
    expect(exitCode).toBe(0);
    for (const word of ['--admission-port', 'SPOTPOLICY_ADMISSION_PORT', 'default 8443']) {
      expect(message).toContain(word);
    }
  });
});
