import { availableParallelism } from 'node:os';
import { missingTests } from './test/support/programs.mjs';
import { leftOutBy, leftOutOnCluster } from './test/support/tiers.mjs';

/** What no project runs: other tiers, and tests whose programs are missing here. */
const leftOut = ['/node_modules/', ...leftOutBy(process.env.BILLING_TEST_TIER), ...missingTests()];

const common = {
  // One id for all: what one project compiled, the others find in the cache.
  id: 'billing-gateway',
  rootDir: import.meta.dirname,
  roots: ['<rootDir>/test'],
  testEnvironment: 'node',
  // Not in the temp directory: test/run.mjs gives each run one of its own and removes it.
  cacheDirectory: '<rootDir>/node_modules/.cache/jest',
  extensionsToTreatAsEsm: ['.ts'],
  transform: { '^.+\\.ts$': ['@swc/jest'] },
  moduleNameMapper: { '^(\\.{1,2}/.*)\\.js$': '$1' },
  testPathIgnorePatterns: leftOut,
};

/** Files that open the gateway's database: run once on the embedded database and once on MariaDB/MySQL. */
const withDatabase = ['features', 'scenarios', 'abuse', 'contract'].map((folder) => `<rootDir>/test/${folder}/**/*.test.ts`);

/** Files that open no database of the gateway's: run once. */
const withoutDatabase = ['unit', 'sandbox', 'tidy'].map((folder) => `<rootDir>/test/${folder}/**/*.test.ts`);

/**
 * Run on the server where there is one, else on the embedded database: what takes minutes of processes that kill each other,
 * imports, which are for production, where the embedded database is refused, what makes a cluster
 * of its own, and clients, which see no difference.
 */
const onServerAlone = [
  '/test/scenarios/webhook-convergence\\.test\\.ts$',
  '/test/features/import\\.test\\.ts$',
  '/test/scenarios/rolling-restart\\.haproxy\\.test\\.ts$',
  '\\.galera\\.test\\.ts$',
  '/test/contract/(client-calls|client-events|events-listen)\\.test\\.ts$',
  '/test/contract/clients\\.test\\.ts$',
  '/test/scenarios/client-package\\.(chromium|node20)\\.test\\.ts$',
  '/test/scenarios/examples\\.(chromium\\.)?test\\.ts$',
  '/test/scenarios/pages\\.chromium\\.test\\.ts$',
];
const onceOnly = process.env.BILLING_TEST_MYSQL_URL === undefined ? [] : onServerAlone;

/** Files of the others that run on a cluster too, whose nodes all take writes; those that make their own do not. */
const onCluster = {
  ...common,
  displayName: 'galera',
  testMatch: withDatabase,
  testPathIgnorePatterns: [
    '/node_modules/',
    ...missingTests(),
    '\\.galera\\.test\\.ts$',
    ...leftOutOnCluster(process.env.BILLING_TEST_TIER),
  ],
  globals: { TEST_DATABASE: 'mysql', TEST_ON_CLUSTER: true },
};

/** Run it through test/run.mjs (`npm test`): that starts the database server and names it to the tests. */
export default {
  // Tests wait for processes and servers about a third of their time.
  maxWorkers: availableParallelism() + 1,
  // What a file has loaded is never let go: a worker that holds much of it gives way to a fresh one.
  workerIdleMemoryLimit: '700MB',
  testSequencer: '<rootDir>/test/support/slowest-first-sequencer.mjs',
  // For what hangs, not for what is slow: machines differ.
  testTimeout: 480_000,
  reporters: ['default', '<rootDir>/test/support/totals-reporter.mjs'],
  projects: [
    { ...common, displayName: 'pure', testMatch: withoutDatabase },
    {
      ...common,
      displayName: 'embedded',
      testMatch: withDatabase,
      testPathIgnorePatterns: [...leftOut, ...onceOnly],
      globals: { TEST_DATABASE: 'embedded' },
    },
    { ...common, displayName: 'mysql', testMatch: withDatabase, globals: { TEST_DATABASE: 'mysql' } },
    ...(process.env.BILLING_TEST_GALERA_URL === undefined ? [] : [onCluster]),
  ],
};
