import { defineConfig } from 'vitest/config';

// Forked processes: the addon's own threads end with the process, never with a worker thread's environment.
export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/support/own-temp-dir.ts'],
    pool: 'forks',
    maxWorkers: 3,
    // Generous: a busy machine must not fail a test that is right. Nothing waits this long when all is well.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    restoreMocks: true,
  },
});
