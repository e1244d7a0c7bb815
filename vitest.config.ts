import { defineConfig } from 'vitest/config'

/** Suites that measure time or fill the machine: they run one after another, with nothing beside them. */
const ALONE = ['test/bench/{command,conditions,embedded,python,url,gate-recorded}.test.ts', 'test/cgroup/*.test.ts', 'test/incidents/*.test.ts', 'test/fix/{incident-0,kill}.test.ts']
const alone = process.env['ALONE'] !== undefined

export default defineConfig({
  test: {
    include: process.env['MAKE_FIXTURES'] ? ['test/make-fixtures.ts'] : alone ? ALONE : ['test/**/*.test.ts'],
    exclude: alone ? [] : ALONE,
    // Rigs boot systems and start services; the limit only catches what hangs.
    testTimeout: 120_000,
    hookTimeout: 180_000,
    // onnxruntime 1.30 writes to its makers, and where it cannot, into the folder one stands in.
    env: { ORT_DISABLE_TELEMETRY: '1' },
    maxWorkers: alone ? 1 : 3,
    // A neighbour on a shared machine may spoil a measurement once.
    retry: alone ? 2 : 0,
  },
})
