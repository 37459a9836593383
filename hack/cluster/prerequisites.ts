import { execFile } from 'node:child_process';
import { mkdir, statfs } from 'node:fs/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** What a build of the control plane depends on, as found on this machine. */
export type Facts = {
  platform: string;
  architecture: string;
  /** The newest Go that could be had here, as in `go1.26.8`; or why there is none. */
  go: { version: string } | { problem: string };
  /** Undefined when modules can be had, else what the attempt printed. */
  moduleProblem: string | undefined;
  goproxy: string;
  freeDiskBytes: number;
  availableMemoryBytes: number;
};

const gibibyte = 1024 ** 3;
// Measured on a build from nothing: modules, build cache and binaries on disk, compilers and linker in memory.
const diskBytes = 4 * gibibyte;
const memoryBytes = 3 * gibibyte;

const shown = (bytes: number): string => `${(bytes / gibibyte).toFixed(1)} GiB`;

const goIsNewEnough = (version: string): boolean => {
  const [, major, minor] = /^go(\d+)\.(\d+)/.exec(version) ?? [];
  return Number(major) > 1 || (Number(major) === 1 && Number(minor) >= 26);
};

/** One line for each prerequisite of the build that is missing, saying what to do; none if it can begin. */
export const missingPrerequisites = (facts: Facts): string[] => {
  const missing: string[] = [];
  if (facts.platform !== 'linux' || !['x64', 'arm64'].includes(facts.architecture))
    missing.push(`Linux on x64 or arm64: this is ${facts.platform} on ${facts.architecture}`);
  if ('problem' in facts.go)
    missing.push(`Go 1.26 or later: ${facts.go.problem}; install it from https://go.dev/dl`);
  else if (!goIsNewEnough(facts.go.version))
    missing.push(`Go 1.26 or later: found ${facts.go.version}; install a newer one from https://go.dev/dl`);
  // Without Go the question could not be put.
  else if (facts.moduleProblem !== undefined)
    missing.push(
      `Go modules: GOPROXY=${facts.goproxy} gave none (${facts.moduleProblem}); set GOPROXY to one that answers`,
    );
  if (facts.freeDiskBytes < diskBytes)
    missing.push(
      `${shown(diskBytes)} of free disk: ${shown(facts.freeDiskBytes)} are left; free some, or point XDG_CACHE_HOME, GOCACHE and GOMODCACHE at a larger disk`,
    );
  if (facts.availableMemoryBytes < memoryBytes)
    missing.push(
      `${shown(memoryBytes)} of memory: ${shown(facts.availableMemoryBytes)} are available; stop something`,
    );
  return missing;
};

/**
 * The environment for calls of `go`. A Go older than go.mod asks for fetches the one it names; GOFLAGS is overridden by
 * its own default and not emptied, for an empty variable lets `go env -w GOFLAGS=…` through; a cross-compilation
 * setting would yield programs that do not run here.
 */
export const goEnvironment = (): NodeJS.ProcessEnv => ({
  ...process.env,
  GOTOOLCHAIN: 'auto',
  GOFLAGS: '-mod=readonly',
  GOWORK: 'off',
  CGO_ENABLED: '0',
  GOOS: 'linux',
  GOARCH: process.arch === 'x64' ? 'amd64' : process.arch,
});

// Any module of go.mod will do: this one is small, and only its description is fetched.
const smallModule = 'sigs.k8s.io/yaml@v1.6.0';
// A proxy that swallows packets must not hold us up longer; a new Go (70 MB) may have to come through it first.
const goTimeoutMs = 90_000;
const moduleTimeoutMs = 20_000;

/** Looks at this machine: Go in the module's directory, its proxy, disk where caches are and memory. Takes seconds. */
export const gatherFacts = async (moduleDirectory: string, cacheDirectory: string): Promise<Facts> => {
  const go = async (args: string[], timeout: number): Promise<{ output: string } | { problem: string }> => {
    try {
      const { stdout } = await run('go', args, { cwd: moduleDirectory, env: goEnvironment(), timeout });
      return { output: stdout };
    } catch (error) {
      return { problem: explained(error, timeout) };
    }
  };
  const settings = await go(['env', '-json', 'GOVERSION', 'GOPROXY', 'GOCACHE', 'GOMODCACHE'], goTimeoutMs);
  const env: Record<string, string> = 'output' in settings ? JSON.parse(settings.output) : {};
  const answer = 'output' in settings ? await go(['list', '-m', smallModule], moduleTimeoutMs) : undefined;
  const caches = [cacheDirectory, env.GOCACHE, env.GOMODCACHE].filter((path) => path !== undefined);
  return {
    platform: process.platform,
    architecture: process.arch,
    go: 'output' in settings ? { version: env.GOVERSION ?? 'an unknown version' } : settings,
    moduleProblem: answer !== undefined && 'problem' in answer ? answer.problem : undefined,
    goproxy: env.GOPROXY ?? '',
    freeDiskBytes: Math.min(...(await Promise.all(caches.map(freeBytes)))),
    availableMemoryBytes: process.availableMemory(),
  };
};

const freeBytes = async (directory: string): Promise<number> => {
  await mkdir(directory, { recursive: true });
  const { bavail, bsize } = await statfs(directory);
  return bavail * bsize;
};

const explained = (error: unknown, timeoutMs: number): string => {
  const failed = error as { code?: unknown; killed?: boolean; stderr?: string; message: string };
  if (failed.code === 'ENOENT') return 'there is no go in PATH';
  if (failed.killed === true) return `no answer within ${timeoutMs / 1000} s`;
  return (failed.stderr?.trim() || failed.message).replace(/\s+/g, ' ').slice(0, 300);
};
