import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    testTimeout: 60_000,
    hookTimeout: 120_000,
    retry: 0,
    pool: 'forks',
    // Most of a test's time is waiting for a chain, a disk or a socket.
    maxWorkers: 2,
  },
})
