import type { Pod } from 'kubernetes-types/core/v1.js';
import type { OwnerReference } from 'kubernetes-types/meta/v1.js';
import { expect } from 'vitest';
import type { Access } from '../../../hack/cluster/access.ts';
import { pathTo } from '../harness/objects.ts';
import { podTemplate } from '../harness/pods.ts';

type Values = Record<string, string>;

/** What a test says about a pod that it creates by hand. */
export interface PodWishes {
  readonly app?: string;
  readonly labels?: Values;
  readonly annotations?: Values;
  readonly owner?:
    (Pick<OwnerReference, 'apiVersion' | 'kind' | 'name'> & { readonly uid?: string }) | undefined;
}

// Of no object: the cluster has none of this UID, so nobody can have seen it.
const unseenUid = '00000000-0000-4000-8000-000000000001';

/** A pod for the virtual nodes as its creator would send it. */
export const aPod = ({ app = 'web', labels, annotations = {}, owner }: PodWishes = {}): Pod => {
  const template = podTemplate({ labels: { app, ...labels }, annotations }) as Pick<Pod, 'metadata' | 'spec'>;
  const ownerReferences = owner && [{ uid: unseenUid, ...owner, controller: true }];
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    ...template,
    metadata: { generateName: `${app}-`, ...template.metadata, ...(ownerReferences && { ownerReferences }) },
  };
};

/** The pod as it would be stored: it passes through admission and every check, and is not kept. */
export const admit = (admin: Access['admin'], namespace: string, pod: Pod): Promise<Pod> =>
  admin.post<Pod>(`${pathTo('Pod', namespace)}?dryRun=All`, pod);

/** What a pod carries under the platform's keys and ours, without the instance id that the platform writes back. */
export const givenTo = ({ metadata }: Pod): { labels: Values; annotations: Values } => ({
  labels: written(metadata?.labels),
  annotations: written(metadata?.annotations),
});

const written = (values: Values = {}): Values =>
  Object.fromEntries(
    Object.entries(values).filter(
      ([key]) =>
        /^(k8s\.aliyun\.com|alibabacloud\.com|spotpolicy\.dev)\//.test(key) &&
        key !== 'k8s.aliyun.com/eci-instance-id',
    ),
  );

/** The annotations by which a policy signs what it has given, as a matcher. */
export const stampsOf = (namespace: string, policy: string, reason = 'Policy'): Values => ({
  'spotpolicy.dev/policy': `SpotPolicy/${namespace}/${policy}`,
  'spotpolicy.dev/reason': reason,
  'spotpolicy.dev/revision': expect.stringMatching(/^[0-9a-f]{12}$/),
  'spotpolicy.dev/admission': expect.stringMatching(/^[\w-]{12}\.[0-9a-z]+\.[\w-]{43}$/),
});

/** The name of the policy that stamped a pod, undefined where none did. */
export const governorOf = ({ metadata }: Pod): string | undefined =>
  metadata?.annotations?.['spotpolicy.dev/policy']?.split('/').at(-1);

/** What a pod gets from a policy that asks for `SpotAsPriceGo` and nothing else. */
export const spotAnnotations: Values = {
  'k8s.aliyun.com/eci-spot-strategy': 'SpotAsPriceGo',
  'k8s.aliyun.com/eci-spot-duration': '1',
  'k8s.aliyun.com/eci-spot-fallback': 'true',
};

/** The pod as its creator wrote it: without what the API server fills in for each pod anew. */
export const asWritten = ({ metadata, ...rest }: Pod): object => {
  const { labels, annotations, generateName, ownerReferences, finalizers } = metadata ?? {};
  // The volume of the ServiceAccount's token has a random name.
  const text = JSON.stringify({
    ...rest,
    metadata: { labels, annotations, generateName, ownerReferences, finalizers },
  });
  return JSON.parse(text.replaceAll(/kube-api-access-\w+/g, 'kube-api-access')) as object;
};
