import { isNotFound } from '../kube/errors.ts';
import type { Kube } from '../kube/kube.ts';
import { resources } from '../kube/resources.ts';
import { createEventRecorder, type EventRecorder, type EventRecorderParts } from './event-recorder.ts';
import type { Metrics } from './metrics.ts';

/** A recorder that writes to the cluster behind `kube`. */
export const recordEvents = (
  kube: Kube,
  { metrics, ...parts }: Omit<EventRecorderParts, 'calls' | 'dropped'> & { readonly metrics: Metrics },
): EventRecorder =>
  createEventRecorder({
    ...parts,
    dropped: (reason) => metrics.eventsDropped.inc({ reason }),
    calls: {
      create: (event) => kube.create(resources.events, event, { namespace: event.metadata.namespace }),
      patch: async (event, body) => {
        try {
          await kube.patch(resources.events, event, { type: 'merge', body });
          return 'patched';
        } catch (error) {
          if (isNotFound(error)) return 'gone';
          throw error;
        }
      },
    },
  });
