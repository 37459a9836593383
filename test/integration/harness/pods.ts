import type { Pod } from 'kubernetes-types/core/v1.js';
import { virtualNodeTaint } from '../../../hack/cluster/nodes.ts';

// By this a pod may run on the virtual nodes.
const toleration = { key: virtualNodeTaint.key, operator: 'Exists' };

/** Annotations of a spot pod as its user would write them. */
export const spotAnnotations = { 'k8s.aliyun.com/eci-spot-strategy': 'SpotAsPriceGo' };

/** The annotations by which a pod tells the simulated ECI how to treat it, written without their prefix. */
export const sim = (told: Record<string, string>): Record<string, string> =>
  Object.fromEntries(Object.entries(told).map(([key, value]) => [`sim.spotpolicy.dev/${key}`, value]));

/** Behaviour of the simulated ECI that is kinder than what it plays by default, for tests about what comes after. */
export const kinder = {
  /** SIGTERM kills the containers: 143, where the containers of most servers exit with 0. */
  killedBySigterm: sim({ 'exit-code': '143' }),
  /** A released pod shows Ready=False. */
  unreadyOnceReleased: sim({ 'ready-after-release': 'false' }),
};

/** What a pod or a pod template for the virtual nodes has, with annotations and whatever else of its spec. */
export const podTemplate = (of: {
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  spec?: Record<string, unknown>;
}): Record<string, unknown> => ({
  metadata: { labels: of.labels ?? {}, annotations: of.annotations ?? {} },
  spec: { tolerations: [toleration], containers: [{ name: 'main', image: 'example/main:1' }], ...of.spec },
});

/** The status of a pod's condition, undefined without one. */
export const conditionOf = (
  pod: Pod,
  type: string,
): { status: string; reason?: string; message?: string } | undefined =>
  pod.status?.conditions?.find((condition) => condition.type === type);

/** A spot pod that nobody controls, called `app` and labelled so. */
export const aBarePod = (
  app: string,
  of: { annotations?: Record<string, string>; labels?: Record<string, string>; graceSeconds?: number } = {},
): Pod => {
  const { annotations = {}, labels = {}, graceSeconds = 5 } = of;
  const template = podTemplate({ spec: { terminationGracePeriodSeconds: graceSeconds } });
  const metadata = {
    name: app,
    labels: { app, ...labels },
    annotations: { ...spotAnnotations, ...annotations },
  };
  return { apiVersion: 'v1', kind: 'Pod', ...template, metadata };
};
