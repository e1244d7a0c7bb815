// Bundles the program into dist/. Everything is bundled, so the published package has no dependency to install;
// what a command does not need lies in chunks of its own and is read only when asked for.
import { rmSync } from 'node:fs'
import { build } from 'esbuild'

rmSync('dist', { recursive: true, force: true })
await build({
  entryPoints: { cli: 'src/cli.ts', 'nvidia-smi-child': 'src/host/nvidia-smi-child.ts' },
  outdir: 'dist',
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
