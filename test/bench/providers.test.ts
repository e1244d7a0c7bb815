import { describe, expect, it } from 'vitest'
import { loadFailure, removedProvider } from '../../src/bench/native-stderr.ts'
import { placementOf } from '../../src/bench/placement.ts'
import { longName, missedProvider, shortName, usedProvider, whyNot, whyNotPython } from '../../src/bench/providers.ts'

/** As onnxruntime-node 1.30 printed it, colours and all. */
const line = (library: string, reason: string) =>
  `\u001b[1;31m2026-11-20 23:35:45.251962011 [E:onnxruntime:onnxruntime-node, provider_bridge_ort.cc:2146 Create] /onnxruntime_src/onnxruntime/core/session/provider_bridge_ort.cc:1988 onnxruntime::Provider& onnxruntime::ProviderLibrary::Get() [ONNXRuntimeError] : 1 : FAIL : Failed to load library ${library} with error: ${reason}\n\u001b[m\n`
const absent = (file: string) => `${file}: cannot open shared object file: No such file or directory`
const FOLDER = '/app/node_modules/onnxruntime-node/bin/napi-v6/linux/x64'
const CUDA = `${FOLDER}/libonnxruntime_providers_cuda.so`
const SHARED = `${FOLDER}/libonnxruntime_providers_shared.so`

describe('the runtime’s own words', () => {
  it.each<[string, string, string | null, RegExp]>([
    ['a package for the CPU only', line(SHARED, absent(SHARED)), 'libonnxruntime_providers_shared.so', /installed without its CUDA libraries/],
    ['a library that CUDA needs', line(CUDA, absent('libcublasLt.so.12')), 'libcublasLt.so.12', /providers_cuda\.so could not be loaded because libcublasLt\.so\.12 was not found\.$/],
    ['a library of the wrong version', line(CUDA, `${CUDA}: undefined symbol: GetProvider`), null, /could not be loaded: .*undefined symbol: GetProvider\.$/],
    ['a file cut short', line(CUDA, 'libcudnn.so.9: file too short'), null, /file too short\.$/],
  ])('%s', (_, output, missing, words) => {
    expect(loadFailure(output)?.missing).toBe(missing)
    expect(whyNot('cuda', 'Failed to load shared library', output, false)).toMatch(words)
  })
  it('nothing of the kind', () => {
    expect(loadFailure('[W:onnxruntime:, helper.cc:83] something else')).toBeNull()
    expect(whyNot('cuda', null, '', true)).toBe('No node of the model was placed on cuda.')
  })
  it('a provider that was left out', () => {
    const output = 'removing requested execution provider "foo" from session options because it is not available: backend not found.\n'
    expect(removedProvider(output)).toBe('foo')
    expect(whyNot('foo', null, output, false)).toMatch(/does not contain the provider foo/)
  })
  it('an error without a library keeps its last sentence', () => {
    const error = '/onnxruntime_src/onnxruntime/core/providers/webgpu/webgpu_context.cc:136 void f() x == y was false. Failed to get a WebGPU adapter: No supported adapters.'
    expect(whyNot('webgpu', error, '', false)).toBe('The runtime refused it: Failed to get a WebGPU adapter: No supported adapters.')
  })
  it('Python without CUDA built in', () => {
    expect(whyNotPython('cuda', { available: ['CPUExecutionProvider'], version: '1.23.2', output: () => '' })).toMatch(/package for the CPU/)
    expect(whyNotPython('cuda', { available: ['CUDAExecutionProvider'], version: '1.23.2', output: () => line(CUDA, absent('libcudnn.so.9')) })).toMatch(/libcudnn\.so\.9 was not found/)
  })
})

