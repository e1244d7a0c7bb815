/** Genuine wheels from PyPI, read as bytes and looked up as the loader would; nothing of them is run but by ldd. */
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeAll, expect, it } from 'vitest'
import { cuda } from '../../checks/cuda/index.ts'
import { cudnn } from '../../checks/cudnn/index.ts'
import { diagnose } from '../../src/diagnose.ts'
import { engines } from '../../src/facts/engines.ts'
import { ldd } from '../../src/facts/ldd.ts'
import { resolution } from '../../src/facts/resolution.ts'
import { gatherer } from '../../src/gather.ts'
import { hostHere } from '../support/diagnose.ts'
import { nvidiaCu12 } from '../support/nvidia-cu12.ts'
import { describeWith } from '../support/rig.ts'
import { wheel } from '../support/wheels.ts'

describeWith('genuine wheels', process.platform !== 'linux' || process.arch !== 'x64' ? 'needs Linux on x86_64' : null, () => {
  let provider: string
  let site: string
  const shell = process.env['LD_LIBRARY_PATH']

  beforeAll(() => {
    provider = join(wheel('onnxruntime-gpu', '1.26.0', 'capi/libonnxruntime_providers_'), 'onnxruntime/capi/libonnxruntime_providers_cuda.so')
    site = nvidiaCu12()
  }, 900_000)
  afterEach(() => {
    if (shell === undefined) delete process.env['LD_LIBRARY_PATH']
    else process.env['LD_LIBRARY_PATH'] = shell
  })

  async function examine(libraryPath: string | undefined) {
    if (libraryPath === undefined) delete process.env['LD_LIBRARY_PATH']
    else process.env['LD_LIBRARY_PATH'] = libraryPath
    const host = hostHere({ kind: 'library', path: provider }, 30_000)
    const use = gatherer(host)
    const outcomes = await diagnose(host, use, [...cuda, ...cudnn])
    return { host, use, statuses: Object.fromEntries([...outcomes].map(([id, { status }]) => [id, status])), outcomes }
  }

  it('the provider asks for what its readelf table says', async () => {
    const { use } = await examine(undefined)
    const [library] = await use(engines)
    expect(library).toMatchObject({ engine: 'onnxruntime', cudaMajor: 12 })
    // readelf -d, by hand.
    expect(library!.wants.filter(({ how }) => how === 'needed').map(({ soname }) => soname).filter((name) => /^lib(?:cu|nv)/.test(name))).toEqual(['libcublasLt.so.12', 'libcublas.so.12', 'libcurand.so.10', 'libcufft.so.11', 'libcudart.so.12', 'libcudnn.so.9'])
  })

  it('with every wheel on the path all is found, cuDNN whole, and ldd agrees', async () => {
    const { use, outcomes } = await examine(readdirSync(join(site, 'nvidia')).filter((name) => existsSync(join(site, 'nvidia', name, 'lib'))).map((name) => join(site, 'nvidia', name, 'lib')).join(':'))
    expect([...outcomes].filter(([, { status }]) => status !== 'passed')).toEqual([])
    const { libraries } = await use(resolution)
    expect(libraries[0]!.cudnn!.parts.map(({ path }) => path)).toEqual(['graph', 'ops', 'cnn', 'adv', 'heuristic', 'engines_precompiled', 'engines_runtime_compiled'].map((part) => join(site, 'nvidia/cudnn/lib', `libcudnn_${part}.so.9`)))
    expect(await use(ldd)).toMatchObject([{ path: provider, disagrees: null, undefinedSymbols: [] }])
  })

  it('without cuDNN on the path nothing of it is guessed', async () => {
    const { outcomes } = await examine(['cublas', 'cuda_runtime', 'cufft', 'curand'].map((name) => join(site, 'nvidia', name, 'lib')).join(':'))
    const found = [...outcomes].flatMap(([id, outcome]) => (outcome.status === 'found' ? outcome.findings.map(({ cause }) => `${id}: ${cause}`) : []))
    expect(found).toEqual([expect.stringMatching(/^cuda\/libraries-absent: .*asks for libcudnn\.so\.9, which was found neither/)])
  })

  it('a provider with eight dependencies and the parts of cuDNN are followed without delay', async () => {
    const path = ['cublas', 'cuda_runtime', 'cudnn', 'cufft', 'curand'].map((name) => join(site, 'nvidia', name, 'lib')).join(':')
    await examine(path)
    const times: number[] = []
    for (let round = 0; round < 5; round++) {
      process.env['LD_LIBRARY_PATH'] = path
      const host = hostHere({ kind: 'library', path: provider }, 30_000)
      await Promise.all([host.run('ldconfig', ['-p']), host.run('/lib64/ld-linux-x86-64.so.2', ['--help'])])
      const start = performance.now()
      await gatherer(host)(resolution)
      times.push(performance.now() - start)
    }
    // Measured 36 to 68 ms for 152 links on two cores at load 6; a bound that only lost parallelism or a loop breaks.
    expect(Math.min(...times)).toBeLessThan(150)
  })
})
