import { defineCheck, need } from '../../src/index.ts'
import { driver } from '../../src/facts/driver.ts'
import { gpuWish } from '../../src/facts/gpu-wish.ts'
import { nvidiaSmi } from '../../src/facts/nvidia-smi.ts'
import { compareVersions, oldestDriver } from '../../src/gpu/version.ts'
import { target } from '../../src/facts/target.ts'
import { evidence, manual, subjectOf } from './subject.ts'

export default defineCheck({
  id: 'gpu/driver-too-old',
  title: 'The NVIDIA driver is older than the CUDA of the speech engine needs',
  docs: {
    what: 'Compares the version of the driver with the oldest that runs the CUDA major the engine is built for. Within a major any minor will do.',
    why: 'CUDA reports error 35 (driver version is insufficient), and the engine computes on the CPU. The CUDA version that nvidia-smi prints is the newest that the driver runs, and says nothing of what is installed.',
    remedy: 'Upgrade the driver, or install the engine in the build for an older CUDA major.',
    links: ['https://docs.nvidia.com/deploy/cuda-compatibility/minor-version-compatibility.html'],
  },
  on: ['linux'],
  fixes: 'always',
  needs: { target, driver, gpuWish, nvidiaSmi },
  run: ({ target, driver, gpuWish: wish, nvidiaSmi: smi }) => {
    if (wish.strength !== 'asked' && wish.strength !== 'built') return { status: 'not-applicable', because: wish.strength === 'cpu' ? 'It asks for the CPU.' : 'Nothing in it asks for CUDA.' }
    if (driver.kernel === null && driver.wsl === null) return { status: 'not-applicable', because: 'No NVIDIA driver is loaded.' }
    if (wish.majors.length === 0) return { status: 'unknown', because: 'Which CUDA its engine is built for is not known.', how: 'Name its library with --library FILE.' }
    const wsl = driver.wsl !== null && driver.kernel === null
    const reported = smi.kind === 'report' && smi.report.driverVersion !== null ? { version: smi.report.driverVersion, evidence: { source: smi.source, saw: `driver_version ${smi.report.driverVersion}` } } : null
    const kernel = driver.kernel !== null && driver.kernel.version !== null ? { version: driver.kernel.version, evidence: driver.kernel.evidence } : null
    const has = kernel ?? reported
    if (has === null) return { status: 'unknown', because: 'The version of the NVIDIA driver is not shown.', how: 'Run nvidia-smi.' }
    const old = wish.majors.flatMap((of) => {
      const least = oldestDriver(of.major, wsl)
      return least !== null && compareVersions(has.version, least) < 0 ? [{ ...of, least }] : []
    })
    if (old.length === 0) return []
    // A forward-compatibility libcuda stands in for an older driver, on the GPUs that allow it.
    const cuda = need(driver.cuda)
    if (cuda !== null && /\/compat\//.test(`${cuda.path} ${cuda.evidence.saw}`)) return { status: 'unknown', because: `The driver ${has.version} alone would be too old, but the loader finds a forward-compatibility libcuda (${cuda.path}), which works on some GPUs only.`, how: 'Run the engine once with the GPU: error 804 means that this GPU does not allow it.' }
    const { major, least, path, evidence: seen } = old.reduce((most, each) => (each.major > most.major ? each : most))
    return [{
      severity: wish.strength === 'asked' ? 'error' : 'warning',
      confidence: 'certain',
      cause: `${path}${target.kind === 'library' ? '' : ` of ${subjectOf(target)}`} is built for CUDA ${major}, which needs driver ${least} or newer, and the driver here is ${has.version}.`,
      evidence: evidence(has.evidence, seen, kernel !== null ? reported?.evidence : null),
      refuted: [{ hypothesis: `A CUDA ${major} toolkit has to be installed`, because: 'No toolkit makes a driver newer; libcuda.so.1 comes with the driver alone.' }],
      fixes: [
        manual(`Upgrade the NVIDIA driver to ${least} or newer`, 'Debian: apt install nvidia-driver (from backports where needed). Ubuntu: ubuntu-drivers install. Then reboot.'),
        ...(major > 12 ? [manual('Or install the build of the engine for CUDA 12', 'ONNX Runtime: versions up to 1.26 from PyPI are built for CUDA 12.')] : []),
      ],
    }]
  },
})
