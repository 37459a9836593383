import { describe, expect, it } from 'vitest';
import { addressOf } from '../../operator/admit.ts';
import { parseConfig } from '../../operator/config.ts';

const address = (...flags: string[]) => addressOf(parseConfig(flags, {}), 8443);

describe('where the other replica reaches this one', () => {
  it('is the address of the pod at the port of admission', () => {
    expect(address('--pod-address', '10.0.0.7')).toBe('10.0.0.7:8443');
    expect(address('--pod-address', 'fd00::7')).toBe('[fd00::7]:8443');
  });

  it('is the host of the webhook URL where there is no such address', () => {
    expect(address('--webhook-url', 'https://127.0.0.1:9443/mutate')).toBe('127.0.0.1:9443');
    expect(address('--webhook-url', 'https://hooks.example/mutate')).toBe('hooks.example:443');
  });

  it('is unknown where nobody has said', () => {
    expect(address()).toBeUndefined();
  });
});
