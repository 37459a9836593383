import type { ObjectMeta } from 'kubernetes-types/meta/v1.js';
import type { Condition } from '../../../operator/api/index.ts';
import { type TemplateKind, templates } from '../../../operator/world/template.ts';
import type { Access } from '../../../hack/cluster/access.ts';
import { waitFor } from '../harness/cluster.ts';
import { statusOf } from '../harness/objects.ts';

type Admin = Access['admin'];

/** An object with a pod template: `template` is the metadata that it gives its pods, empty where it names none. */
export interface Seen {
  readonly metadata: ObjectMeta;
  readonly spec: object;
  readonly template: ObjectMeta;
}

/** The object of a kind at a path, as it is now. */
export const look = async (admin: Admin, kind: TemplateKind, path: string): Promise<Seen> => {
  const object = await admin.get<Omit<Seen, 'template'>>(path);
  const template = templates[kind].path.reduce<unknown>(
    (at, step) => (at as Record<string, unknown> | undefined)?.[step],
    object,
  );
  return { ...object, template: template ?? {} };
};

/** The object of a kind at a path once it satisfies `holds`. */
export const lookUntil = (
  admin: Admin,
  kind: TemplateKind,
  path: string,
  holds: (seen: Seen) => boolean,
  options?: { timeoutMs: number },
): Promise<Seen> =>
  waitFor(
    `the template at ${path}`,
    async () => {
      const seen = await look(admin, kind, path);
      return holds(seen) ? seen : Promise.reject(new Error(JSON.stringify(seen)));
    },
    options,
  );

/** Whether a policy has written the template. */
export const isWritten = ({ template }: Seen): boolean =>
  template.annotations?.['spotpolicy.dev/revision'] !== undefined;

/** The condition Programmed of policy `spot` once it satisfies `holds`. */
export const programmedOnce = (
  admin: Admin,
  namespace: string,
  holds: (condition: Condition) => boolean,
  options?: { timeoutMs: number },
): Promise<Condition> =>
  waitFor(
    `Programmed of the policy in ${namespace}`,
    async () => {
      const { conditions = [] } = await statusOf(admin, namespace, 'spot');
      const found = conditions.find(({ type }) => type === 'Programmed');
      return found && holds(found) ? found : Promise.reject(new Error(JSON.stringify(conditions)));
    },
    options,
  );
