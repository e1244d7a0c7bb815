import { describe, expect, it } from 'vitest'
import driverAbsent from '../../checks/gpu/driver-absent.ts'
import driverTooOld from '../../checks/gpu/driver-too-old.ts'
import driverLibraryMismatch from '../../checks/gpu/driver-library-mismatch.ts'
import smiHung from '../../checks/gpu/smi-hung.ts'
import uvmMissing from '../../checks/gpu/uvm-missing.ts'
import type { Driver } from '../../src/facts/driver.ts'
import type { NvidiaHardware } from '../../src/facts/driver-hardware.ts'
import type { UvmMaker } from '../../src/facts/driver-uvm.ts'
import type { GpuWish } from '../../src/facts/gpu-wish.ts'
import type { SmiAnswer } from '../../src/facts/nvidia-smi.ts'
import type { Known, Target } from '../../src/types.ts'
import { pciFunctionsOf } from '../../src/gpu/pci.ts'
import { compareVersions, kernelVersionOf, libraryVersionOf, oldestDriver } from '../../src/gpu/version.ts'

/** What a container, WSL or a second driver looks like: shapes that need a GPU machine, put together as facts. */
const source = 'read /proc/driver/nvidia/version'
const kernel = (version: string) => ({ version, evidence: { source, saw: version } })
const library = (path: string, version: string | null) => ({ known: true, value: { path, version, evidence: { source: `realpath ${path}`, saw: path } } }) as const
const nothing = { known: true, value: null } as const
const node = (present: boolean) => ({ present, source: 'stat /dev/x' })
const dockerenv = { source: 'stat /.dockerenv', saw: '/.dockerenv is there' }

const driver = (of: Partial<Driver>): Driver => ({
  kernel: null, noKernel: { source, saw: 'no such file' }, wsl: null, cuda: nothing, nvml: nothing, strayCuda: null, nodes: { control: node(false), uvm: node(false) }, container: null, ...of,
})
const whole = driver({ kernel: kernel('580.65.06'), cuda: library('/usr/lib/libcuda.so.1', '580.65.06'), nvml: library('/usr/lib/libnvidia-ml.so.1', '580.65.06'), nodes: { control: node(true), uvm: node(true) } })
const wish = (strength: GpuWish['strength'], ...majors: number[]): GpuWish => ({ strength, majors: majors.map((major) => ({ major, path: '/opt/p.so', evidence: { source: 'read maps', saw: '/opt/p.so' } })), evidence: [{ source: 'read /proc/1/cmdline', saw: '--device cuda' }] })
const target: Target = { kind: 'unit', name: 'asr.service', scope: 'system' }
const bus = (...gpus: string[]): Known<NvidiaHardware> => ({ known: true, value: { gpus: gpus.map((held) => ({ address: '0000:01:00.0', driver: held, evidence: { source: 'read pci', saw: held } })), evidence: { source: 'read pci', saw: 'none' } } })
const blind: Known<NvidiaHardware> = { known: false, because: 'The PCI bus is not shown here.', how: null }
const absent: SmiAnswer = { kind: 'absent' }
const maker = (of: Partial<UvmMaker> = {}): UvmMaker => ({ onHost: false, program: null, evidence: { source: 'stat /usr/bin/nvidia-modprobe', saw: 'no such file' }, cudaInUse: null, ...of })

const said = (verdict: ReturnType<typeof driverAbsent.run>) => ('status' in verdict ? verdict.status : verdict.length === 0 ? 'passed' : `${verdict[0]!.severity} ${verdict[0]!.confidence}: ${verdict[0]!.cause}`)
const absence = (of: Driver, hardware: Known<NvidiaHardware>, strength: GpuWish['strength'] = 'asked') => said(driverAbsent.run({ target, driver: of, nvidiaHardware: hardware, gpuWish: wish(strength), nvidiaSmi: absent }))

