'use strict';

/** One jest project per kind of test; `npm test` runs them as separate stages. */
const swc = [
  '@swc/jest',
  {
    jsc: {
      target: 'es2022',
      parser: { syntax: 'typescript', decorators: true },
      transform: { legacyDecorator: true, decoratorMetadata: true },
      keepClassNames: true,
    },
    module: { type: 'commonjs' },
    sourceMaps: 'inline',
  },
];

function project(name, testMatch, more = {}) {
  return {
    displayName: name,
    rootDir: __dirname,
    testEnvironment: 'node',
    testMatch: testMatch.map((glob) => `<rootDir>/${glob}`),
    transform: { '^.+\\.ts$': swc },
    moduleFileExtensions: ['ts', 'js', 'cjs', 'mjs', 'json', 'node'],
    modulePathIgnorePatterns: ['<rootDir>/dist/', '<rootDir>/dist-bench/', '<rootDir>/.cache/'],
    cacheDirectory: '<rootDir>/.cache/jest',
    ...more,
  };
}

module.exports = {
  projects: [
    project('unit', [
      'src/**/*.spec.ts',
      'connectors/**/*.spec.ts',
      'test/repo/**/*.spec.ts',
      'test/support/**/*.spec.ts',
    ]),
    project('sim', ['test/sim/**/*.spec.ts']),
    project('e2e', ['test/e2e/**/*.spec.ts']),
    project('faults', ['test/faults/**/*.spec.ts']),
    project('fuzz', ['test/fuzz/**/*.spec.ts']),
    project('interop', ['test/interop/**/*.spec.ts']),
  ],
};
