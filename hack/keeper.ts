import { join } from 'node:path';
import { keepCluster, runKeeper } from './cluster/background.ts';
import { keepOperator } from './cluster/operator-keeper.ts';
import { installOperator } from './cluster/operator.ts';

const [directory] = process.argv.slice(2);
if (directory === undefined)
  throw new Error('hack/keeper.ts: name the state directory; hack/up.ts does that');

runKeeper(
  keepCluster(directory, async (cluster) => {
    await installOperator(cluster);
    return process.env.OPERATOR === '0'
      ? async () => {}
      : keepOperator(cluster, join(directory, 'operator.log'));
  }),
);
