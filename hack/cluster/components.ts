import type { Binaries } from './toolchain.ts';
import type { Command } from './processes.ts';

/** The programs of a cluster, by the names under which they log and can be killed. */
export type ComponentName = 'etcd' | 'kube-apiserver' | 'kube-controller-manager' | 'kube-scheduler' | 'kwok';

/** Files of a cluster's directory, relative to it; every component runs there. */
export const files = {
  ca: 'ca.crt',
  serving: { certificate: 'kube-apiserver.crt', key: 'kube-apiserver.key' },
  tokens: { publicKey: 'service-account.pub', privateKey: 'service-account.key' },
  kubeconfig: (user: string) => `${user}.kubeconfig`,
} as const;

// Unix sockets in the cluster's directory, which only its owner may enter: no port to find, none for others to reach.
// etcd insists on the form host:port, so these are file names in its working directory.
const etcdClients = 'unix://etcd-clients.sock:1';
const etcdPeers = 'unix://etcd-peers.sock:1';

// Measured: with the default limits 500 pods take 29 s until Ready, with these 5 s.
const clientLimits = ['--kube-api-qps=1000', '--kube-api-burst=2000'];

/** The command of each component; the API server listens on the given port of 127.0.0.1, the others on none. */
export const commands = (
  binaries: Binaries,
  port: number,
  kwokConfigs: readonly string[],
): Record<ComponentName, Command> => ({
  etcd: {
    name: 'etcd',
    program: binaries.etcd,
    args: [
      '--name=spotpolicy',
      '--data-dir=etcd',
      `--listen-client-urls=${etcdClients}`,
      `--advertise-client-urls=${etcdClients}`,
      `--listen-peer-urls=${etcdPeers}`,
      `--initial-advertise-peer-urls=${etcdPeers}`,
      `--initial-cluster=spotpolicy=${etcdPeers}`,
      // The data never outlives the processes.
      '--unsafe-no-fsync',
    ],
  },
  'kube-apiserver': {
    name: 'kube-apiserver',
    program: binaries.kubeApiserver,
    args: [
      `--etcd-servers=${etcdClients}`,
      '--bind-address=127.0.0.1',
      '--advertise-address=127.0.0.1',
      `--secure-port=${port}`,
      `--tls-cert-file=${files.serving.certificate}`,
      `--tls-private-key-file=${files.serving.key}`,
      `--client-ca-file=${files.ca}`,
      '--anonymous-auth=false',
      '--authorization-mode=Node,RBAC',
      // As OpenShift and hardened clusters have it: whoever sets blockOwnerDeletion needs a right to the owner's finalizers.
      '--enable-admission-plugins=OwnerReferencesPermissionEnforcement',
      '--service-account-issuer=https://kubernetes.default.svc.cluster.local',
      `--service-account-key-file=${files.tokens.publicKey}`,
      `--service-account-signing-key-file=${files.tokens.privateKey}`,
      '--service-cluster-ip-range=10.96.0.0/16',
      // There is no network between pods to reach it through, and 127.0.0.1 is no valid endpoint.
      '--endpoint-reconciler-type=none',
      '--shutdown-delay-duration=0',
      '--profiling=false',
    ],
  },
  'kube-controller-manager': {
    name: 'kube-controller-manager',
    program: binaries.kubeControllerManager,
    args: [
      `--kubeconfig=${files.kubeconfig('kube-controller-manager')}`,
      `--root-ca-file=${files.ca}`,
      `--service-account-private-key-file=${files.tokens.privateKey}`,
      '--use-service-account-credentials=true',
      '--leader-elect=false',
      '--secure-port=0',
      ...clientLimits,
    ],
  },
  'kube-scheduler': {
    name: 'kube-scheduler',
    program: binaries.kubeScheduler,
    args: [
      `--kubeconfig=${files.kubeconfig('kube-scheduler')}`,
      '--leader-elect=false',
      '--secure-port=0',
      ...clientLimits,
    ],
  },
  kwok: {
    name: 'kwok',
    program: binaries.kwok,
    args: [`--kubeconfig=${files.kubeconfig('kwok')}`, ...kwokConfigs.map((path) => `--config=${path}`)],
  },
});
