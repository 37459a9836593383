import { defineConfig } from 'oxlint';

// Which way imports may point, file by file: a line of code knows its room from what it is about, and its file from what
// it touches.

interface Ban {
  readonly regex: string;
  readonly message: string;
  readonly allowTypeImports?: boolean;
}

const noRxjs: Ban = {
  regex: '^rxjs',
  message: 'only stream.ts says when: rxjs is for stream.ts and runtime/',
};
const noRuntime: Ban = { regex: '/runtime/', message: 'only stream.ts says when: runtime/ is for stream.ts' };
const noKube: Ban = { regex: '/kube/', message: 'only effects.ts calls: kube/ is for effects.ts' };
const noNode: Ban = { regex: '^(node:|undici)', message: 'a room calls nothing of the machine: pass it in' };
const noStreams: Ban = {
  regex: '/(effects|([a-z-]+-)?stream)\\.ts$',
  message: 'a decision knows neither when it is asked nor what is done about it',
};
const noOtherRooms: Ban = {
  regex: '^\\.\\./(injection|interruption|status|capacity|server|observe)/',
  message: 'rooms meet in the world, and in policy/',
};
const noWiring: Ban = {
  regex: '^\\.\\./(main|serve|bind-calls|sources|owner-source|app|config)\\.ts$',
  message: 'only main.ts and what it wires know everything',
};
const noTools: Ban = {
  regex: '^(\\.\\./)+(hack|test|cdk8s)/|^(cdk8s|constructs|vitest|fast-check|@fast-check/.*|pino-pretty)$',
  message: 'the operator runs without the tools that build, install and test it',
};
const noRooms: Ban = {
  regex: '^\\.\\./(policy|injection|interruption|status|capacity|server|observe)/',
  message: 'the rooms build on this, not the other way round',
};
const noWorld: Ban = { regex: '/world/', message: 'this knows nothing of the world' };
const typesOnly = (ban: Ban): Ban => ({ ...ban, allowTypeImports: true });

const mayNotImport = (...patterns: Ban[]) =>
  ['error', { patterns: [noTools, ...patterns] }] satisfies ['error', object];

const domainRooms = ['policy', 'injection', 'interruption', 'status', 'capacity'];
const inDomainRooms = (file: string): string[] => domainRooms.map((room) => `operator/${room}/${file}`);

const passedIn = 'clock, timers, randomness and calls are parameters here';
const impureGlobals = [
  'Date',
  'setTimeout',
  'setInterval',
  'setImmediate',
  'queueMicrotask',
  'fetch',
  'process',
  'performance',
  'crypto',
  'console',
  'globalThis',
].map((name) => ({ name, message: passedIn }));
const noClock = ['error', ...impureGlobals] satisfies ['error', ...object[]];
const noRandom = ['error', { object: 'Math', property: 'random', message: passedIn }] satisfies [
  'error',
  object,
];

// The machine's time of day may be set at any moment; `nowMs` of the one clock may not (ADR 29).
const oneClock = 'decide by nowMs, the one clock of the program; main.ts alone reads that of the machine';
const noTimeOfDay = [
  'error',
  { object: 'Date', property: 'now', message: oneClock },
  { object: 'performance', property: 'timeOrigin', message: oneClock },
] satisfies ['error', ...object[]];