describe('gpu/driver-absent', () => {
  it.each<[string, Driver, Known<NvidiaHardware>, GpuWish['strength'], string]>([
    ['a CUDA build nobody asked for, on a machine without a GPU', driver({}), bus(), 'built', 'warning certain: asr.service has an engine built for CUDA, and this machine has neither an NVIDIA GPU nor its driver.'],
    ['a wheel that is the same for both', driver({}), bus(), 'none', 'not-applicable'],
    ['asks for the CPU beside an idle GPU', driver({}), bus('nouveau'), 'cpu', 'not-applicable'],
    ['the bus cannot be seen', driver({}), blind, 'asked', 'error likely: asr.service asks for CUDA, and no NVIDIA driver is loaded here; whether there is a GPU cannot be seen.'],
    ['the GPU belongs to a virtual machine', driver({}), bus('vfio-pci'), 'asked', 'not-applicable'],
    ['a whole driver', whole, bus('nvidia'), 'asked', 'passed'],
    ['devices are made at the first use', { ...whole, nodes: { control: node(false), uvm: node(false) } }, bus('nvidia'), 'asked', 'passed'],
    ['a container without --gpus', driver({ kernel: kernel('580.65.06'), container: dockerenv }), bus('nvidia'), 'asked', 'error likely: The kernel has the NVIDIA driver, but the container of asr.service was given neither the GPU devices nor libcuda.so.1.'],
    ['a container with the utility capability alone', driver({ kernel: kernel('580.65.06'), container: dockerenv, nodes: { control: node(true), uvm: node(true) } }), bus('nvidia'), 'asked', 'error likely: The kernel has the NVIDIA driver, but the container of asr.service was not given libcuda.so.1.'],
    ['a container whose image has libcuda, without devices', { ...whole, container: dockerenv, nodes: { control: node(false), uvm: node(false) } }, bus('nvidia'), 'asked', 'error likely: The kernel has the NVIDIA driver, but the container of asr.service was given no GPU device.'],
    ['NixOS, where programs look for it by themselves', driver({ kernel: kernel('580.65.06'), strayCuda: { source: 'stat x', saw: '/run/opengl-driver/lib/libcuda.so.1 is there' } }), bus('nvidia'), 'asked', 'passed'],
    ['WSL with its library on the path', driver({ wsl: { source: 'stat /dev/dxg', saw: '/dev/dxg is there' }, cuda: library('/usr/lib/wsl/lib/libcuda.so.1', null) }), blind, 'asked', 'passed'],
    ['WSL without', driver({ wsl: { source: 'stat /dev/dxg', saw: '/dev/dxg is there' }, strayCuda: { source: 'stat x', saw: '/usr/lib/wsl/lib/libcuda.so.1 is there' } }), blind, 'asked', 'error likely: Windows lends its GPU, and libcuda.so.1 lies at /usr/lib/wsl/lib/libcuda.so.1, where the loader of asr.service does not look.'],
  ])('%s', (_, of, hardware, strength, expected) => {
    expect(absence(of, hardware, strength)).toBe(expected)
  })
})

describe('gpu/driver-too-old', () => {
  const age = (of: Driver, smi: SmiAnswer, ...majors: number[]) => said(driverTooOld.run({ target, driver: of, gpuWish: wish('asked', ...majors), nvidiaSmi: smi }))
  const report = (driverVersion: string): SmiAnswer => ({ kind: 'report', source: 'inventory nvidia', report: { driverVersion, cudaVersion: null, attachedGpus: 1, gpus: [] } })
  const old = { ...whole, kernel: kernel('535.261.03'), cuda: library('/usr/lib/libcuda.so.1', '535.261.03') }

  it('compares with the oldest driver of the major, whatever the minor', () => {
    expect(age(old, absent, 12)).toBe('passed')
    expect(age(old, absent, 13)).toContain('needs driver 580.65.06 or newer, and the driver here is 535.261.03.')
    expect(age({ ...old, kernel: kernel('525.60.13') }, absent, 12)).toBe('passed')
    expect(age({ ...old, kernel: kernel('525.60.11') }, absent, 12)).toContain('525.60.13')
    expect(age({ ...old, kernel: kernel('450.80.02') }, absent, 11)).toBe('passed')
  })
  it('leaves a forward-compatibility library open', () => expect(age({ ...old, cuda: library('/usr/local/cuda/compat/libcuda.so.1', '580.65.06') }, absent, 13)).toBe('unknown'))
  it('goes by the numbers of Windows under WSL', () => {
    const wsl = driver({ wsl: { source: 'stat /dev/dxg', saw: '' }, cuda: library('/usr/lib/wsl/lib/libcuda.so.1', null) })
    expect(age(wsl, report('536.40'), 12)).toBe('passed')
    expect(age(wsl, report('522.06'), 12)).toContain('527.41')
    expect(age(wsl, absent, 12)).toBe('unknown')
  })
})

