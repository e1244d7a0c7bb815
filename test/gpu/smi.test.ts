import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createRequire } from 'node:module'
import { gatherer } from '../../src/gather.ts'
import { nvidiaSmi } from '../../src/facts/nvidia-smi.ts'
import { smiReportOf } from '../../src/gpu/smi-report.ts'
import { smiXmlOf } from '../../src/gpu/smi-xml.ts'
import { hostHere } from '../support/diagnose.ts'
import { describeWith } from '../support/rig.ts'
import { alive, compilerMissing, REPORTS, smiFolder, started, textFile, withSmi } from './stub.ts'

const reports = readdirSync(REPORTS).filter((file) => file.endsWith('.xml'))
const textOf = (file: string) => readFileSync(join(REPORTS, file), 'utf8')
const answer = (limitMs = 10_000) => {
  const host = hostHere({ kind: 'shell' }, limitMs)
  return gatherer(host)(nvidiaSmi)
}

/** node-nvidia-smi's own parser, with its own options. */
const packageParse = (text: string): Promise<unknown> => {
  const require = createRequire(import.meta.url)
  return (require('xml2js') as { parseStringPromise(text: string, options: object): Promise<unknown> }).parseStringPromise(text, { explicitArray: false, trim: true })
}

/** xml2js keeps the blanks of an element that holds nothing else. */
const trimmed = (value: unknown): unknown =>
  typeof value === 'string' ? value.trim() : Array.isArray(value) ? value.map(trimmed) : typeof value === 'object' && value !== null ? Object.fromEntries(Object.entries(value).map(([name, each]) => [name, trimmed(each)])) : value

describe('reports of nvidia-smi', () => {
  it.each(reports)('%s: our reader of XML sees what that of the package sees', async (file) => {
    expect(smiXmlOf(textOf(file))).toEqual(trimmed(await packageParse(textOf(file))))
  })

  // Read off the files by eye.
  it.each([
    ['gtx-1660-ti.xml', '418.43', '10.1', 'Graphics Device', 1],
    ['a10g.xml', '515.105.01', '11.7', 'NVIDIA A10G', 1],
    ['tesla-t4.xml', '515.105.01', '11.7', 'Tesla T4', 1],
    ['a100-sxm4-v12.xml', '535.54.03', '12.2', 'NVIDIA A100-SXM4-80GB', 1],
    ['rtx-3080-v12.xml', '536.40', '12.2', 'NVIDIA GeForce RTX 3080', 1],
    ['rtx-3060-v12.xml', '570.124.04', '12.8', 'NVIDIA GeForce RTX 3060', 1],
    ['3090-v13.xml', '590.44.01', '13.1', 'NVIDIA GeForce RTX 3090', 1],
    ['dual_2080-v13.xml', '590.44.01', '13.1', 'NVIDIA GeForce RTX 2080', 2],
    ['pro-6000-maxq-blackwell-v13.xml', '590.44.01', '13.1', 'NVIDIA RTX PRO 6000 Blackwell Max-Q Workstation Edition', 1],
  ])('%s: driver %s, CUDA %s, %s (%i)', (file, driver, cuda, name, gpus) => {
    const report = smiReportOf(smiXmlOf(textOf(file)))!
    expect([report.driverVersion, report.cudaVersion, report.gpus[0]!.name, report.gpus.length]).toEqual([driver, cuda, name, gpus])
  })

  it('covers every report', () => expect(reports.length).toBe(9))

  // The same readings stand under three names.
  it.each([
    ['tesla-t4.xml', 26.78, [], 1032, [675, 5762], null],
    ['a100-sxm4-v12.xml', 67.03, [], 50, [], true],
    ['rtx-3060-v12.xml', 11.63, ['gpu_idle'], 116, [], null],
    ['3090-v13.xml', 35.15, ['sw_power_cap'], 7, [], null],
  ])('%s: %d W, held down by %j, %i MiB used by %j', (file, watts, reasons, used, pids, mig) => {
    const [gpu] = smiReportOf(smiXmlOf(textOf(file)))!.gpus
    expect([gpu!.powerDrawWatts, gpu!.clockReasons, gpu!.memoryUsedMiB, gpu!.processes.map(({ pid }) => pid), gpu!.mig]).toEqual([watts, reasons, used, pids, mig])
  })

  it('takes half a report for none', () => {
    for (const file of reports) expect(smiXmlOf(textOf(file).slice(0, -40))).toBeNull()
    expect(smiXmlOf('')).toBeNull()
    expect(smiReportOf(null)).toBeNull()
  })
})

