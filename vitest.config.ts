import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: process.env['MAKE_FIXTURES'] ? ['test/make-fixtures.ts'] : ['test/**/*.test.ts'],
    // Rigs boot systems and start services; the limit only catches what hangs.
    testTimeout: 120_000,
    hookTimeout: 180_000,
    maxWorkers: 3,
  },
})