export default defineConfig({
  plugins: ['eslint', 'typescript', 'unicorn', 'oxc', 'import', 'promise', 'vitest'],
  categories: { correctness: 'error', suspicious: 'error' },
  options: { typeAware: true, reportUnusedDisableDirectives: 'error' },
  env: { builtin: true, node: true },
  rules: {
    'eslint/eqeqeq': 'error',
    // House rule: whoever opens a file should be able to keep it in mind.
    'eslint/max-lines': ['error', { max: 300 }],
    'eslint/no-param-reassign': 'error',
    'eslint/no-unused-vars': [
      'error',
      { ignoreRestSiblings: true, argsIgnorePattern: '^_', varsIgnorePattern: '^_' },
    ],
    'eslint/no-var': 'error',
    'eslint/no-warning-comments': ['error', { terms: ['todo', 'fixme', 'xxx'], location: 'anywhere' }],
    'import/no-cycle': 'error',
    'typescript/ban-ts-comment': 'error',
    'typescript/no-explicit-any': 'error',
    // An async listener is fine where it handles its own failure, which a rule cannot see.
    'typescript/no-misused-promises': ['error', { checksVoidReturn: false }],
    'typescript/no-non-null-assertion': 'error',
    'typescript/only-throw-error': 'error',
    'typescript/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
    'unicorn/prefer-node-protocol': 'error',
    // The compiler sees what these look for: every way out of a function, every type.
    'typescript/consistent-return': 'off',
    'typescript/no-unsafe-type-assertion': 'off',
    'typescript/no-unnecessary-type-arguments': 'off',
    'typescript/restrict-template-expressions': 'off',
    // Methods here are closures in an object: they have no `this` to lose.
    'typescript/unbound-method': 'off',
    // A construct is made by calling `new`, and x509 needs its polyfill imported for what it does.
    'eslint/no-new': 'off',
    'import/no-unassigned-import': 'off',
    // Data with a field `then`; names that are short and clear where they stand; helpers next to their only use.
    'unicorn/no-thenable': 'off',
    'eslint/no-shadow': 'off',
    'unicorn/consistent-function-scoping': 'off',
    // Marbles and properties expect without saying `expect`, or outside a plain `it`.
    'vitest/expect-expect': 'off',
    'vitest/no-conditional-expect': 'off',
    'vitest/no-standalone-expect': 'off',
    'vitest/require-to-throw-message': 'off',
    'vitest/valid-expect': 'off',
    'unicorn/no-useless-spread': 'off',
  },
  overrides: [
    {
      // Tests may be long, and hand in what no caller should.
      files: ['test/**'],
      rules: {
        'eslint/max-lines': 'off',
        'typescript/no-base-to-string': 'off',
        'typescript/no-useless-default-assignment': 'off',
        'typescript/only-throw-error': 'off',
      },
    },
    {
      files: ['operator/**'],
      rules: { 'eslint/no-console': 'error', 'eslint/no-restricted-imports': mayNotImport() },
    },
    {
      files: ['operator/**'],
      excludeFiles: ['operator/main.ts'],
      rules: { 'eslint/no-restricted-properties': noTimeOfDay },
    },
    { files: ['operator/app.ts'], rules: { 'eslint/no-restricted-imports': mayNotImport(noKube, noNode) } },
    {
      files: ['operator/api/**'],
      rules: {
        'eslint/no-restricted-imports': mayNotImport(noRxjs, noRuntime, noKube, noNode, noWorld, noRooms),
      },
    },
    {
      files: ['operator/runtime/**'],
      rules: { 'eslint/no-restricted-imports': mayNotImport(noKube, noNode, noWorld, noRooms, noWiring) },
    },
    {
      files: ['operator/world/**'],
      rules: {
        'eslint/no-restricted-imports': mayNotImport(
          noRxjs,
          typesOnly(noRuntime),
          noKube,
          noNode,
          noRooms,
          noWiring,
        ),
      },
    },
    {
      files: ['operator/kube/**'],
      rules: { 'eslint/no-restricted-imports': mayNotImport(noWorld, noRooms, noWiring) },
    },
    {
      files: ['operator/server/**'],
      rules: { 'eslint/no-restricted-imports': mayNotImport(noWorld, noOtherRooms, noWiring) },
    },
    {
      files: ['operator/observe/**'],
      rules: { 'eslint/no-restricted-imports': mayNotImport(typesOnly(noOtherRooms), typesOnly(noWiring)) },
    },
    {
      files: inDomainRooms('*.ts'),
      rules: {
        'eslint/no-restricted-globals': noClock,
        'eslint/no-restricted-properties': noRandom,
        'eslint/no-restricted-imports': mayNotImport(
          noRxjs,
          noRuntime,
          noKube,
          noNode,
          noStreams,
          noOtherRooms,
          noWiring,
        ),
      },
    },
    {
      files: inDomainRooms('effects.ts'),
      rules: {
        'eslint/no-restricted-imports': mayNotImport(noRxjs, noRuntime, noNode, noOtherRooms, noWiring),
      },
    },
    {
      files: [...inDomainRooms('stream.ts'), ...inDomainRooms('*-stream.ts')],
      rules: {
        'eslint/no-restricted-imports': mayNotImport(noKube, noNode, noStreams, noOtherRooms, noWiring),
      },
    },
  ],
});
