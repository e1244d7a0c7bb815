import { defineCheck } from '../../src/index.ts'
import { mismatches } from '../cuda/mismatch.ts'
import { needs } from '../cuda/words.ts'

export default defineCheck({
  id: 'cudnn/major-mismatch',
  title: 'The engine asks for another cuDNN major than the one installed',
  docs: {
    what: 'Compares the libcudnn soname an engine library asks for with those on the machine.',
    why: 'cuDNN 8 and 9 have different libraries and cannot stand in for each other; the provider is then not loaded, or the program is aborted at its first convolution.',
    remedy: 'Install the cuDNN major that is asked for. CTranslate2 4.6.3 and later and ONNX Runtime 1.28 and later can do without cuDNN.',
    links: ['https://onnxruntime.ai/docs/execution-providers/CUDA-ExecutionProvider.html#requirements', 'https://docs.nvidia.com/deeplearning/cudnn/latest/'],
  },
  on: ['linux'],
  fixes: 'always',
  needs,
  run: (facts) => mismatches(facts, (soname) => soname.startsWith('libcudnn'), 'cuDNN'),
})
