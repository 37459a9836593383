import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { filter, firstValueFrom, interval, map, merge, take, takeUntil, tap, timeout, timer } from 'rxjs';
import type { Access } from './cluster/access.ts';
import { startCluster, type Cluster } from './cluster/cluster.ts';
import { installOperator, startReplica } from './cluster/operator.ts';
import { ensureToolchain } from './cluster/toolchain.ts';
import { judge, type Check } from './demo/checks.ts';
import { type Doomed, type Evidence, readEvidence } from './demo/evidence.ts';
import { openScreen, styled } from './demo/screen.ts';
import { readableStatus } from './demo/status-text.ts';
import {
  announceReclaims,
  applyPolicies,
  chooseDoomed,
  createWorkloads,
  describeGifts,
  namespaces,
} from './demo/story.ts';
