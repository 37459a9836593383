import type { Creation } from './load.ts';

/** One way for pods to be created: where, and what stands in their way. */
export interface Way {
  readonly name: string;
  readonly namespaces: readonly string[];
  /** How many values the label `app` takes, each with a policy of its own where there are policies. */
  readonly apps: number;
  /** Whether every pod must come back with the stamp of a policy, or none may. */
  readonly stamped: boolean;
}

/** A number of policies, where they are, and the ways to measure them by. */
export interface Stage {
  readonly policies: number;
  /** What is to be added to the policies of the stage before. */
  readonly added: readonly { readonly namespace: string; readonly apps: number }[];
  readonly ways: readonly Way[];
}

const freeNamespace = 'free';
const limitNamespace = 'limit';
const patchedNamespace = 'patched';
// Every stage keeps its policies, so a cluster holds at least as many as the stage says.
const counts = [1, 100, 1_000];
const spreadNamespaces = Array.from({ length: 1_000 }, (_, index) => `spread-${index}`);
// The first pod of a namespace costs the API server two look-ups of its own (LimitRange and ResourceQuota, for half a
// minute), which no other way pays: so pods go to two of them.
const visited = 2;

const inFree = (name: string): Way => ({ name, namespaces: [freeNamespace], apps: 1, stamped: false });

/** Pods in a cluster in which no operator runs. */
export const noOperator = inFree('no operator');
/** Pods in a cluster in which an operator runs and nobody has written a policy. */
export const noPolicies = inFree('no policies');
/** Pods in a namespace without policies, while others have some. */
export const noWebhook = (policies: number): Way => inFree(`no webhook beside ${policies}`);
/** Pods that a webhook sees which admits everything. */
export const limit = (policies: number): Way => ({
  ...inFree(`limit beside ${policies}`),
  namespaces: [limitNamespace],
});

/** Pods that a webhook sees which admits everything with a patch like ours: what applying one costs the API server. */
export const patched = (policies: number): Way => ({
  name: `patched beside ${policies}`,
  namespaces: [patchedNamespace],
  apps: 1,
  stamped: true,
});

const governed = (name: string, namespaces: readonly string[], apps: number): Way => ({
  name,
  namespaces,
  apps,
  stamped: true,
});

const stageOf = (policies: number, index: number): Stage => {
  const namespace = `all-${policies}`;
  const together = governed(`${policies} in one namespace`, [namespace], policies);
  if (policies === 1) return { policies, added: [{ namespace, apps: 1 }], ways: [together] };
  const before = index > 1 ? (counts[index - 1] ?? 0) : 0;
  const apart = spreadNamespaces.slice(before, policies).map((name) => ({ namespace: name, apps: 1 }));
  const spread = governed(`${policies} in as many namespaces`, spreadNamespaces.slice(0, visited), 1);
  return { policies, added: [{ namespace, apps: policies }, ...apart], ways: [together, spread] };
};

/** From few policies to many. */
export const stages: readonly Stage[] = counts.map(stageOf);

/** All that a run needs. */
export const everyNamespace: readonly string[] = [
  freeNamespace,
  limitNamespace,
  patchedNamespace,
  ...counts.map((count) => `all-${count}`),
  ...spreadNamespaces,
];

// Coprime to the counts of policies, so that a round of any length meets policies from all over the list.
const stride = 7_919;
let created = 0;

/** The next pods of a way, over its namespaces and apps in turn, as a ReplicaSet's controller would send them. */
export const creationsOf = ({ namespaces, apps }: Way, count: number): readonly Creation[] =>
  Array.from({ length: count }, () => {
    created += 1;
    const namespace = namespaces[created % namespaces.length] ?? '';
    return { namespace, body: JSON.stringify(aPod(`pod-${created}`, `app-${(created * stride) % apps}`)) };
  });

/** What is wrong with the pod that came back: a webhook that is skipped fails in silence. */
export const problemOf =
  ({ stamped: expected, name }: Way) =>
  (answer: string): string | undefined => {
    const stamped = answer.includes('"spotpolicy.dev/policy"');
    if (stamped === expected) return undefined;
    return `${name}: a pod came back ${stamped ? 'with' : 'without'} the stamp of a policy`;
  };

const aPod = (name: string, app: string): object => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: {
    name,
    labels: { app, 'pod-template-hash': '5d8f6c7b9', tier: 'front' },
    annotations: { 'example.com/team': 'shop', 'example.com/built-from': '0123456789abcdef' },
    ownerReferences: [
      {
        apiVersion: 'apps/v1',
        kind: 'ReplicaSet',
        name: `${app}-5d8f6c7b9`,
        uid: '00000000-0000-4000-8000-000000000001',
        controller: true,
        blockOwnerDeletion: true,
      },
    ],
  },
  spec: {
    // Nobody's: the pod stays without a node, and is deleted at once.
    schedulerName: 'nobody',
    terminationGracePeriodSeconds: 0,
    tolerations: [{ key: 'virtual-kubelet.io/provider', operator: 'Exists' }],
    containers: [
      {
        name: 'main',
        image: 'registry.example/app:1',
        env: [{ name: 'REGION', value: 'cn-hangzhou' }],
        ports: [{ containerPort: 8080 }],
        resources: { requests: { cpu: '2', memory: '4Gi' }, limits: { cpu: '2', memory: '4Gi' } },
      },
    ],
  },
});
