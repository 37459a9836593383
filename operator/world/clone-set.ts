import type { RawObject } from './object.ts';

/** What a CloneSet of OpenKruise allows itself while it replaces pods that are labelled for deletion. */
export interface Scaling {
  readonly replicas: number;
  /** It may have more pods than it wants for a while. */
  readonly surges: boolean;
  /** How many pods fewer than it wants may serve, where it surges; up to there it deletes without asking any budget. */
  readonly maxUnavailable: number;
}

type Figure = number | string;
interface Strategy {
  readonly maxSurge?: Figure;
  readonly maxUnavailable?: Figure;
  readonly paused?: boolean;
}

/** A CloneSet as far as it is read: v1alpha1 has the figures in `updateStrategy`, v1beta1 one level below. */
interface CloneSet extends RawObject {
  readonly spec?: {
    readonly replicas?: number;
    readonly updateStrategy?: Strategy & { readonly rollingUpdate?: Strategy };
  };
}

/** The API group and kind of CloneSets. */
export const cloneSets = { group: 'apps.kruise.io', kind: 'CloneSet' } as const;

/** Whether this is the kind of CloneSets. */
export const isCloneSet = ({ group, kind }: { group: string; kind: string }): boolean =>
  group === cloneSets.group && kind === cloneSets.kind;

/** The scaling of a CloneSet, with the defaults and the rounding of its controller as of Kruise 1.9; never throws. */
export const scalingOf = ({ spec }: CloneSet): Scaling => {
  const { replicas = 1, updateStrategy = {} } = spec ?? {};
  const { maxSurge, maxUnavailable, paused } = updateStrategy.rollingUpdate ?? updateStrategy;
  return {
    replicas,
    surges: paused !== true && countOf(maxSurge ?? 0, replicas) > 0,
    maxUnavailable: Math.floor(countOf(maxUnavailable ?? '20%', replicas)),
  };
};

// Its controller takes what it cannot read for 0.
const countOf = (figure: Figure, replicas: number): number =>
  typeof figure === 'number' ? figure : (Number(/^(\d+)%$/.exec(figure)?.[1] ?? 0) * replicas) / 100;