describe('gpu/driver-library-mismatch', () => {
  const words: SmiAnswer = { kind: 'failed', code: 18, words: 'Failed to initialize NVML: Driver/library version mismatch', source: 'run nvidia-smi -q -x' }
  it('takes the words of nvidia-smi where no version is shown', () => expect(said(driverLibraryMismatch.run({ driver: driver({}), gpuWish: wish('none'), nvidiaSmi: words }))).toBe("error certain: The libraries of the NVIDIA driver are of another version than the kernel's NVIDIA module."))
  it('says nothing of a forward-compatibility libcuda', () => expect(said(driverLibraryMismatch.run({ driver: { ...whole, cuda: library('/usr/local/cuda-13/compat/libcuda.so.1', '590.44.01') }, gpuWish: wish('asked', 13), nvidiaSmi: absent }))).toBe('passed'))
})

describe('gpu/uvm-missing', () => {
  const noUvm = { ...whole, nodes: { control: node(true), uvm: node(false) } }
  const uvm = (of: Driver, by: UvmMaker, strength: GpuWish['strength'] = 'asked') => said(uvmMissing.run({ target, driver: of, gpuWish: wish(strength, 13), uvmMaker: by }))
  it('is certain once CUDA has started without it', () => expect(uvm(noUvm, maker({ program: '/usr/bin/nvidia-modprobe', cudaInUse: { source: 'read maps', saw: '/usr/lib/libcuda.so.1' } }))).toMatch(/^error certain/))
  it('leaves a node that only the sandbox hides to another check', () => expect(uvm(noUvm, maker({ onHost: true }))).toBe('not-applicable'))
  it('sees it in a container that has the rest', () => expect(uvm({ ...noUvm, container: dockerenv }, maker({ onHost: true }))).toMatch(/^error certain: The container of asr\.service has/))
  it('is no fault where nothing asks for CUDA', () => expect(uvm(noUvm, maker(), 'none')).toBe('not-applicable'))
})

describe('gpu/smi-hung', () => {
  const hung = (limitMs: number) => said(smiHung.run({ gpuWish: wish('none'), nvidiaSmi: { kind: 'late', words: `nvidia-smi gave no answer within ${limitMs / 1000} s.`, limitMs, source: 'inventory nvidia' } }))
  it('does not call slow what was given no time', () => expect([hung(2000), hung(10_000)]).toEqual(['unknown', 'warning likely: nvidia-smi gave no answer within 10 s, so the driver or a GPU does not respond.']))
})

it('reads versions as they are written', () => {
  expect(kernelVersionOf('NVRM version: NVIDIA UNIX x86_64 Kernel Module  535.261.03  Tue Jun 10 22:39:02 UTC 2025\nGCC version:  gcc version 12.2.0')).toBe('535.261.03')
  expect(kernelVersionOf('NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  580.65.06  Release Build  (dvs-builder@U22)')).toBe('580.65.06')
  expect(kernelVersionOf('NVRM version: NVIDIA UNIX x86_64 Kernel Module  418.43  Sun Feb 24 20:07:20 CST 2019')).toBe('418.43')
  expect([libraryVersionOf('/usr/lib/libcuda.so.580.65.06'), libraryVersionOf('/usr/lib/wsl/lib/libcuda.so.1'), libraryVersionOf('/usr/lib/libcuda.so.418.43')]).toEqual(['580.65.06', null, '418.43'])
  expect([compareVersions('580.65.06', '580.65.06'), Math.sign(compareVersions('535.261.03', '580.65.06')), Math.sign(compareVersions('580.100', '580.65.06'))]).toEqual([0, -1, 1])
  expect([oldestDriver(13, false), oldestDriver(14, false)]).toEqual(['580.65.06', null])
})

it('reads /proc/bus/pci/devices', () => {
  const line = (head: string, name: string) => `${head}${'\t0'.repeat(14)}\t${name}`
  expect(pciFunctionsOf([line('0000\t80860d57\t0', ''), line('0108\t10de2204\t1f', 'nouveau'), line('8101\t10de1aef\t20', 'snd_hda_intel')].join('\n'))).toMatchObject([
    { slot: '00:00.0', vendor: '8086', driver: null }, { slot: '01:01.0', vendor: '10de', device: '2204', driver: 'nouveau' }, { slot: '81:00.1', device: '1aef', driver: 'snd_hda_intel' },
  ])
})
