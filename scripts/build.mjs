// Bundles the program into dist/. Everything is bundled, so the published package has no dependency to install;
// what a command does not need lies in chunks of its own and is read only when asked for.
import { copyFileSync, renameSync, rmSync } from 'node:fs'
import { build } from 'esbuild'

// Built beside and then put in place whole: whoever runs dist/ meanwhile sees the old program or the new one.
const part = `dist.${process.pid}`
await build({
  entryPoints: { cli: 'src/cli.ts', 'nvidia-smi-child': 'src/host/nvidia-smi-child.js', 'bench-worker': 'src/bench/worker.ts' },
  outdir: part,
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  minify: true,
  legalComments: 'none',
  external: ['onnxruntime-node'],
  // Bundled CommonJS packages still call require.
  banner: { js: "import{createRequire as __cr}from'node:module';const require=__cr(import.meta.url);" },
})
// The clip that `bench` plays, and what is said in it.
copyFileSync('fixtures/clips/reference.br', `${part}/reference-clip.br`)
copyFileSync('fixtures/clips/reference.txt', `${part}/reference-clip.txt`)
rmSync('dist', { recursive: true, force: true })
renameSync(part, 'dist')
