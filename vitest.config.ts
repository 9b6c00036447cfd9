import { defineConfig } from 'vitest/config';

/** These leave nothing behind, so their files share the workers and what those have loaded. */
const ON_ALL_PROCESSORS = {
  isolate: false,
  setupFiles: ['test/helpers/restart-sample-ids.ts'],
  maxWorkers: '100%',
  sequence: { groupOrder: 0 },
};
/** Servers, models and browsers take all processors themselves. */
const ONE_BY_ONE = { maxWorkers: 1, sequence: { groupOrder: 1 } };
/** A test of a server waits for it half of the time. */
const TWO_AT_A_TIME = { maxWorkers: 2, sequence: { groupOrder: 2 } };

/**
 * Unit tests touch neither network nor servers; contract tests run one suite per port against every
 * local adapter; infra tests read templates; e2e tests start the real server. Left out of
 * `npm test`: `browser`, which needs a Chromium, `container`, which installs packages, `python`, which
 * installs Python's clients, `clients`, which installs those of other languages, and `aws` and
 * `build`, which need the stand-ins.
 */
export default defineConfig({
  test: {
    testTimeout: 30_000,
    hookTimeout: 60_000,
    // For the tests that use ONNX Runtime by itself; the product sees to it in its own processes.
    // Commands say how they were called, which is the same whatever started the tests.
    env: { ORT_DISABLE_TELEMETRY: '1', npm_lifecycle_event: 'test' },
    projects: [
      {
        extends: true,
        test: { name: 'unit', include: ['test/unit/**/*.test.{ts,tsx}'], ...ON_ALL_PROCESSORS },
      },
      {
        extends: true,
        test: { name: 'contract', include: ['test/contract/**/*.test.ts'], ...ON_ALL_PROCESSORS },
      },
      {
        extends: true,
        test: {
          name: 'infra',
          include: ['test/infra/**/*.test.ts'],
          // Each worker loads the CDK once and synthesises each deployment once for all its files.
          ...ON_ALL_PROCESSORS,
        },
      },
      {
        extends: true,
        test: {
          name: 'e2e',
          include: ['test/e2e/**/*.test.ts'],
          testTimeout: 120_000,
          isolate: false,
          ...TWO_AT_A_TIME,
        },
      },
      {
        extends: true,
        test: {
          name: 'browser',
          include: ['test/browser/**/*.test.ts'],
          testTimeout: 60_000,
          ...ONE_BY_ONE,
        },
      },
      {
        extends: true,
        test: {
          name: 'container',
          ...ONE_BY_ONE,
          include: ['test/container/**/*.test.ts'],
          testTimeout: 300_000,
          hookTimeout: 300_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'python',
          ...ONE_BY_ONE,
          include: ['test/python/**/*.test.ts'],
          testTimeout: 120_000,
          globalSetup: ['test/python/global-setup.ts'],
        },
      },
      {
        extends: true,
        test: {
          name: 'clients',
          ...ONE_BY_ONE,
          include: ['test/{quickstarts,generators}/**/*.test.ts'],
          testTimeout: 120_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'build',
          ...ONE_BY_ONE,
          include: ['test/build/**/*.test.ts'],
          globalSetup: ['test/stand-ins/global-setup.ts'],
        },
      },
      {
        extends: true,
        test: {
          name: 'payments',
          ...ONE_BY_ONE,
          include: ['test/payments/**/*.test.ts'],
          testTimeout: 60_000,
          globalSetup: ['test/payments/global-setup.ts'],
        },
      },
      {
        extends: true,
        test: {
          name: 'aws',
          ...ONE_BY_ONE,
          include: ['test/aws/**/*.test.ts'],
          testTimeout: 120_000,
          globalSetup: ['test/stand-ins/global-setup.ts', 'test/payments/global-setup.ts'],
        },
      },
    ],
  },
});
