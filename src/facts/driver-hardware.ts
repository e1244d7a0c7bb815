import { CannotSee, known } from '../cannot-see.ts'
import { isDisplay, NVIDIA, pciFunctionsOf } from '../gpu/pci.ts'
import { question } from '../question.ts'
import type { Evidence, Fact, Host, Known } from '../types.ts'
import { onThisMachine } from './driver-scope.ts'

export interface NvidiaDevice {
  readonly address: string
  /** nvidia, nouveau, vfio-pci …; null = no driver has it. */
  readonly driver: string | null
  readonly evidence: Evidence
}

export interface NvidiaHardware {
  /** Driver or no driver. Empty = there is none. */
  readonly gpus: readonly NvidiaDevice[]
  readonly evidence: Evidence
}

/** Not to see the bus is no reason not to see the rest, so it is a value. */
export const nvidiaHardware: Fact<Known<NvidiaHardware>> = {
  id: 'nvidia-hardware',
  about: 'the NVIDIA GPUs on the PCI bus',
  gather: async (host, use) => {
    await onThisMachine(use)
    return known(hardware(host))
  },
}

async function hardware(host: Host): Promise<NvidiaHardware> {
  const text = await host.read(LIST)
  const functions = text === null ? null : pciFunctionsOf(text).filter(({ vendor }) => vendor === NVIDIA)
  // Without a single line there is a bus that is not shown rather than an empty one (WSL, gVisor, some VMs and boards).
  if (text !== null && text.trim() !== '') {
    if (functions!.length === 0) return { gpus: [], evidence: { source: question.read(LIST), saw: `${text.trim().split('\n').length} devices, none of vendor ${NVIDIA}` } }
    const addresses = (await host.list(DEVICES)) ?? []
    const gpus = await Promise.all(functions!.map(async (each): Promise<NvidiaDevice | null> => {
      const address = addresses.find((name) => name.endsWith(`:${each.slot}`)) ?? null
      const kind = address === null ? null : await host.read(`${DEVICES}/${address}/class`)
      return kind !== null && !isDisplay(kind) ? null : { address: address ?? each.slot, driver: each.driver, evidence: { source: question.read(LIST), saw: each.line.split(' ').filter((_, at, all) => at < 2 || (at === all.length - 1 && each.driver !== null)).join(' ') } }
    }))
    return { gpus: gpus.filter((gpu) => gpu !== null), evidence: { source: question.read(LIST), saw: `${functions!.length} devices of vendor ${NVIDIA}` } }
  }
  return fromSysfs(host)
}

const LIST = '/proc/bus/pci/devices'
const DEVICES = '/sys/bus/pci/devices'

async function fromSysfs(host: Host): Promise<NvidiaHardware> {
  const addresses = await host.list(DEVICES)
  if (addresses === null || addresses.length === 0) throw new CannotSee('The PCI bus is not shown here, so whether there is a GPU cannot be seen.', 'Run lspci -d 10de: on the host.')
  const gpus = await Promise.all(addresses.map(async (address): Promise<NvidiaDevice | null> => {
    const vendor = await host.read(`${DEVICES}/${address}/vendor`)
    if (vendor?.trim() !== `0x${NVIDIA}`) return null
    const [kind, driver] = await Promise.all([host.read(`${DEVICES}/${address}/class`), host.readlink(`${DEVICES}/${address}/driver`)])
    return kind !== null && !isDisplay(kind) ? null : { address, driver: driver?.split('/').at(-1) ?? null, evidence: { source: question.read(`${DEVICES}/${address}/vendor`), saw: vendor.trim() } }
  }))
  return { gpus: gpus.filter((gpu) => gpu !== null), evidence: { source: question.list(DEVICES), saw: `${addresses.length} devices, none of them an NVIDIA GPU` } }
}
