import { expect, it } from 'vitest';
import { namesOf } from '../../operator/serve.ts';

it.each([
  [undefined, []],
  ['https://spot.example:8443', ['spot.example']],
  ['https://10.0.0.7', ['10.0.0.7']],
  ['https://[2001:db8::7]:8443', ['2001:db8::7']],
])('the certificate of admission at %s is for its Service and for %j', (webhookUrl, names) => {
  const config = { webhookUrl, webhookService: 'spotpolicy-webhook', operatorNamespace: 'system' };
  expect(namesOf(config)).toEqual(['spotpolicy-webhook.system.svc', ...names]);
});
