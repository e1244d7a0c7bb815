import { spawnSync } from 'node:child_process'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { describeWith } from '../support/rig.ts'
import { wheel } from '../support/wheels.ts'
import { buildTool, checked, leftFolders, leftProcesses, type Tool } from './tool.ts'

const python = (code: string) => spawnSync('python3', ['-c', code], { encoding: 'utf8' }).stdout?.trim() ?? ''
const version = python('import sys;print("%d.%d"%sys.version_info[:2])')
const missing = !['3.10', '3.11', '3.12', '3.13'].includes(version) ? 'needs python3 from 3.10 to 3.13 with pip' : spawnSync('python3', ['-m', 'pip', '--version']).status === 0 ? null : 'needs pip (apt-get install python3-pip)'

describe('--python', () => {
  let tool: Tool
  beforeAll(async () => void (tool = await buildTool()))
  afterAll(() => tool.remove())

  it.each<[string, string[], number, RegExp]>([
    ['an interpreter that is not there', ['--python', '/nonexistent/python'], 4, /\/nonexistent\/python is not there\./],
    ['a program that is no Python', ['--python', '/bin/true'], 4, /\/bin\/true ended with exit code 0\./],
    ['two targets', ['--python', '/bin/true', '--command', 'x {audio}'], 2, /cannot be used with/],
  ])('%s', (_, args, expected, message) => {
    const { code, stderr } = tool.run(args)
    expect(stderr).toMatch(message)
    expect(code).toBe(expected)
  })

  describeWith('genuine onnxruntime wheels', missing, () => {
    let interpreter = ''
    let path = ''
    beforeAll(() => {
      interpreter = python('import sys;print(sys.executable)')
      path = [wheel('onnxruntime', '1.23.2', '.', version), wheel('numpy', '2.2.6', '.', version)].join(':')
    }, 600_000)

    it('without onnxruntime says what the interpreter said', () => {
      const { code, stderr } = tool.run(['--python', interpreter], { env: { PYTHONPATH: '/nonexistent', PYTHONNOUSERSITE: '1' } })
      expect(stderr).toMatch(/cannot import onnxruntime \(ModuleNotFoundError: /)
      expect(code).toBe(4)
    })
    it('the same network runs on their onnxruntime', () => {
        const { code, stdout } = tool.run(['--json', '--runs', '2', '--python', interpreter], { env: { PYTHONPATH: path } })
      const result = checked(stdout)
      expect(result).toMatchObject({ target: { kind: 'python', runtime: expect.stringMatching(/^onnxruntime 1\.23\.2 in Python 3\.\d+\.\d+$/) }, provider: { asked: ['auto'], used: 'cpu', because: null } })
      expect(Object.keys(result.phases)).toEqual(['encoder', 'decoder'])
      expect(result.cold).toHaveLength(3)
      expect(code).toBe(0)
      expect(leftProcesses(tool)).toEqual([])
      expect(leftFolders(tool)).toEqual([])
    })
    it('and a Whisper, with its growing cache', () => {
      const { code, stdout } = tool.run(['--json', '--runs', '1', '--workload', 'whisper-tiny', '--python', interpreter], { env: { PYTHONPATH: path } })
      const result = checked(stdout)
      expect(result).toMatchObject({ workload: 'whisper-tiny', provider: { used: 'cpu' } })
      expect(Object.keys(result.phases)).toEqual(['encoder', 'decoder'])
      expect(code).toBe(0)
    })
    it('the package for the CPU asked for CUDA falls back in silence: exit 5, and it is named as that', () => {
      const { code, stdout } = tool.run(['--json', '--runs', '1', '--workload', 'fastconformer-s', '--python', interpreter, '--provider', 'cuda,cpu'], { env: { PYTHONPATH: path } })
      expect(checked(stdout).provider).toMatchObject({ used: 'cpu', because: expect.stringMatching(/has no CUDAExecutionProvider built in: it is the package for the CPU \(onnxruntime\), not onnxruntime-gpu\.$/) })
      expect(code).toBe(5)
    })
    it('the genuine package for GPUs without its libraries: exit 5 with the soname that is missing', () => {
      const gpu = [wheel('onnxruntime-gpu', '1.23.2', '^onnxruntime/(?!.*tensorrt)', version), wheel('numpy', '2.2.6', '.', version)].join(':')
      const { code, stdout } = tool.run(['--json', '--runs', '1', '--workload', 'fastconformer-s', '--python', interpreter, '--provider', 'cuda,cpu'], { env: { PYTHONPATH: gpu, LD_LIBRARY_PATH: '' } })
      expect(checked(stdout).provider).toMatchObject({ used: 'cpu', because: 'libonnxruntime_providers_cuda.so could not be loaded because libcublasLt.so.12 was not found.' })
      expect(code).toBe(5)
    }, 600_000)
  })
})
