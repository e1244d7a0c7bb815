import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'

/** An onnxruntime-node on this machine. */
export interface Runtime {
  /** The file to import. */
  readonly entry: string
  readonly folder: string
  readonly version: string
  /** Whether its CUDA provider was downloaded; the package itself holds only the CPU's. */
  readonly hasCuda: boolean
}

/** The version that is added where there is none; an installed one is taken as it is found. */
export const PACKAGE = 'onnxruntime-node'
export const INSTALLED_VERSION = '1.30.0'

/** Where `bench --install-runtime` puts it: the data folder of the XDG Base Directory Specification and its counterparts. */
export function runtimeFolder(env: NodeJS.ProcessEnv = process.env, platform: NodeJS.Platform = process.platform): string {
  const home = homedir()
  const xdg = env['XDG_DATA_HOME']
  if (xdg?.startsWith('/')) return join(xdg, 'asr-doctor', 'runtime')
  if (platform === 'win32') return join(env['LOCALAPPDATA'] ?? join(home, 'AppData', 'Local'), 'asr-doctor', 'runtime')
  if (platform === 'darwin') return join(home, 'Library', 'Application Support', 'asr-doctor', 'runtime')
  return join(home, '.local', 'share', 'asr-doctor', 'runtime')
}

/** Beside the tool, then in the current folder, then where the tool put it. null = nowhere. */
export function findRuntime(from: readonly string[] = [import.meta.url, join(process.cwd(), 'noop.js'), join(runtimeFolder(), 'noop.js')]): Runtime | null {
  for (const place of from) {
    try {
      const entry = createRequire(place).resolve(PACKAGE)
      return describe(entry)
    } catch {
      // Not there: the next place.
    }
  }
  return null
}

function describe(entry: string): Runtime {
  let folder = dirname(entry)
  while (!existsSync(join(folder, 'package.json'))) folder = dirname(folder)
  const { version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { version: string }
  const binaries = join(folder, 'bin', 'napi-v6', process.platform, process.arch)
  return { entry, folder, version, hasCuda: existsSync(join(binaries, 'libonnxruntime_providers_cuda.so')) }
}

/** npm's words for adding the runtime. No install script is run: it would only fetch the CUDA libraries, several hundred MB. */
export const installCommand = (folder: string): readonly string[] => [
  'npm', 'install', '--prefix', folder, '--ignore-scripts', '--no-audit', '--no-fund', `${PACKAGE}@${INSTALLED_VERSION}`,
]

/** The package's own script that fetches the CUDA libraries which the package itself lacks; linux/x64 only. */
export const cudaCommand = ({ folder }: Runtime): string => `ONNXRUNTIME_NODE_INSTALL=true node ${quoted(join(folder, 'script', 'install.js'))}`

export const shellLine = (words: readonly string[]): string => words.map(quoted).join(' ')

const quoted = (word: string): string => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`)
