import { readdir, readFile, readlink } from 'node:fs/promises'
import { basename } from 'node:path'
import type { Json } from '../types.ts'
import { unitOfCgroup } from '../facts/unit-of-cgroup.ts'

/** A process or service that loads a speech runtime. `unit` is the service it belongs to. */
export interface SpeechProcess {
  readonly pid: number | null
  readonly program: string
  readonly runtime: string
  readonly unit: { readonly name: string; readonly scope: 'system' | 'user'; readonly managerUid?: number | null } | null
}

/** File names by which a runtime is known in /proc/PID/maps, and words by which a command line names one. */
const MAPPED: readonly (readonly [RegExp, string])[] = [
  [/^libsherpa-onnx/, 'sherpa-onnx'],
  [/^(libctranslate2|_ext\.cpython.*ctranslate2)/, 'CTranslate2'],
  [/^(libwhisper|libggml)/, 'ggml/whisper'],
  [/^(libonnxruntime|onnxruntime_pybind11|onnxruntime_binding)/, 'onnxruntime'],
  [/^libtorch(_cpu|_cuda|_python)?\./, 'torch'],
]
const NAMED: readonly (readonly [RegExp, string])[] = [
  [/sherpa[-_]onnx/i, 'sherpa-onnx'],
  [/ctranslate2|faster[-_]whisper/i, 'CTranslate2'],
  [/ggml|whisper/i, 'ggml/whisper'],
  [/onnxruntime|parakeet/i, 'onnxruntime'],
  [/torch/i, 'torch'],
]

/** All of them at once: one sweep over /proc, and one question to the service manager. What may not be read is passed over. */
export async function speechProcesses(deadline: number): Promise<Json> {
  const [running, configured] = await Promise.all([sweep(), services(deadline)])
  const seen = new Set(running.flatMap(({ unit }) => (unit ? [`${unit.scope} ${unit.name}`] : [])))
  return [...running, ...configured.filter(({ unit }) => !seen.has(`${unit!.scope} ${unit!.name}`))] as unknown as Json
}

async function sweep(): Promise<readonly SpeechProcess[]> {
  const pids = (await readdir('/proc').catch(() => [])).filter((name) => /^\d+$/.test(name) && name !== String(process.pid))
  const found = await Promise.all(pids.map(speechProcess))
  return found.flatMap((each) => (each === null ? [] : [each])).sort((a, b) => a.pid! - b.pid!)
}

async function speechProcess(pid: string): Promise<SpeechProcess | null> {
  const [maps, exe] = await Promise.all([readFile(`/proc/${pid}/maps`, 'latin1').catch(() => ''), readlink(`/proc/${pid}/exe`).catch(() => '')])
  if (exe === '') return null
  const files = new Set([...maps.matchAll(/ (\/\S.*)$/gm)].map(([, path]) => basename(path!)))
  const runtime = MAPPED.find(([name]) => [...files].some((file) => name.test(file)))?.[1] ?? (/whisper|sherpa-onnx/.test(basename(exe)) ? 'ggml/whisper' : null)
  if (runtime === null) return null
  const cgroup = await readFile(`/proc/${pid}/cgroup`, 'utf8').catch(() => '')
  return { pid: Number(pid), program: basename(exe), runtime, unit: unitOfCgroup(cgroup) }
}

/** Services whose ExecStart names a runtime, running or not. */
async function services(deadline: number): Promise<readonly SpeechProcess[]> {
  const booted = await readdir('/run/systemd/system').then(() => true, () => false)
  if (!booted) return []
  const { runBounded } = await import('./run.ts')
  const scopes = process.env['XDG_RUNTIME_DIR'] ? (['system', 'user'] as const) : (['system'] as const)
  const lists = await Promise.all(
    scopes.map(async (scope) => {
      const args = [...(scope === 'user' ? ['--user'] : []), 'show', '--no-pager', '--property=Id,MainPID,ExecStart', '*.service']
      const output = await runBounded(['systemctl', ...args], {}, deadline).catch(() => null)
      return (output?.stdout ?? '').split('\n\n').flatMap((block) => serviceOf(block, scope))
    }),
  )
  return lists.flat()
}

function serviceOf(block: string, scope: 'system' | 'user'): readonly SpeechProcess[] {
  const name = /^Id=(.+)$/m.exec(block)?.[1]
  const argv = /^ExecStart=\{ path=(\S+) ; argv\[\]=(.*?) ; /m.exec(block)
  const runtime = argv && NAMED.find(([word]) => word.test(argv[2]!))?.[1]
  if (!name || !runtime) return []
  const pid = Number(/^MainPID=(\d+)$/m.exec(block)?.[1] ?? 0)
  return [{ pid: pid === 0 ? null : pid, program: basename(argv[1]!), runtime, unit: { name, scope } }]
}
