import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

const ROOT = fileURLToPath(new URL('..', import.meta.url))

/**
 * Who may import what. The first row that matches a file governs it. `of ours` lists path patterns; `node` and
 * `packages` say whether anything impure may be imported at all.
 */
const LAYERS: readonly { readonly files: RegExp; readonly ours: RegExp; readonly node?: true; readonly packages?: RegExp }[] = [
  { files: /^src\/types\.ts$/, ours: /^$/ },
  { files: /^src\/(question|cannot-see|wrong-call|nearest|sober|secrets|paths|target-name|summary|expectation|gather)\.ts$/, ours: /^src\/(types|wrong-call|cannot-see|summary|question)\.ts$/ },
  { files: /^src\/index\.ts$/, ours: /^src\/(types|question|cannot-see)\.ts$/ },
  // Readers of formats and models: bytes or text in, data out.
  { files: /^src\/(elf|loader|systemd|cgroup|gpu|audio|python)\//, ours: /^src\/(elf|loader|systemd|cgroup|gpu|audio|python)\/|^src\/(types|index|paths|question|cannot-see|nearest)\.ts$|^src\/facts\/(context|unit-state)\.ts$/ },
  { files: /^src\/(onnx|ggml|ctranslate2|log|profile)\//, ours: /^src\/(onnx|ggml|ctranslate2|log|profile)\/|^src\/cannot-see\.ts$/ },
  // What a probe puts to an engine, and what its answer proves: text and data. The network it tries is written, and a text it gets counted, as the benchmark's are.
  { files: /^src\/probe\//, ours: /^src\/(probe|bench\/(onnx|stats))\/|^src\/onnx\/providers\.ts$/ },
  { files: /^src\/verdict\//, ours: /^src\/(verdict|onnx|log|profile|probe)\/|^src\/types\.ts$/ },
  { files: /^src\/facts\//, ours: /^src\/(facts|elf|loader|systemd|cgroup|gpu|audio|python|onnx|ctranslate2|log|profile|probe|verdict)\/|^src\/(types|index|paths|question|cannot-see|nearest)\.ts$/ },
  { files: /^checks\//, ours: /^checks\/|^src\/(index|paths|target-name)\.ts$|^src\/facts\/|^src\/(systemd|cgroup|gpu|audio|python|loader|onnx|ctranslate2|log|profile|probe|verdict)\// },
  { files: /^src\/(diagnose|assess|compare|neighbours|resolve-target|load|record)\.ts$/, ours: /^(src|checks)\// },
  { files: /^src\/docs\.ts$/, ours: /^src\//, packages: /^chalk$/ },
  { files: /^src\/report\//, ours: /^src\/(report\/|types|sober|secrets|summary|target-name|load)/, packages: /^(chalk|cli-table3)$/ },
  { files: /^src\/host\/(host|replay|case|redact|about|bounded|overlay)\.ts$/, ours: /^src\/(host\/(host|replay)|secrets|types|question|cannot-see)\.ts$/ },
  { files: /^src\/host\//, ours: /^src\//, node: true, packages: /^(execa|systeminformation|node-nvidia-smi)$/ },
  // Cures: text in, text out; plans and proofs over any machine. Only the hand and what stands around it touch the disk.
  { files: /^src\/fix\/(hand|place|failure|rights|disk|lock|journal|tidy|apply|restore|take-back|verify|after|ask)\.ts$/, ours: /^src\//, node: true },
  { files: /^src\/fix\/discreet\.ts$/, ours: /^src\/(fix\/diff|secrets|types)\.ts$/ },
  { files: /^src\/fix\/report\.ts$/, ours: /^src\/(fix|report)\/|^src\/(types|sober|target-name)\.ts$/, packages: /^chalk$/ },
  { files: /^src\/fix\//, ours: /^src\/(fix|facts|systemd|cgroup|verdict)\/|^src\/host\/(host|overlay|replay)\.ts$|^src\/(types|index|paths|question|cannot-see|diagnose|gather)\.ts$/ },
  { files: /^src\/progress\.ts$/, ours: /^src\// },
  { files: /^src\/bench\//, ours: /^src\//, node: true, packages: /^(commander|chalk|cli-table3|execa|onnxruntime-node|systeminformation)$/ },
  { files: /^src\/(cli|io|new-file)\.ts$|^src\/(commands|actions)\//, ours: /^src\//, node: true, packages: /^(commander|chalk)$/ },
]

const files = ['src', 'checks'].flatMap((folder) =>
  readdirSync(`${ROOT}${folder}`, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts') && !file.endsWith('.d.ts')).map((file) => `${folder}/${file}`),
)

function importsOf(file: string): readonly string[] {
  const text = readFileSync(`${ROOT}${file}`, 'utf8')
  return [...text.matchAll(/(?:^|\n)\s*(?:import|export)\s[^'"]*?from\s*'([^']+)'|import\('([^']+)'\)|(?:^|\n)import '([^']+)'/g)].map((m) => (m[1] ?? m[2] ?? m[3])!)
}

const absolute = (from: string, to: string): string => new URL(to, `file:///${from}`).pathname.slice(1)

describe('layers', () => {
  it.each(files)('%s imports only what its layer may', (file) => {
    const layer = LAYERS.find((row) => row.files.test(file))
    expect(layer, 'no row of the table covers this file').toBeDefined()
    for (const name of importsOf(file)) {
      if (name.startsWith('.')) expect(absolute(file, name), `${file} may not import ${name}`).toMatch(layer!.ours)
      else if (name.startsWith('node:')) expect(layer!.node, `${file} may not import ${name}`).toBe(true)
      else expect(name, `${file} may not import a package`).toMatch(layer!.packages ?? /^$/)
    }
  })

  it.each(LAYERS.map((row) => [String(row.files), row] as const))('row %s guards at least one file', (_, row) => {
    expect(files.some((file) => LAYERS.find((each) => each.files.test(file)) === row)).toBe(true)
  })
})
