import { DoesNotApply, known } from '../cannot-see.ts'
import { kernelVersionOf, libraryVersionOf } from '../gpu/version.ts'
import { finder } from '../loader/model.ts'
import { basename } from '../paths.ts'
import { question } from '../question.ts'
import type { Evidence, Fact, Host, Known, Use } from '../types.ts'
import { context } from './context.ts'
import { onThisMachine } from './driver-scope.ts'
import { loader } from './loader.ts'
import { process_, type Process } from './process.ts'

/** A library of the driver, as the target's loader finds it. */
export interface DriverLibrary {
  readonly path: string
  readonly version: string | null
  readonly evidence: Evidence
}

/** NVIDIA's driver: its module in the kernel, its libraries and its devices. Nothing here asks nvidia-smi. */
export interface Driver {
  /** null = no NVIDIA module in this kernel. */
  readonly kernel: { readonly version: string | null; readonly evidence: Evidence } | null
  /** What showed that there is none. */
  readonly noKernel: Evidence
  /** Windows has the driver, and Linux reaches it through /dev/dxg. */
  readonly wsl: Evidence | null
  readonly cuda: Known<DriverLibrary | null>
  readonly nvml: Known<DriverLibrary | null>
  /** Where libcuda.so.1 lies without the loader finding it. */
  readonly strayCuda: Evidence | null
  /** Device nodes as the target sees them. */
  readonly nodes: { readonly control: Node; readonly uvm: Node }
  /** The target, or the doctor with it, runs in a container: what says so. */
  readonly container: Evidence | null
}

interface Node {
  readonly present: boolean
  readonly source: string
}

const VERSION = '/proc/driver/nvidia/version'
const MODULE = '/sys/module/nvidia/version'

const UNSOUGHT: Known<null> = { known: false, because: 'No NVIDIA driver is loaded, so its libraries were not looked for.', how: null }

export const driver: Fact<Driver> = {
  id: 'driver',
  about: "NVIDIA's driver: kernel module, libraries and devices",
  gather: async (host, use) => {
    await onThisMachine(use)
    const of = await use(context)
    const [version, module, dxg, control, uvm, container] = await Promise.all([
      host.read(VERSION), host.read(MODULE), host.stat('/dev/dxg'), node(host, of.root, 'nvidiactl'), node(host, of.root, 'nvidia-uvm'),
      containerOf(host, of.root, await known(use(process_))),
    ])
    const kernel =
      version !== null ? { version: kernelVersionOf(version) ?? module?.trim() ?? null, evidence: { source: question.read(VERSION), saw: version.split('\n')[0]!.trim() } }
      : module !== null ? { version: module.trim(), evidence: { source: question.read(MODULE), saw: module.trim() } }
      : null
    // Libraries without a driver behind them are of no use, and what they are then is of none either.
    const loaded = kernel !== null || dxg !== null
    const [cuda, nvml] = loaded ? await Promise.all([library(host, use, 'libcuda.so.1'), library(host, use, 'libnvidia-ml.so.1')]) : [UNSOUGHT, UNSOUGHT]
    return {
      kernel,
      noKernel: { source: question.read(VERSION), saw: 'no such file' },
      wsl: dxg === null ? null : { source: question.stat('/dev/dxg'), saw: '/dev/dxg is there' },
      cuda, nvml,
      strayCuda: cuda.known && cuda.value === null ? await strayAt(host, of.root) : null,
      nodes: { control, uvm },
      container,
    }
  },
}

async function node(host: Host, root: string, name: string): Promise<Node> {
  const path = `${root}/dev/${name}`
  return { present: (await host.stat(path)) !== null, source: question.stat(path) }
}

/** In memory already, or where the target's loader would find it when the engine opens it by name. */
async function library(host: Host, use: Use, soname: string): Promise<Known<DriverLibrary | null>> {
  const process = await known(use(process_))
  const running = process.known ? process.value : null
  const stem = soname.replace(/\.so.*/, '.so')
  const mapped = running?.maps.known ? running.maps.value.find(({ path, deleted }) => !deleted && basename(path).startsWith(stem)) : undefined
  if (mapped !== undefined) return { known: true, value: { path: mapped.path, version: libraryVersionOf(mapped.path), evidence: { source: question.read(`${running!.folder}/maps`), saw: mapped.path } } }
  const view = await known(use(loader)).catch((error: unknown) => {
    if (error instanceof DoesNotApply) return { known: false as const, because: error.message, how: null }
    throw error
  })
  if (!view.known) return view
  const { system, place, memory } = view.value
  const answer = await known(finder(host, system, place)(soname, memory.main, memory.main))
  if (!answer.known) return answer
  if (answer.value.status === 'unknown') return { known: false, because: answer.value.because, how: answer.value.how }
  if (answer.value.status !== 'found') return { known: true, value: null }
  const { path, realpath } = answer.value
  return { known: true, value: { path, version: libraryVersionOf(realpath), evidence: { source: question.realpath(place.root + path), saw: realpath } } }
}

/** Folders that programs know by themselves and the loader need not: NixOS, WSL, GKE, Jetson and Debian's alternatives. */
const ELSEWHERE = ['/run/opengl-driver/lib', '/usr/lib/wsl/lib', '/usr/local/nvidia/lib64', '/usr/lib/aarch64-linux-gnu/tegra', '/usr/lib/x86_64-linux-gnu/nvidia/current', '/usr/lib64/nvidia']

async function strayAt(host: Host, root: string): Promise<Evidence | null> {
  const found = await Promise.all(ELSEWHERE.map(async (folder) => ((await host.stat(`${root}${folder}/libcuda.so.1`)) === null ? null : { source: question.stat(`${root}${folder}/libcuda.so.1`), saw: `${folder}/libcuda.so.1 is there` })))
  return found.find((each) => each !== null) ?? null
}

/** A root on layers with a container engine's mark in it, or a cgroup that such an engine made. The mark alone also stays in machines built from images. */
async function containerOf(host: Host, root: string, process: Known<Process | null>): Promise<Evidence | null> {
  const running = process.known ? process.value : null
  if (running === null) return null
  const line = running.cgroup.split('\n').find((each) => /[/-](docker|libpod|crio|cri-containerd)-|\/docker\/|\/kubepods/.test(each))
  if (line !== undefined) return { source: question.read(`${running.folder}/cgroup`), saw: line }
  const layered = running.mountinfo.known && / \/ \/ \S+ (?:.* )?- (?:overlay|fuse-overlayfs|btrfs|zfs) /.test(running.mountinfo.value)
  if (!layered) return null
  for (const path of ['/.dockerenv', '/run/.containerenv']) {
    const mark = await known(host.stat(root + path))
    if (mark.known && mark.value !== null) return { source: question.stat(root + path), saw: `${path} is there` }
  }
  return null
}
