'use strict';

/**
 * The import direction (CONTRIBUTING.md, "Layout"): a folder imports from its own layer's row only where `peers` says
 * so, and from the rows above it in this list; never from a row below. `npm run lint:imports` fails otherwise.
 */
const LAYERS = [
  ['common'],
  ['amqp', 'message', 'security', 'selectors'],
  ['transport'],
  ['links'],
  ['routing'],
  ['streams'],
  ['queues'],
  ['addresses', 'sessions', 'store', 'tunnels'],
  ['mesh'],
  ['listeners', 'bridges', 'client'],
  ['config', 'runtime', 'health', 'metrics', 'management', 'console', 'cli', 'main.ts', 'app.module.ts'],
];

/** Folders of one layer that may see each other; all others of one layer are strangers. */
const PEERS = {
  message: ['amqp'], // sections are made of AMQP's types
  addresses: ['store'],
  sessions: ['addresses'],
  store: ['addresses', 'sessions'],
};
const APP = LAYERS[LAYERS.length - 1];

/** The core is `(state, event, now) -> effects`: no frameworks, no sockets, no clock, no disk. */
const CORE = [
  'common',
  'amqp',
  'message',
  'selectors',
  'routing',
  'streams',
  'queues',
  'addresses',
  'tunnels',
  'sessions',
];
/** The parts of Node that compute and nothing else. */
const PURE_BUILTINS = ['assert', 'assert/strict', 'buffer', 'diagnostics_channel', 'events', 'util', 'zlib'];

const known = LAYERS.flat();
const escape = (name) => name.replace(/\./g, '\\.');
const paths = (names) =>
  `^src/(${names.map((name) => (name.endsWith('.ts') ? `${escape(name)}$` : `${name}/`)).join('|')})`;
const SPEC = '\\.(spec|fixture)\\.ts$';

const direction = LAYERS.flatMap((row, index) => {
  const below = LAYERS.slice(0, index).flat();
  return row.map((name) => ({
    name: `import-direction-${name}`,
    comment: `${name} imports only from: ${[name, ...(PEERS[name] ?? []), ...below].join(', ')}.`,
    severity: 'error',
    from: { path: paths([name]) },
    to: { path: '^src/', pathNot: paths([...below, name, ...(PEERS[name] ?? []), ...(row === APP ? APP : [])]) },
  }));
});

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    ...direction,
    {
      name: 'every-folder-has-a-layer',
      comment: 'A new folder in src gets its place in LAYERS of .dependency-cruiser.cjs first.',
      severity: 'error',
      from: { path: '^src/', pathNot: paths(known) },
      to: {},
    },
    {
      name: 'no-circle',
      comment:
        'Two files that need each other are one file, or have a third in common. Circles of types alone may stay.',
      severity: 'error',
      from: { path: '^src/' },
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    {
      name: 'core-is-pure',
      comment: 'The core gets clock, random, sockets and disk as ports; it imports no framework and nothing that acts.',
      severity: 'error',
      from: { path: paths(CORE), pathNot: SPEC },
      to: { dependencyTypes: ['core'], pathNot: `^(node:)?(${PURE_BUILTINS.join('|')})$` },
    },
    {
      name: 'core-has-no-packages',
      comment: 'The core stands on Node alone; the one exception is the cold AMQP codec, which may use rhea.',
      severity: 'error',
      from: { path: paths(CORE), pathNot: `${SPEC}|^src/amqp/codec/` },
      to: { pathNot: '^src/', dependencyTypesNot: ['core'] },
    },
    {
      name: 'cold-codec-uses-rhea-only',
      severity: 'error',
      from: { path: '^src/amqp/codec/', pathNot: SPEC },
      to: { pathNot: '^src/|(^|/)rhea(/|$)', dependencyTypesNot: ['core'] },
    },
    {
      name: 'rhea-stays-in-the-cold-codec',
      comment: 'rhea has no receive limit and dies of bad input: it must never face a listener.',
      severity: 'error',
      from: { path: '^src/', pathNot: `${SPEC}|^src/amqp/codec/` },
      to: { path: '(^|/)rhea(/|$)', pathNot: '^src/' },
    },
    {
      name: 'no-test-code-in-the-product',
      severity: 'error',
      from: { path: '^src/', pathNot: SPEC },
      to: { path: '^(test|bench|scripts|dist)/' },
    },
    {
      name: 'no-dev-packages-in-the-product',
      severity: 'error',
      from: { path: '^src/', pathNot: SPEC },
      to: { dependencyTypes: ['npm-dev'], dependencyTypesNot: ['type-only'], pathNot: 'node_modules/@types/' },
    },
    {
      name: 'imports-resolve',
      severity: 'error',
      from: { path: '^src/' },
      to: { couldNotResolve: true },
    },
  ],
  options: {
    doNotFollow: { path: '(^|/)(node_modules|dist|test|bench)/' },
    tsPreCompilationDeps: 'specify',
    skipAnalysisNotInRules: true,
    detectProcessBuiltinModuleCalls: true,
  },
};
