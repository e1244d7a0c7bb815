import { basename } from '../../src/paths.ts'
import { defineCheck } from '../../src/index.ts'
import { namesCuda } from '../../src/facts/cpu-build.ts'
import { gpuIntent } from '../../src/facts/gpu-intent.ts'
import { process_ } from '../../src/facts/process.ts'
import { program } from '../../src/facts/program.ts'
import { resolution } from '../../src/facts/resolution.ts'
import { unitState } from '../../src/facts/unit-state.ts'

/** onnxruntime-gpu 1.18.1, 1.19.2, 1.20.2, 1.21.1 and 1.22.0 from PyPI crash so; 1.23.0 and 1.23.2 report CUDA failure 35 and go on. */
const CRASHES = /^1\.(1[89]|2[0-2])(\.|$)/

export default defineCheck({
  id: 'ep/driverless-crash',
  title: 'ONNX Runtime crashes because the driver library is missing',
  docs: {
    what: 'Looks for the CUDA provider of ONNX Runtime 1.18 to 1.22 with all its libraries within reach, where the loader of the service would not find libcuda.so.1.',
    why: 'These releases call the driver while they load the provider. Without libcuda.so.1 the process dies with SIGSEGV (139 in a shell, status=11/SEGV under systemd) and prints nothing, instead of going on with the CPU: a container started without its GPU, or a machine whose driver was removed.',
    remedy: 'Give the machine or the container its driver, use ONNX Runtime 1.23 or newer, which says what is missing, or do not ask for CUDA there.',
    links: ['https://docs.nvidia.com/datacenter/cloud-native/container-toolkit/latest/install-guide.html'],
  },
  on: ['linux'],
  fixes: 'always',
  needs: { program, gpuIntent, resolution, process_, unitState },
  run: ({ gpuIntent: intent, resolution: { libraries }, process_: running, unitState: unit }) => {
    // A program may ask for it in its source, where no word or variable tells.
    if (intent.asks === 'cpu') return { status: 'not-applicable', because: 'It asks for the CPU.' }
    const old = libraries.filter(({ library }) => basename(library.path) === 'libonnxruntime_providers_cuda.so' && CRASHES.test(library.version ?? ''))
    if (old.length === 0) return { status: 'not-applicable', because: 'No ONNX Runtime from 1.18 to 1.22 with CUDA is seen in it.' }
    // A process that lives and has tried has not crashed of it.
    const bare = old.find(({ missing, broken, unknown, links, proven, driver }) => proven === null && driver === null && broken.length === 0 && unknown.length === 0 && missing.every(({ optional }) => optional) && links.some(({ name, answer }) => name === 'libcuda.so.1' && answer.status === 'missing'))
    if (bare === undefined) return []
    const died = unit !== null && unit.properties['ExecMainStatus'] === '11' && /^(core-dump|signal)$/.test(unit.properties['Result'] ?? '')
    // What runs now may still be before its first session.
    const runs = running !== null && running.pid !== 'self'
    const named = intent.asks === 'gpu' && namesCuda(intent)
    return [
      {
        severity: died || (named && !runs) ? 'error' : named ? 'warning' : 'info',
        // A program of which nothing tells that it asks for the GPU may have died of something else.
        confidence: died ? (intent.asks === 'gpu' ? 'certain' : 'likely') : named ? 'likely' : 'possible',
        cause: `ONNX Runtime ${bare.library.version} finds every library of its CUDA provider and no libcuda.so.1, and then ${died ? (intent.asks === 'gpu' ? 'died of SIGSEGV while it loaded' : 'died of SIGSEGV, as it does when it loads') : intent.asks === null ? 'dies of SIGSEGV if its program has it load' : 'dies of SIGSEGV while it loads'} the provider, without a word.`,
        evidence: [
          { source: bare.library.foundBy, saw: bare.library.path },
          ...(died ? [{ source: unit.source, saw: `Result=${unit.properties['Result']}, ExecMainStatus=11` }] : []),
          ...intent.evidence.slice(0, 1),
        ],
        refuted: [{ hypothesis: 'A library of CUDA or cuDNN is missing', because: 'Each of them is found, and a missing one is reported in a line of the log instead.' }],
        fixes: [{ title: 'Give it the driver, or a newer ONNX Runtime', safety: 'manual', edits: [], then: ['A container: docker run --gpus all, or runtime: nvidia.', 'pip install --upgrade "onnxruntime-gpu>=1.23": it says what is missing and goes on with the CPU.'] }],
      },
    ]
  },
})
