/** Cures for a process in a container: what its engine must be told, since neither a unit nor a profile of the host reaches it. */
import type { Edit, Env, Fix } from '../types.ts'
import type { Engine } from './container.ts'
import { posixWord } from './shell-word.ts'
import { yamlText } from './yaml.ts'

/** What the container should have. Of the limits null means none at all. */
export interface ContainerWish {
  readonly env?: Env
  readonly cpus?: number | null
  /** As cpuset(7) lists them. */
  readonly cpuset?: string
  readonly memoryMegabytes?: number | null
  readonly devices?: readonly string[]
  readonly groups?: readonly string[]
  readonly gpu?: true
}

type Snippet = Extract<Edit, { kind: 'snippet' }>

/** The wish in the words of the engine; it is shown and never written, for the file or the command is somebody's own. null = the engine has no words for it. */
export function containerFix(title: string, engine: Engine, wish: ContainerWish): Fix | null {
  const edits = snippetsFor(engine, wish)
  if (edits.length === 0) return null
  const again = { docker: 'Make the container anew (docker compose up -d, or docker run again): a restart alone keeps its old settings.', podman: 'Make the container anew (podman run again, or restart the unit that runs it): a restart of the container alone keeps its old settings.', kubernetes: 'kubectl apply, and wait for the new pod.' }[engine]
  return { title, safety: 'manual', edits, then: [again] }
}

export function snippetsFor(engine: Engine, wish: ContainerWish): readonly Snippet[] {
  switch (engine) {
    case 'docker':
      return [{ kind: 'snippet', for: 'docker', text: run('docker', wish) }, { kind: 'snippet', for: 'compose', text: compose(wish) }]
    case 'podman':
      return [{ kind: 'snippet', for: 'podman', text: run('podman', wish) }]
    case 'kubernetes':
      // Devices by path and sets of CPUs are given to a pod by plugins and policies of the node, not by its manifest.
      return wish.devices !== undefined || wish.cpuset !== undefined ? [] : [{ kind: 'snippet', for: 'kubernetes', text: kubernetes(wish) }]
  }
}

/** docker-run(1), podman-run(1): the same flags but for the GPU, which podman takes by its CDI name. A limit that should be none is a flag left out. */
function run(program: 'docker' | 'podman', { env = {}, cpus, cpuset, memoryMegabytes, devices = [], groups = [], gpu }: ContainerWish): string {
  const flags = [
    ...Object.entries(env).map(([name, value]) => `--env ${posixWord(`${name}=${value}`)}`),
    ...(typeof cpus === 'number' ? [`--cpus=${cpus}`] : []),
    ...(cpuset === undefined ? [] : [`--cpuset-cpus=${posixWord(cpuset)}`]),
    ...(typeof memoryMegabytes === 'number' ? [`--memory=${memoryMegabytes}m`] : []),
    ...(gpu ? [program === 'docker' ? '--gpus all' : '--device nvidia.com/gpu=all'] : []),
    ...devices.map((path) => `--device ${posixWord(path)}`),
    ...groups.map((name) => `--group-add ${posixWord(name)}`),
  ]
  const without = [...(cpus === null ? ['--cpus'] : []), ...(memoryMegabytes === null ? ['--memory'] : [])]
  return `${[`${program} run`, ...flags, '…'].join(' ')}\n${without.length === 0 ? '' : `# and without ${without.join(' and ')}\n`}`
}

/** Compose puts `${NAME}` into values and Kubernetes `$(NAME)`; for both `$$` is a dollar. */
const literal = (text: string): string => yamlText(text.replace(/\$/g, '$$$$'))

const list = (key: string, items: readonly string[], indent: string): readonly string[] => (items.length === 0 ? [] : [`${indent}${key}:`, ...items.map((item) => `${indent}  - ${item}`)])

function compose({ env = {}, cpus, cpuset, memoryMegabytes, devices = [], groups = [], gpu }: ContainerWish): string {
  const lines = [
    ...(Object.keys(env).length === 0 ? [] : ['    environment:', ...Object.entries(env).map(([name, value]) => `      ${name}: ${literal(value)}`)]),
    ...(typeof cpus === 'number' ? [`    cpus: ${cpus}`] : []),
    ...(cpuset === undefined ? [] : [`    cpuset: ${literal(cpuset)}`]),
    ...(typeof memoryMegabytes === 'number' ? [`    mem_limit: ${memoryMegabytes}m`] : []),
    ...(cpus === null ? ['    # and without cpus'] : []),
    ...(memoryMegabytes === null ? ['    # and without mem_limit'] : []),
    ...list('devices', devices.map((path) => literal(`${path}:${path}`)), '    '),
    ...list('group_add', groups.map(literal), '    '),
    ...(gpu ? ['    deploy:', '      resources:', '        reservations:', '          devices:', '            - driver: nvidia', '              count: all', '              capabilities: [gpu]'] : []),
  ]
  return `services:\n  SERVICE:\n${lines.join('\n')}\n`
}

function kubernetes({ env = {}, cpus, memoryMegabytes, gpu }: ContainerWish): string {
  const limits = [
    ...(typeof cpus === 'number' ? [`          cpu: ${yamlText(String(cpus))}`] : []),
    ...(typeof memoryMegabytes === 'number' ? [`          memory: ${memoryMegabytes}Mi`] : []),
    ...(gpu ? ['          nvidia.com/gpu: 1'] : []),
  ]
  const without = [...(cpus === null ? ['cpu'] : []), ...(memoryMegabytes === null ? ['memory'] : [])]
  return `${[
    'spec:', '  containers:', '    - name: CONTAINER',
    ...(Object.keys(env).length === 0 ? [] : ['      env:', ...Object.entries(env).flatMap(([name, value]) => [`        - name: ${name}`, `          value: ${literal(value)}`])]),
    ...(limits.length === 0 ? [] : ['      resources:', '        limits:', ...limits]),
    ...(without.length === 0 ? [] : [`      # and without resources.limits.${without.join(' and resources.limits.')}`]),
  ].join('\n')}\n`
}
