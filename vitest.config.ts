import { defineConfig } from 'vitest/config';

// Forked processes: the addon's own threads end with the process, never with a worker thread's environment.
export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 20_000,
    hookTimeout: 20_000,
    restoreMocks: true,
  },
});
