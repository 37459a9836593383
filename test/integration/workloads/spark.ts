import type { Pod } from 'kubernetes-types/core/v1.js';
import type { Access } from '../../../hack/cluster/access.ts';
import { create } from '../harness/objects.ts';
import { podTemplate, spotAnnotations } from '../harness/pods.ts';
import { controlling, createForeign, foreign } from './foreign-kinds.ts';
import { playController, removePod } from './stand-in.ts';

type RestartPolicy = 'Always' | 'OnFailure' | 'Never';

interface SparkApplication {
  readonly metadata: { readonly name: string; readonly uid: string };
  readonly spec: { readonly restartPolicy: { readonly type: RestartPolicy } };
}

const kind = foreign('SparkApplication');
const graceSeconds = 2;

/** Creates the SparkApplication `pi`, whose driver nobody creates unless `playSpark` does. */
export const createSparkApplication = async (
  access: Pick<Access, 'admin'>,
  namespace: string,
  type: RestartPolicy,
): Promise<void> =>
  void (await createForeign(access, namespace, kind, { name: 'pi', spec: { restartPolicy: { type } } }));

const aDriverOf = ({ metadata }: SparkApplication): Pod => ({
  ...{ apiVersion: 'v1', kind: 'Pod' },
  ...podTemplate({ spec: { restartPolicy: 'Never', terminationGracePeriodSeconds: graceSeconds } }),
  metadata: {
    // Every run of an application has the same one.
    name: `${metadata.name}-driver`,
    labels: { app: metadata.name, 'spark-role': 'driver' },
    annotations: spotAnnotations,
    ownerReferences: [
      controlling({ apiVersion: 'sparkoperator.k8s.io/v1beta2', kind: 'SparkApplication', metadata }),
    ],
  },
});

/**
 * Stands in for the Spark operator in a namespace until the end of the file: it submits an application, and again, as its
 * restartPolicy has it, when the driver has failed or is gone. It deletes what is left of the driver before.
 */
export const playSpark = (admin: Access['admin'], namespace: string): void => {
  const submitted = new Set<string>();
  playController(admin, namespace, kind, async (application: SparkApplication, pods: readonly Pod[]) => {
    const { name } = application.metadata;
    const driver = pods.find(({ metadata }) => metadata?.name === `${name}-driver`);
    const hasEnded = !driver || ['Failed', 'Succeeded'].includes(driver.status?.phase ?? '');
    const isOver = submitted.has(name) && application.spec.restartPolicy.type === 'Never';
    if (!hasEnded || isOver) return;
    if (driver) return removePod(admin, namespace, driver);
    submitted.add(name);
    await create(admin, namespace, aDriverOf(application));
  });
};
