import { known } from '../cannot-see.ts'
import { question } from '../question.ts'
import type { Evidence, Fact, Host } from '../types.ts'
import { environSource, process_, type Process } from './process.ts'
import { unitOfCgroup } from './unit-of-cgroup.ts'

export type Engine = 'docker' | 'podman' | 'kubernetes'

/**
 * The engine that made the container between the target and its service manager. What a unit says, or a profile of the host, does
 * not reach the process inside; where systemd itself runs in the container, its units do reach it, and this is null.
 */
export interface Container {
  readonly engine: Engine
  readonly evidence: Evidence
}

/** null = none, as far as can be seen, or the target has no process. */
export const container: Fact<Container | null> = {
  id: 'container',
  about: 'the container engine between the target and its service manager',
  gather: async (host, use) => {
    const process = await known(use(process_))
    return process.known && process.value !== null ? containerOf(host, process.value) : null
  },
}

type Marks = readonly (readonly [Engine, RegExp])[]

/** The cgroup that an engine makes, by the names it gives. The containers of a pod may carry the name of the engine below, so Kubernetes is looked for first. */
const CGROUPS: Marks = [
  ['kubernetes', /[/-]kubepods|\/kubelet|[/:-](crio|cri-containerd)[-:]/],
  ['podman', /[/-]libpod-/],
  ['docker', /\/docker[/-][0-9a-f]{12,64}/],
]

/**
 * What an engine mounts over these files comes from a folder of its own, and the root of a mount (field 4 of
 * proc_pid_mountinfo(5)) is shown inside the container as well.
 */
const MOUNTS: Marks = [
  ['kubernetes', /\/pods\/[^/]+\/etc-hosts$|\/io\.containerd\.grpc\.v1\.cri\/sandboxes\/[0-9a-f]{64}\//],
  ['podman', /\/[a-z]+-containers\/[0-9a-f]{64}\/userdata\//],
  ['docker', /\/containers\/[0-9a-f]{64}\/(hostname|hosts|resolv\.conf)$/],
]
const MOUNTED = /^\/(etc\/(hosts|hostname|resolv\.conf)|run\/\.containerenv)$/

async function containerOf(host: Host, process: Process): Promise<Container | null> {
  const { cgroup, folder } = process
  const paths = cgroup.split('\n').flatMap((line) => (line === '' ? [] : [{ line, path: line.split(':').slice(2).join(':') }]))
  const unit = unitOfCgroup(cgroup)
  // Of a unit only what the engine made below it: /system.slice/asr.service/libpod-payload-…
  const group = marked(CGROUPS, unit === null ? paths : paths.flatMap(({ line, path }) => (path.includes(`/${unit.name}/`) ? [{ line, path: path.slice(path.lastIndexOf(unit.name) + unit.name.length) }] : [])))
  if (group !== null) return { engine: group.engine, evidence: { source: question.read(`${folder}/cgroup`), saw: group.line } }
  const mountinfo = process.mountinfo.known ? process.mountinfo.value : ''
  const mount = marked(MOUNTS, mountsOf(mountinfo))
  if (mount !== null) {
    // The doctor in the same container, beside a unit: the manager of the unit is in there too.
    const own = unit === null ? null : await known(host.read('/proc/self/mountinfo'))
    if (own?.known && mountsOf(own.value ?? '').some(({ path }) => path === mount.path)) return null
    return { engine: mount.engine, evidence: { source: question.read(`${folder}/mountinfo`), saw: mount.line } }
  }
  // The marks alone also stay in machines built from images: only under a root of layers and in a cgroup namespace do they say what runs now.
  if (!/ \/ \/ \S+ (?:.* )?- (?:overlay|fuse-overlayfs|btrfs|zfs) /.test(mountinfo) || paths.some(({ path }) => path !== '/')) return null
  const address = process.environ.known ? process.environ.value['KUBERNETES_SERVICE_HOST'] : undefined
  if (address !== undefined) return { engine: 'kubernetes', evidence: { source: environSource(process.pid), saw: `KUBERNETES_SERVICE_HOST=${address}` } }
  for (const [path, engine] of [['/.dockerenv', 'docker'], ['/run/.containerenv', 'podman']] as const) {
    const mark = await known(host.stat(process.root + path))
    if (mark.known && mark.value !== null) return { engine, evidence: { source: question.stat(process.root + path), saw: `${path} is there` } }
  }
  return null
}

function marked<T extends { readonly path: string }>(marks: Marks, all: readonly T[]): (T & { readonly engine: Engine }) | null {
  for (const [engine, pattern] of marks) {
    const found = all.find(({ path }) => pattern.test(path))
    if (found !== undefined) return { ...found, engine }
  }
  return null
}

const mountsOf = (mountinfo: string): readonly { readonly line: string; readonly path: string }[] =>
  mountinfo.split('\n').flatMap((line) => {
    const [, , , path, point] = line.split(' ')
    return MOUNTED.test(point ?? '') ? [{ line, path: path! }] : []
  })