describe('the provider that was used', () => {
  const placed = (...pairs: readonly [string, number][]) => pairs.map(([provider, nodes]) => ({ provider, nodes, timeMs: null }))
  it.each<[string, string[], [string, number][], string | null]>([
    ['all on the CPU', ['cuda', 'cpu'], [['CPUExecutionProvider', 100]], 'cpu'],
    ['mostly on the GPU', ['cuda', 'cpu'], [['CPUExecutionProvider', 10], ['CUDAExecutionProvider', 90]], 'cuda'],
    ['the second of two', ['tensorrt', 'cuda', 'cpu'], [['CUDAExecutionProvider', 90]], 'cuda'],
    ['nothing placed', ['cuda'], [], null],
    ['the CPU asked for', ['cpu'], [['CPUExecutionProvider', 1]], 'cpu'],
  ])('%s', (_, asked, pairs, expected) => {
    expect(usedProvider(asked, placed(...pairs))).toBe(expected)
  })
  it.each<[string, readonly string[], string | null, string | null, boolean]>([
    ['as asked', ['cuda'], 'cuda', null, false],
    ['the second of those asked for', ['tensorrt', 'cuda'], 'cuda', null, true],
    ['refused', ['cuda'], null, 'x was not found.', true],
    ['not looked at yet', ['cuda'], null, null, false],
    ['nothing named', ['auto'], 'cpu', 'x was not found.', false],
    ['a target without a choice', [], null, null, false],
  ])('missed: %s', (_, asked, used, because, missed) => {
    expect(missedProvider({ asked, used, because })).toBe(missed)
  })
  it('names of both kinds', () => {
    expect([shortName('CUDAExecutionProvider'), shortName('cudaexecutionprovider'), shortName('CUDA'), shortName('xyz'), longName('tensorrt'), longName('xyz')]).toEqual(['cuda', 'cuda', 'cuda', 'xyz', 'TensorrtExecutionProvider', 'xyz'])
  })
})

describe('placement from the runtime’s profile', () => {
  const event = (name: string, provider: string, index: number, dur: number) => ({ cat: 'Node', name: `${name}_kernel_time`, dur, args: { provider, node_index: String(index) } })
  const events = [{ cat: 'Session', name: 'model_run', dur: 9 }, event('a', 'CPUExecutionProvider', 1, 1000), event('a', 'CPUExecutionProvider', 1, 3000), event('b', 'CUDAExecutionProvider', 2, 5), { cat: 'Node', name: 'a_fence_before', dur: 1, args: { provider: 'CPUExecutionProvider' } }]
  it('counts nodes once, adds up CPU time, and gives no time for a device', () => {
    expect(placementOf([JSON.stringify(events)])).toEqual([{ provider: 'CPUExecutionProvider', nodes: 1, timeMs: 4 }, { provider: 'CUDAExecutionProvider', nodes: 1, timeMs: null }])
  })
  it('copies between devices compute nothing: with only these on the device it was not used', () => {
    const copy = { ...event('Memcpy_1', 'CUDAExecutionProvider', 3, 5), args: { provider: 'CUDAExecutionProvider', node_index: '3', op_name: 'MemcpyToHost' } }
    const placement = placementOf([JSON.stringify([event('a', 'CPUExecutionProvider', 1, 1000), copy, { ...copy, args: { ...copy.args, op_name: 'MemcpyFromHost', node_index: '4' } }])])
    expect(placement).toEqual([{ provider: 'CPUExecutionProvider', nodes: 1, timeMs: 1 }])
    expect(usedProvider(['cuda', 'cpu'], placement)).toBe('cpu')
  })
  it('reads a file that was cut off, and one that is none', () => {
    expect(placementOf([JSON.stringify(events).slice(0, -30)])[0]).toMatchObject({ provider: 'CPUExecutionProvider', nodes: 1 })
    expect(placementOf(['', 'x', '[{'])).toEqual([])
  })
  it('nodes of two models are different nodes', () => {
    const one = JSON.stringify([event('a', 'CPUExecutionProvider', 1, 1)])
    expect(placementOf([one, one])[0]!.nodes).toBe(2)
  })
})
