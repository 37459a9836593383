import { describe, expect, test } from 'vitest';
import { createMetrics } from '../../../operator/observe/metrics.ts';

const ours = async () =>
  (await createMetrics().registry.getMetricsAsJSON()).filter(({ name }) => name.startsWith('spot_'));

describe('the metrics', () => {
  test('are named after their room and end in their unit', async () => {
    for (const { name, type } of await ours()) {
      expect(name).toMatch(/^spot_[a-z]+(_[a-z]+)*$/);
      if (String(type) === 'counter') expect(name).toMatch(/_total$/);
      if (String(type) === 'histogram') expect(name).toMatch(/_seconds$/);
    }
  });

  test('render as Prometheus text, those of the process included', async () => {
    const metrics = createMetrics();
    metrics.admissionRequests.inc({ result: 'patched' });
    metrics.admissionDuration.observe({ result: 'patched' }, 0.003);
    metrics.interruptionEvictions.inc({ result: 'accepted' }, 2);
    metrics.leader.set(1);
    const text = await metrics.registry.metrics();
    expect(text).toContain('spot_admission_requests_total{result="patched"} 1');
    expect(text).toContain('spot_admission_duration_seconds_bucket{le="0.005",result="patched"} 1');
    expect(text).toContain('spot_admission_duration_seconds_bucket{le="0.0025",result="patched"} 0');
    expect(text).toContain('spot_interruption_evictions_total{result="accepted"} 2');
    expect(text).toContain('spot_leader 1');
    expect(text).toMatch(/^process_cpu_seconds_total /m);
  });

  test('name their labels in their help', async () => {
    const metrics = createMetrics();
    metrics.worldWatchRestarts.inc({ source: 'pods', reason: 'relist' });
    metrics.admissionRequests.inc({ result: 'patched' });
    metrics.interruptionNotices.inc({ signal: 'event' });
    metrics.interruptionOutcomes.inc({ outcome: 'Replaced' });
    metrics.worldObjects.set({ kind: 'Pod' }, 1);
    metrics.apiRequests.inc({ verb: 'get', code: '200' });
    for (const { name, help, values } of await metrics.registry.getMetricsAsJSON()) {
      if (!name.startsWith('spot_')) continue;
      for (const { labels } of values) {
        for (const label of Object.keys(labels).filter((each) => each !== 'le')) {
          expect(help.toLowerCase()).toContain(label);
        }
      }
    }
  });

  test('of two programs in one process do not mix', async () => {
    const [one, other] = [createMetrics(), createMetrics()];
    one.leader.set(1);
    expect(await other.registry.metrics()).toContain('spot_leader 0');
  });
});