describeWith('gcc', compilerMissing(), () => {
  let folder = ''
  beforeAll(() => void (folder = smiFolder()))
  afterAll(() => rmSync(folder, { recursive: true }))

  it.each(reports)('replays %s through node-nvidia-smi', async (file) => {
    const seen = await withSmi(folder, { SMI_FILE: join(REPORTS, file) }, () => answer())
    expect(seen).toEqual({ kind: 'report', source: 'inventory nvidia', report: smiReportOf(smiXmlOf(textOf(file))) })
    expect(started()).toHaveLength(1)
  })

  it('asks nvidia-smi itself where the package fails: any word on stderr', async () => {
    const seen = await withSmi(folder, { SMI_MODE: 'warn', SMI_FILE: join(REPORTS, '3090-v13.xml') }, () => answer())
    expect(seen).toMatchObject({ kind: 'report', source: 'run nvidia-smi -q -x', report: { driverVersion: '590.44.01' } })
  })

  it('asks nvidia-smi itself where the package fails: more than 1 MiB, as from ten big GPUs', async () => {
    const one = textOf('pro-6000-maxq-blackwell-v13.xml')
    const gpu = one.slice(one.indexOf('<gpu id'), one.indexOf('</gpu>') + '</gpu>'.length)
    const file = textFile(folder, 'ten.xml', one.replace(gpu, () => gpu.repeat(10)))
    const seen = await withSmi(folder, { SMI_FILE: file }, () => answer())
    expect(seen).toMatchObject({ kind: 'report', source: 'run nvidia-smi -q -x' })
    expect(seen.kind === 'report' && seen.report.gpus.length).toBe(10)
  })

  it.each([
    [9, "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver. Make sure that the latest NVIDIA driver is installed and running.\n\n"],
    [12, "NVIDIA-SMI couldn't find libnvidia-ml.so library in your system. Please make sure that the NVIDIA Display Driver is properly installed and present in your system.\n"],
    [18, 'Failed to initialize NVML: Driver/library version mismatch\nNVML library version: 570.133\n'],
  ])('keeps the words that nvidia-smi prints on stdout before exit %i', async (code, words) => {
    const seen = await withSmi(folder, { SMI_FILE: textFile(folder, 'words', words), SMI_CODE: String(code) }, () => answer())
    expect(seen).toEqual({ kind: 'failed', code, words: words.trim().replace('\n', ' '), source: 'run nvidia-smi -q -x' })
  })

  it.each(['hang', 'half'])('%s: answers within the limit, asks once and leaves nothing running', async (mode) => {
    const start = Date.now()
    const seen = await withSmi(folder, { SMI_MODE: mode, SMI_FILE: join(REPORTS, 'a10g.xml') }, () => answer(1500))
    expect(seen).toMatchObject({ kind: 'late', source: 'inventory nvidia', words: 'nvidia-smi gave no answer within 1.5 s.', limitMs: 1500 })
    expect(Date.now() - start).toBeLessThan(4000)
    expect(started()).toHaveLength(1)
    await expect.poll(() => started().filter(alive), { timeout: 2000 }).toEqual([])
  })

  it('flood: is stopped, and is no report', async () => {
    const seen = await withSmi(folder, { SMI_MODE: 'flood' }, () => answer())
    expect(seen.kind).toBe('unseen')
    await expect.poll(() => started().filter(alive), { timeout: 2000 }).toEqual([])
  })

  it.skipIf(existsSync('/usr/bin/nvidia-smi'))('starts no child where there is no nvidia-smi', async () => {
    // Every Node that is started leaves a mark.
    const mark = textFile(folder, 'mark.cjs', `require('node:fs').writeFileSync(${JSON.stringify(join(folder, 'marked'))}, '')`)
    const empty = mkdtempSync(join(folder, 'empty-'))
    expect(await withSmi(empty, { NODE_OPTIONS: `--require ${mark}` }, () => answer())).toEqual({ kind: 'absent' })
    expect(existsSync(join(folder, 'marked'))).toBe(false)
    await withSmi(folder, { NODE_OPTIONS: `--require ${mark}`, SMI_FILE: join(REPORTS, 'a10g.xml') }, () => answer())
    expect(existsSync(join(folder, 'marked'))).toBe(true)
  })
})
