import type { PersistentVolumeClaim, ResourceQuota } from 'kubernetes-types/core/v1.d.ts';
import { type Identity, identityOf } from './object.ts';
import { amountsOf, type Demand } from './quantity.ts';
import { type Scope, scopesOf } from './quota-scopes.ts';

/** A PersistentVolumeClaim: whether pods on several nodes may use it at once. */
export interface Claim extends Identity {
  readonly shared: boolean;
}

const sharedModes: readonly string[] = ['ReadWriteMany', 'ReadOnlyMany'];

/** The world's record of a PersistentVolumeClaim. */
export const trimClaim = (raw: PersistentVolumeClaim): Claim => ({
  ...identityOf(raw),
  shared: (raw.status?.accessModes ?? raw.spec?.accessModes ?? []).some((mode) => sharedModes.includes(mode)),
});

/** A ResourceQuota with the figures of its controller. */
export interface Quota extends Identity {
  /** Which pods it is about: all where there are none. */
  readonly scopes: readonly Scope[];
  readonly hard: Demand;
  readonly used: Demand;
}

/** The world's record of a ResourceQuota. */
export const trimQuota = (raw: ResourceQuota): Quota => ({
  ...identityOf(raw),
  scopes: scopesOf(raw.spec),
  hard: amountsOf(raw.status?.hard ?? raw.spec?.hard),
  used: amountsOf(raw.status?.used),
});
