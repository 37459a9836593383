import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stringify } from 'yaml';

// The Stages: how a virtual node and ECI behave.
const stagesDirectory = join(import.meta.dirname, 'eci');

// Such a document in --config switches KWOK's own defaults off, so the ones it needs are all named.
const configuration = {
  apiVersion: 'config.kwok.x-k8s.io/v1alpha1',
  kind: 'KwokConfiguration',
  options: {
    manageNodesWithLabelSelector: 'type=virtual-kubelet',
    cidr: '10.244.0.0/16',
    nodeIP: '10.0.0.1',
    nodeLeaseDurationSeconds: 40,
    nodeLeaseParallelism: 4,
    nodePlayStageParallelism: 4,
    podPlayStageParallelism: 64,
    podsOnNodeSyncParallelism: 4,
    enablePodsOnNodeSyncListPager: true,
    enablePodsOnNodeSyncStreamWatch: false,
    enablePodCache: true,
    manageAllNodes: false,
  },
};

/** Writes KWOK's configuration into a cluster's directory and gives the files to start it with: that one and the Stages. */
export const kwokConfigs = async (directory: string): Promise<string[]> => {
  await writeFile(join(directory, 'kwok.yaml'), stringify(configuration));
  const stages = (await readdir(stagesDirectory)).filter((name) => name.endsWith('.yaml')).toSorted();
  return ['kwok.yaml', ...stages.map((name) => join(stagesDirectory, name))];
};

/** The rights of the user `kwok`: what the Stages do to nodes and pods, and the Events they write. */
export const kwokRights: readonly object[] = [
  {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRole',
    metadata: { name: 'kwok' },
    rules: [
      { apiGroups: [''], resources: ['nodes'], verbs: ['get', 'list', 'watch'] },
      { apiGroups: [''], resources: ['pods'], verbs: ['get', 'list', 'watch', 'patch', 'delete'] },
      { apiGroups: [''], resources: ['nodes/status', 'pods/status'], verbs: ['patch', 'update'] },
      { apiGroups: [''], resources: ['events'], verbs: ['create', 'patch'] },
      {
        apiGroups: ['coordination.k8s.io'],
        resources: ['leases'],
        verbs: ['get', 'list', 'watch', 'create', 'patch', 'update'],
      },
    ],
  },
  {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRoleBinding',
    metadata: { name: 'kwok' },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'kwok' },
    subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: 'kwok' }],
  },
];
