import { z } from 'zod';
import { gauge, name, statusBounds } from './status-parts.ts';

const source = z
  .object({
    policy: name('The policy that governs them now, as SpotPolicy/shop/web.'),
    pods: gauge('How many of them.'),
  })
  .describe('Pods that another policy would lose.');

// What is written are some dozen known keys, whose values the spec bounds.
const values = (meaning: string, meaningOfOne: string) =>
  z
    .record(z.string(), z.string().max(1024).describe(meaningOfOne))
    .meta({ maxProperties: 32 })
    .describe(meaning);

const template = z
  .object({
    kind: name('The kind of the workload.'),
    namespace: name('The namespace.'),
    name: name('The name.'),
    annotations: values(
      'The annotations that the policy would write there; those that others wrote stay.',
      'The value.',
    ),
    labels: values('The labels that it would write there.', 'The value.'),
    removed: z
      .array(z.string().max(317).describe('A key.'))
      .max(32)
      .meta({ 'x-kubernetes-list-type': 'atomic' })
      .describe('Keys that another policy had written there and that would go.')
      .optional(),
  })
  .describe('The pod template of one workload.');

const templates = z
  .object({
    total: gauge('How many pod templates it would write; each is a rollout of its workload.'),
    samples: z
      .array(template)
      .max(statusBounds.dryRunTemplates)
      .meta({ 'x-kubernetes-list-type': 'atomic' })
      .describe('Some of them, at most 3.'),
  })
  .describe('The pod templates that it would write; absent unless injection.at is Workload.');

/** What a policy in DryRun would do, as its status has it. */
export const dryRun = z
  .object({
    pods: gauge('Living pods that the policy would govern if it were enforced.'),
    taken: z
      .array(source)
      .max(statusBounds.dryRunSources)
      .meta({ 'x-kubernetes-list-type': 'atomic' })
      .describe(
        'From which policies it would take pods, at most 20 of them; the others are governed by none now.',
      ),
    samples: z
      .array(name('A pod as namespace/name.'))
      .max(statusBounds.dryRunSamples)
      .meta({ 'x-kubernetes-list-type': 'atomic' })
      .describe('Some of the pods, at most 5.'),
    templates: templates.optional(),
  })
  .describe('What a policy in mode DryRun would do; absent in every other mode.');
