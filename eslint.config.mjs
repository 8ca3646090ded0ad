import { defineConfig, globalIgnores } from 'eslint/config';
import tseslint from 'typescript-eslint';

/** Rules on syntax only: cheap, and true for every TypeScript file. */
const house = {
  'no-restricted-syntax': [
    'error',
    { selector: 'TSEnumDeclaration', message: 'Use a const object and a union instead of an enum.' },
    { selector: 'ExportDefaultDeclaration', message: 'Export by name: a thing has one name everywhere.' },
  ],
  '@typescript-eslint/no-explicit-any': 'error',
  '@typescript-eslint/consistent-type-imports': ['error', { disallowTypeAnnotations: false }],
  '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
  eqeqeq: ['error', 'always'],
  'no-console': 'error',
  'prefer-const': 'error',
};

/** The core is `(state, event, now) -> effects`: what tells time, rolls dice or acts comes in as a port. */
const impure = [
  'setTimeout',
  'setInterval',
  'setImmediate',
  'queueMicrotask',
  'performance',
  'process',
  'fetch',
  'crypto',
];
const pureCore = {
  'no-restricted-globals': ['error', ...impure.map((name) => ({ name, message: 'The core gets this as a port.' }))],
  'no-restricted-properties': [
    'error',
    { object: 'Date', property: 'now', message: 'The core gets time from the Clock port.' },
    { object: 'Math', property: 'random', message: 'The core gets numbers from the Random port.' },
  ],
};

export default defineConfig(
  globalIgnores([
    'node_modules/',
    'dist/',
    'dist-bench/',
    '.cache/',
    'coverage/',
    'data/',
    'artefacts/',
    'bench/results/',
  ]),
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.recommended],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      ...house,
      // The few rules that need types, and are worth their time.
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': 'error',
      '@typescript-eslint/await-thenable': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
    },
  },
  {
    // Nest reads constructor types at run time: a type-only import would erase them.
    files: ['**/*.module.ts', '**/*.controller.ts', '**/*.service.ts', '**/*.indicator.ts'],
    rules: { '@typescript-eslint/consistent-type-imports': 'off' },
  },
  {
    files: ['src/{common,amqp,message,selectors,routing,streams,queues,addresses}/**/*.ts'],
    ignores: ['**/*.spec.ts', '**/*.fixture.ts'],
    rules: pureCore,
  },
  {
    files: ['src/cli/**/*.ts', 'bench/**/*.ts', 'test/**/*.ts', 'scripts/**/*.ts', '**/*.spec.ts'],
    rules: { 'no-console': 'off' },
  },
  {
    files: ['**/*.mjs', '**/*.cjs', '**/*.js'],
    languageOptions: { globals: { process: 'readonly', console: 'readonly', module: 'writable', require: 'readonly' } },
    rules: { eqeqeq: ['error', 'always'], 'prefer-const': 'error', 'no-unused-vars': 'error' },
  },
);
