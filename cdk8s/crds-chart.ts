import { ApiObject, Chart } from 'cdk8s';
import type { Construct } from 'constructs';
import { customResourceDefinition, policyKinds } from '../operator/api/crd.ts';
import { warningsPolicy } from '../operator/api/warnings.ts';

/** The kinds that users write, and the warnings that kubectl shows about them. */
export class CrdsChart extends Chart {
  constructor(scope: Construct, id: string) {
    super(scope, id, { disableResourceNameHashes: true });
    for (const object of [...policyKinds.map(customResourceDefinition), ...warningsPolicy()]) {
      new ApiObject(this, `${object.kind}-${object.metadata.name}`.toLowerCase(), object);
    }
  }
}
