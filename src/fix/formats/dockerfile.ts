import { snippetsFor, type ContainerWish } from '../../facts/container-fix.ts'
import { wordsOf } from '../../systemd/words.ts'
import { limitOf } from '../edits/limits.ts'
import { Refused } from '../refused.ts'
import { comment, meant, others, type Meant, type Recipe } from './recipe.ts'

/** An image holds the environment; limits and devices belong to `docker run`, and are told as such. */
export function dockerfile({ changes }: Recipe): string {
  const lines = meant(changes).flatMap(({ environment, settings }) => {
    const { wish, without } = wishOf(settings)
    return [
      ...environment.map(([name, value]) => {
        if (/[\n\r]/.test(value)) throw new Refused(`The value of ${name} has several lines, which ENV in a Dockerfile cannot hold.`)
        return `ENV ${name}="${value.replace(/["\\$]/g, '\\$&')}"`
      }),
      ...(Object.keys(wish).length === 0 ? [] : runLines(wish)),
      ...without.map((setting) => comment(`no counterpart in an image: ${setting}`)),
    ]
  })
  return `${[...lines, ...others(changes)].join('\n')}\n`
}

const runLines = (wish: ContainerWish): readonly string[] => (wish.gpu ? (['docker', 'podman'] as const) : (['docker'] as const)).flatMap((engine) => snippetsFor(engine, wish)[0]!.text.trimEnd().split('\n').map((line) => comment(line.replace(/^# /, ''))))

/** What a container can be given of the settings of a unit, and what it cannot. Devices of a whole driver have other names there. */
function wishOf(settings: Meant['settings']): { readonly wish: ContainerWish; readonly without: readonly string[] } {
  let wish: ContainerWish = {}
  const devices = new Set<string>()
  const groups = new Set<string>()
  const without: string[] = []
  for (const { key, value } of settings) {
    const limit = key === 'CPUQuota' || key === 'MemoryMax' ? limitOf(key, value) : null
    const none = limit === Number.POSITIVE_INFINITY
    const device = key === 'DeviceAllow' ? value.split(' ')[0]! : null
    if (key === 'CPUQuota' && limit !== null) wish = { ...wish, cpus: none ? null : limit / 100 }
    else if (key === 'MemoryMax' && limit !== null) wish = { ...wish, memoryMegabytes: none ? null : Math.ceil(limit / 2 ** 20) }
    else if (key === 'SupplementaryGroups' && value !== '') for (const group of wordsOf(value).words) groups.add(group)
    else if (device !== null && /^char-nvidia/.test(device)) wish = { ...wish, gpu: true }
    else if (device === 'char-alsa') devices.add('/dev/snd')
    else if (device !== null && device.startsWith('/dev/')) devices.add(device)
    else without.push(`${key}=${value}`)
  }
  // With the GPU given as a whole its toolkit brings the nodes.
  const nodes = [...devices].filter((path) => !(wish.gpu && /^\/dev\/nvidia/.test(path)))
  return { wish: { ...wish, ...(nodes.length > 0 ? { devices: nodes } : {}), ...(groups.size > 0 ? { groups: [...groups] } : {}) }, without }
}
