import type { Step } from '../world/collection.ts';
import { isSameController, type Owned } from '../world/object.ts';

/** An owner of pods, or a pod, as far as it decides what pods below it count as. */
export interface Linked extends Owned {
  /** Of a StatefulSet. */
  readonly firstOrdinal?: number;
}

/** Whether a chain of owners goes on from here as it did, and the pods below have the indexes that they had. */
export const isSameLink = ({ before, after }: Step<Linked>): boolean =>
  before !== undefined &&
  after !== undefined &&
  isSameController(before, after) &&
  before.controller?.name === after.controller?.name &&
  before.firstOrdinal === after.firstOrdinal;
