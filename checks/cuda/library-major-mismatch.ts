import { defineCheck } from '../../src/index.ts'
import { mismatches } from './mismatch.ts'
import { needs } from './words.ts'

export default defineCheck({
  id: 'cuda/library-major-mismatch',
  title: 'The engine was built for another CUDA major than the one installed',
  docs: {
    what: 'Compares the sonames an engine library asks for with those on the machine: the same library of another major does not serve.',
    why: 'The number in a soname is a promise of compatibility. CUDA 11, 12 and 13 libraries never stand in for each other, and a symbolic link that pretends so crashes later.',
    remedy: 'Install the CUDA major that the engine asks for beside the present one, or the build of the engine for the CUDA that is installed.',
    links: ['https://onnxruntime.ai/docs/execution-providers/CUDA-ExecutionProvider.html#requirements'],
  },
  on: ['linux'],
  fixes: 'always',
  needs,
  run: (facts) => mismatches(facts, (soname) => !soname.startsWith('libcudnn'), 'CUDA'),
})
