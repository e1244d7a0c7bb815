import { defineCheck } from '../../src/index.ts'
import { gpuIntent } from '../../src/facts/gpu-intent.ts'
import { onnxDistributions } from '../../src/facts/onnx-distributions.ts'

export default defineCheck({
  id: 'ep/duplicate-runtimes',
  title: 'Two packages of ONNX Runtime are installed over each other',
  docs: {
    what: 'Looks for more than one distribution that installs the Python package onnxruntime.',
    why: 'onnxruntime and onnxruntime-gpu write the same files into the same folder; whichever was installed last decides whether there is a CUDA provider, and an upgrade of an unrelated package can turn it round.',
    remedy: 'Uninstall all of them, then install only the one that is meant, and find which dependency brings the other.',
    links: ['https://github.com/microsoft/onnxruntime/issues/26996', 'https://onnxruntime.ai/docs/install/'],
  },
  fixes: 'always',
  needs: { onnxDistributions, gpuIntent },
  run: ({ onnxDistributions: python, gpuIntent }) => {
    const runtimes = python.distributions
    const roots = [...new Set(runtimes.map(({ root }) => root))]
    // Distributions of one root lie over each other; of several roots the first on sys.path is imported whole.
    const clash = roots.map((root) => runtimes.filter((each) => each.root === root)).find((each) => new Set(each.map(({ name }) => name)).size > 1)
    if (clash === undefined) return runtimes.length === 0 ? { status: 'not-applicable', because: 'Its Python has no onnxruntime.' } : []
    const words = clash.map(({ name, version }) => `${name} ${version}`)
    return [
      {
        severity: gpuIntent.asks === 'gpu' ? 'warning' : 'info',
        confidence: 'certain',
        cause: `${words.slice(0, -1).join(', ')} and ${words.at(-1)!} are installed over each other in ${clash[0]!.root}, and the one installed last decides whether CUDA is in it.`,
        evidence: [{ source: python.source, saw: words.join(', ') }],
        fixes: [{ title: 'Leave one of them', safety: 'manual', edits: [], then: [`${python.executable} -m pip uninstall ${clash.map(({ name }) => name).join(' ')}`, `${python.executable} -m pip install onnxruntime-gpu`, 'Restart the service.'] }],
      },
    ]
  },
})
