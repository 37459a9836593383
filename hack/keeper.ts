import { keepCluster, runKeeper } from './cluster/background.ts';

const [directory] = process.argv.slice(2);
if (directory === undefined)
  throw new Error('hack/keeper.ts: name the state directory; hack/up.ts does that');
runKeeper(keepCluster(directory));
