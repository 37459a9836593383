import { randomBytes } from 'node:crypto';
import type { OwnerReference } from 'kubernetes-types/meta/v1.d.ts';
import type { Deps } from './app.ts';
import { type Config, writerOf } from './config.ts';
import { applyWebhook, probeAdmission, removeWebhook, writeTemplate } from './injection/effects.ts';
import { type Endpoint, webhookConfiguration } from './injection/webhook.ts';
import { perform, removeLeftover } from './interruption/effects.ts';
import type { Kube } from './kube/kube.ts';
import type { Servers } from './serve.ts';
import { writeStatus } from './status/effects.ts';
import type { View } from './world/view.ts';

/** The calls of every room with their client bound: all that the flow can do to a cluster. */
export const bindCalls = (
  kube: Kube,
  config: Config,
  world: View,
  nowMs: () => number,
  { bundlePem, certificates$ }: Pick<Servers, 'bundlePem' | 'certificates$'>,
): Pick<
  Deps,
  | 'perform'
  | 'removeLeftover'
  | 'apply'
  | 'remove'
  | 'probe'
  | 'writeTemplate'
  | 'write'
  | 'endpoint$'
  | 'writer'
> => ({
  perform: (interruption, effect, signal) => perform(interruption, effect, { kube, nowMs, signal }),
  removeLeftover: (pod) => (signal) => removeLeftover(kube, pod, signal),
  apply: (coverage) => (signal) => {
    const name = config.webhookConfigurationName;
    const owner = ownerIn(world, config.operatorNamespace);
    const endpoint = endpointOf(config);
    const inputs = {
      ...{ name, endpoint, bundlePem: bundlePem(), owner },
      timeoutSeconds: config.admissionTimeoutSeconds,
    };
    return applyWebhook(kube, webhookConfiguration(coverage, inputs), writerOf(config), signal);
  },
  writer: writerOf(config),
  remove: (signal) => removeWebhook(kube, config.webhookConfigurationName, signal),
  probe: (policy, namespace) => (signal) =>
    probeAdmission(kube, policy, namespace, randomBytes(8).toString('hex'), signal),
  writeTemplate: (workload, owned, recovery) => (signal) =>
    writeTemplate(kube, workload, { owned, recovery }, signal),
  write: (policy, parts) => (signal) => writeStatus(kube, policy, parts, writerOf(config), signal),
  endpoint$: certificates$,
});

const endpointOf = ({ webhookUrl, operatorNamespace, webhookService }: Config): Endpoint =>
  webhookUrl === undefined
    ? { service: { namespace: operatorNamespace, name: webhookService } }
    : { url: webhookUrl };

// A configuration left behind would cost every pod a time-out: it goes with the operator's namespace.
const ownerIn = (world: View, operatorNamespace: string): OwnerReference | undefined => {
  const namespace = world.namespaces.byName('', operatorNamespace);
  return namespace && { apiVersion: 'v1', kind: 'Namespace', name: namespace.name, uid: namespace.uid };
};
