import { randomUUID } from 'node:crypto';
import type { Pod } from 'kubernetes-types/core/v1.js';
import { applyPatch, type Operation } from 'rfc6902';
import { Agent, request } from 'undici';

/** What a replica makes of a pod: the pod afterwards, and how many operations that took. */
export interface Reviewed {
  readonly pod: Pod;
  readonly operations: number;
}

interface Answer {
  readonly response: { readonly allowed: boolean; readonly patch?: string };
}

/** Asks one replica about a pod, as the API server would but past it; trusts the certificates in `bundlePem` and no others. */
export const askReplica = async (
  { webhookUrl }: { readonly webhookUrl: string },
  bundlePem: string,
  namespace: string,
  pod: Pod,
): Promise<Reviewed> => {
  const dispatcher = new Agent({ connect: { ca: bundlePem } });
  try {
    const review = {
      apiVersion: 'admission.k8s.io/v1',
      kind: 'AdmissionReview',
      request: { uid: randomUUID(), operation: 'CREATE', namespace, object: pod },
    };
    const { body } = await request(webhookUrl, {
      method: 'POST',
      dispatcher,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(review),
    });
    const { response } = (await body.json()) as Answer;
    if (!response.allowed) throw new Error(`${webhookUrl} refused a pod`);
    const operations = JSON.parse(atob(response.patch ?? btoa('[]'))) as Operation[];
    const patched = structuredClone(pod);
    const failure = applyPatch(patched, operations).find((error) => error !== null);
    if (failure) throw failure;
    return { pod: patched, operations: operations.length };
  } finally {
    await dispatcher.close();
  }
};
