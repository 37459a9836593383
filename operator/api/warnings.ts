import { minimumSpotVcpu, spotSizes } from './instance-spec.ts';
import { clusterSpotPolicyNames, group, spotPolicyNames, version } from './metadata.ts';

const name = `warnings.${group}`;

// CEL tells doubles from integers: with its point, a literal compares with what `double()` gives.
const double = (value: number): string => value.toFixed(1);
const text = (size: string): string => `string(${size}[0]) + '-' + string(${size}[1]) + 'Gi'`;

// By vCPU, then by memory, so that the first one that is large enough is the nearest.
const sold = spotSizes.flatMap(({ vcpu, memoryGib }) =>
  memoryGib.map((memory) => `[${double(vcpu)}, ${double(memory)}]`),
);

// The pages of ECI say "rounded up" without saying how: the least vCPU with enough memory is our reading.
const rounding = `(variables.sold.filter(larger, larger[0] >= asked[0] && larger[1] >= asked[1]).map(larger, ' (probably to ' + ${text('larger')} + ')') + [' (none is that large)'])[0]`;

const variables = [
  {
    name: 'asked',
    expression:
      "has(object.spec.instanceSpecs) ? object.spec.instanceSpecs.filter(spec, !spec.startsWith('ecs.')).map(spec, spec.replace('Gi', '').split('-').map(part, double(part))) : []",
  },
  { name: 'sold', expression: `[${sold.join(', ')}]` },
  { name: 'tooSmall', expression: `variables.asked.filter(asked, asked[0] < ${double(minimumSpotVcpu)})` },
  {
    name: 'unlisted',
    expression: `variables.asked.filter(asked, asked[0] >= ${double(minimumSpotVcpu)} && !(asked in variables.sold))`,
  },
];

const validations = [
  {
    expression:
      "!has(object.spec.priceLimit) || !has(object.spec.fallback) || !has(object.spec.fallback.mode) || object.spec.fallback.mode != 'AtCreation'",
    messageExpression:
      "'spec.priceLimit: ' + object.spec.priceLimit + ' is no cap while spec.fallback.mode is AtCreation: a pod for which ECI has nothing within the limit starts on demand at once, at the full price; with Never it would stay Pending'",
  },
  {
    expression:
      "!has(object.spec.interruption) || object.spec.interruption.failedPods != 'Keep' || !has(object.spec.interruption.failedPodTTLSeconds)",
    messageExpression:
      "'spec.interruption.failedPodTTLSeconds: ' + string(object.spec.interruption.failedPodTTLSeconds) + ' means nothing while spec.interruption.failedPods is Keep: no failed pod is removed; remove it, or choose Delete'",
  },
  {
    expression:
      "!has(object.spec.interruption) || object.spec.interruption.evictor != 'VirtualNode' || !has(object.spec.interruption.replacement) || object.spec.interruption.replacement != 'BeforeEviction'",
    messageExpression:
      "'spec.interruption.replacement: BeforeEviction means nothing while spec.interruption.evictor is VirtualNode, which evicts pods on the warning; remove it, or choose Operator'",
  },
  {
    expression:
      '!has(object.spec.distribution) || !has(object.spec.distribution.spotPercentage) || object.spec.distribution.spotPercentage in [0, 100]',
    messageExpression:
      "'spec.distribution.spotPercentage: ' + string(object.spec.distribution.spotPercentage) + ' is rounded down for each workload: one of fewer than ' + string((99 + object.spec.distribution.spotPercentage) / object.spec.distribution.spotPercentage) + ' pods above onDemandBase has none on spot'",
  },
  {
    expression: 'variables.tooSmall.size() == 0',
    messageExpression: `'spec.instanceSpecs: ECI sells no spot capacity by size below ${minimumSpotVcpu} vCPU; name an ECS type of the t5 or t6 family, as ecs.t5-c1m2.large, or ask for more than ' + variables.tooSmall.map(asked, ${text('asked')}).join(', ')`,
  },
  {
    expression: 'variables.unlisted.size() == 0',
    messageExpression: `'spec.instanceSpecs: ECI sells no spot capacity of this size and rounds it up, and the larger size is what you pay for: ' + variables.unlisted.map(asked, ${text('asked')} + ${rounding}).join(', ')`,
  },
];

/**
 * Returns the ValidatingAdmissionPolicy that warns, without refusing, of policies that will hardly do what their user
 * expects, and its binding.
 */
export const warningsPolicy = () => [
  {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'ValidatingAdmissionPolicy',
    metadata: { name },
    spec: {
      // A warning that cannot be worked out is not worth an error.
      failurePolicy: 'Ignore',
      matchConstraints: {
        resourceRules: [
          {
            apiGroups: [group],
            apiVersions: [version],
            operations: ['CREATE', 'UPDATE'],
            resources: [spotPolicyNames.plural, clusterSpotPolicyNames.plural],
          },
        ],
      },
      variables,
      validations,
    },
  },
  {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'ValidatingAdmissionPolicyBinding',
    metadata: { name },
    spec: { policyName: name, validationActions: ['Warn'] },
  },
];
