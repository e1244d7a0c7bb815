import { defineCheck, need, type Immutable } from '../../src/index.ts'
import { driver, type DriverLibrary } from '../../src/facts/driver.ts'
import { gpuWish } from '../../src/facts/gpu-wish.ts'
import { nvidiaSmi } from '../../src/facts/nvidia-smi.ts'
import { evidence, manual } from './subject.ts'

export default defineCheck({
  id: 'gpu/driver-library-mismatch',
  title: "The driver's libraries belong to another version than its kernel module",
  docs: {
    what: "Compares the version of the NVIDIA kernel module with that of libcuda.so.1 and libnvidia-ml.so.1 as the service's loader finds them, and listens to what nvidia-smi says of it.",
    why: 'Module and libraries must be of one and the same version. After an unattended upgrade without a reboot the old module is still loaded: programs that run go on, and every one that starts anew fails to use the GPU.',
    remedy: 'Reboot, so that the module of the installed version is loaded. If they still differ, take away the libraries of the other version.',
    links: ['https://docs.nvidia.com/deploy/cuda-compatibility/', 'https://docs.nvidia.com/deploy/nvidia-smi/'],
  },
  on: ['linux'],
  fixes: 'always',
  needs: { driver, gpuWish, nvidiaSmi },
  run: ({ driver, gpuWish: wish, nvidiaSmi: smi }) => {
    const said = smi.kind === 'failed' && /Driver\/library version mismatch/i.test(smi.words) ? { source: smi.source, saw: `exit ${smi.code}: ${smi.words}` } : null
    const version = driver.kernel?.version ?? null
    if (said === null && version === null) return { status: 'not-applicable', because: driver.wsl === null ? 'No NVIDIA driver is loaded.' : 'Under WSL the driver is that of Windows, which keeps its libraries in step.' }
    const other = version === null ? [] : [driver.cuda, driver.nvml].flatMap((library) => (library.known && library.value !== null && differs(library.value, version) ? [library.value] : []))
    if (said === null && other.length === 0) {
      if (!driver.cuda.known && (wish.strength === 'asked' || wish.strength === 'built')) need(driver.cuda)
      return []
    }
    const names = other.map(({ path, version }) => `${path} of ${version}`).join(' and ')
    const kernel = version === null ? "the kernel's NVIDIA module" : `the kernel's NVIDIA module is ${version}`
    return [{
      severity: wish.strength === 'asked' || wish.strength === 'built' || said !== null ? 'error' : 'warning',
      confidence: 'certain',
      cause: other.length > 0 ? `${kernel.replace(/^t/, 'T')} while the loader finds ${names}, and the two must be of one version.` : `The libraries of the NVIDIA driver are of another version than ${version === null ? kernel : `the kernel's module, ${version}`}.`,
      evidence: evidence(driver.kernel?.evidence, ...other.map(({ evidence }) => evidence), said),
      refuted: [{ hypothesis: 'The driver is not installed', because: `Both halves of it are there${version === null ? '' : `: the module ${version} is loaded`}.` }],
      fixes: [manual('Reboot, so that the kernel loads the module of the installed driver', 'Or, with nothing using the GPU: rmmod nvidia_drm nvidia_modeset nvidia_uvm nvidia && modprobe nvidia', 'cat /proc/driver/nvidia/version; nvidia-smi')],
    }]
  },
})

/** A forward-compatibility libcuda is meant to be newer than the module. */
const differs = ({ path, version, evidence }: Immutable<DriverLibrary>, kernel: string): boolean => version !== null && version !== kernel && !/\/compat\//.test(`${path} ${evidence.saw}`)
