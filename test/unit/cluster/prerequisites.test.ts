import { describe, expect, test } from 'vitest';
import { missingPrerequisites, type Facts } from '../../../hack/cluster/prerequisites.ts';

const gibibyte = 1024 ** 3;

const factsOf = (different: Partial<Facts>): Facts => ({
  platform: 'linux',
  architecture: 'arm64',
  go: { version: 'go1.26.0' },
  moduleProblem: undefined,
  goproxy: 'https://proxy.example,direct',
  freeDiskBytes: 4 * gibibyte,
  availableMemoryBytes: 3 * gibibyte,
  ...different,
});

describe('missingPrerequisites', () => {
  test('finds nothing on a machine that has just enough', () => {
    expect(missingPrerequisites(factsOf({}))).toEqual([]);
  });

  test.for<[string, Partial<Facts>, RegExp]>([
    ['another system', { platform: 'darwin' }, /^Linux on x64 or arm64: this is darwin on arm64/],
    ['another processor', { architecture: 'riscv64' }, /^Linux on x64 or arm64: this is linux on riscv64/],
    [
      'no Go',
      { go: { problem: 'there is no go in PATH' } },
      /^Go 1\.26 or later: there is no go in PATH; install/,
    ],
    ['an old Go', { go: { version: 'go1.25.9' } }, /^Go 1\.26 or later: found go1\.25\.9/],
    [
      'a silent proxy',
      { moduleProblem: 'no answer within 20 s' },
      /GOPROXY=https:\/\/proxy\.example,direct .*set GOPROXY/,
    ],
    ['a full disk', { freeDiskBytes: 3.9 * gibibyte }, /^4\.0 GiB of free disk: 3\.9 GiB are left/],
    [
      'little memory',
      { availableMemoryBytes: 1.5 * gibibyte },
      /^3\.0 GiB of memory: 1\.5 GiB are available/,
    ],
  ])('names %s in one line', ([, different, line]) => {
    const missing = missingPrerequisites(factsOf(different));
    expect(missing).toHaveLength(1);
    expect(missing[0]).toMatch(line);
    expect(missing[0]).not.toContain('\n');
  });

  test('takes later releases of Go, among them a development version', () => {
    for (const version of ['go1.26.8', 'go1.30', 'go2.0', 'go1.27-devel_abc'])
      expect(missingPrerequisites(factsOf({ go: { version } })), version).toEqual([]);
  });

  test('names everything that is missing at once', () => {
    const none = { go: { version: 'go1.20' }, freeDiskBytes: 0, availableMemoryBytes: 0 };
    expect(missingPrerequisites(factsOf(none))).toHaveLength(3);
  });
});
