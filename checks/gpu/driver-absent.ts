import { defineCheck, need, type Finding } from '../../src/index.ts'
import { driver } from '../../src/facts/driver.ts'
import { nvidiaHardware } from '../../src/facts/driver-hardware.ts'
import { gpuWish } from '../../src/facts/gpu-wish.ts'
import { nvidiaSmi } from '../../src/facts/nvidia-smi.ts'
import { target } from '../../src/facts/target.ts'
import { evidence, manual, subjectOf } from './subject.ts'


export default defineCheck({
  id: 'gpu/driver-absent',
  title: 'There is no NVIDIA driver for an engine that wants the GPU',
  docs: {
    what: "Looks for NVIDIA hardware on the PCI bus, the driver's module in the kernel, its device nodes, and libcuda.so.1 where the service's loader would find it. It tells a machine without a GPU from one without a driver, and from a container that was not given either.",
    why: 'The library libcuda.so.1 comes with the driver and with nothing else. Without it, or without the kernel module behind it, CUDA reports error 35 or 100 and the engine computes on the CPU.',
    remedy: 'Install the driver of your distribution and reboot; give a container the GPU; or run the CPU build of the engine where there is no GPU.',
    links: ['https://docs.nvidia.com/datacenter/tesla/driver-installation-guide/', 'https://docs.nvidia.com/datacenter/cloud-native/container-toolkit/latest/install-guide.html'],
  },
  on: ['linux'],
  fixes: 'always',
  needs: { target, driver, nvidiaHardware, gpuWish, nvidiaSmi },
  run: ({ target, driver, nvidiaHardware: hardware, gpuWish: wish, nvidiaSmi: smi }) => {
    const subject = subjectOf(target)
    const gpus = hardware.known ? hardware.value.gpus : []
    const wants = wish.strength === 'asked' || wish.strength === 'built'
    if (!wants && (gpus.length === 0 || wish.strength === 'cpu')) {
      return { status: 'not-applicable', because: wish.strength === 'cpu' ? 'It asks for the CPU.' : 'Nothing in it asks for CUDA, and no NVIDIA GPU is seen here.' }
    }
    const says = smi.kind === 'failed' ? { source: smi.source, saw: `exit ${smi.code}: ${smi.words}` } : null
    const severity = wish.strength === 'asked' ? 'error' : wish.strength === 'built' ? 'warning' : 'info'
    const found = (cause: string, confidence: Finding['confidence'], seen: ReturnType<typeof evidence>, fix: ReturnType<typeof manual>): Finding[] => [{ severity, confidence, cause, evidence: seen, fixes: [fix] }]
    const asks = wish.evidence.slice(0, 2)

    if (driver.kernel === null && driver.wsl === null) {
      // A driver that answers is there, whatever stands between it and this kernel: gVisor, a GPU over the network.
      if (smi.kind === 'report' && smi.report.gpus.length > 0) {
        return { status: 'unknown', because: `nvidia-smi shows ${smi.report.gpus[0]!.name ?? 'a GPU'}, and this kernel shows no NVIDIA driver, so what stands between the two is not known.`, how: 'Run the check where the driver runs, on the host.' }
      }
      if (gpus.length > 0) {
        const held = gpus[0]!.driver
        if (held === 'vfio-pci') return { status: 'not-applicable', because: `The NVIDIA GPU at ${gpus[0]!.address} is handed to a virtual machine (vfio-pci).` }
        return found(
          `There is an NVIDIA GPU at ${gpus[0]!.address}, but the kernel has no NVIDIA driver loaded${held === null ? '' : ` (${held} has the device)`}.`, 'certain',
          evidence(gpus[0]!.evidence, driver.noKernel, says, ...asks),
          manual("Install NVIDIA's driver for this kernel, then reboot", 'Debian: apt install nvidia-driver. Ubuntu: ubuntu-drivers install. Fedora: akmod-nvidia. Arch: nvidia-open.', 'With Secure Boot on, the module must be signed: mokutil --sb-state tells; dmesg then shows why it was refused.', 'nvidia-smi'),
        )
      }
      const none = hardware.known
      return found(
        none ? `${subject} ${verb(wish.strength)}, and this machine has neither an NVIDIA GPU nor its driver.` : `${subject} ${verb(wish.strength)}, and no NVIDIA driver is loaded here; whether there is a GPU cannot be seen.`,
        none ? 'certain' : 'likely',
        evidence(hardware.known ? hardware.value.evidence : null, driver.noKernel, says, ...asks),
        driver.container === null ? manual('Run it on a machine with an NVIDIA GPU, or choose the CPU build of the engine and the CPU device here') : manual('Run the container on a host with an NVIDIA GPU, or choose the CPU build of the engine here'),
      )
    }
    if (!wants) return []
    const cuda = need(driver.cuda)
    const kernel = driver.kernel?.evidence ?? driver.wsl!
    const there = driver.kernel === null ? 'Windows lends its GPU' : 'The kernel has the NVIDIA driver'
    if (cuda !== null || driver.strayCuda?.saw.startsWith('/run/opengl-driver/')) {
      if (driver.container === null || driver.nodes.control.present || driver.wsl !== null) return []
      return found(
        `The kernel has the NVIDIA driver, but the container of ${subject} was given no GPU device.`, 'likely',
        evidence(kernel, { source: driver.nodes.control.source, saw: 'no such file' }, driver.container, says, ...asks), GIVE_GPU,
      )
    }
    const missing = [kernel, driver.strayCuda, says, ...asks]
    if (driver.container !== null) {
      const half = driver.nodes.control.present
      return found(
        `The kernel has the NVIDIA driver, but the container of ${subject} ${half ? 'was not given libcuda.so.1' : 'was given neither the GPU devices nor libcuda.so.1'}.`, 'likely',
        evidence(...missing.slice(0, 1), { source: driver.nodes.control.source, saw: half ? '/dev/nvidiactl is there' : 'no such file' }, driver.container, ...missing.slice(1)),
        half ? manual('Ask for the compute capability as well: NVIDIA_DRIVER_CAPABILITIES=compute,utility', 'In Compose: capabilities: [gpu]') : GIVE_GPU,
      )
    }
    const stray = driver.strayCuda?.saw.replace(' is there', '')
    return found(
      stray === undefined
        ? `${there}, but libcuda.so.1 is nowhere that the loader of ${subject} looks.`
        : `${there}, and libcuda.so.1 lies at ${stray}, where the loader of ${subject} does not look.`,
      'likely', evidence(...missing),
      stray === undefined ? manual("Install the driver's user-space libraries in the version of the kernel module", `Debian: apt install libcuda1. Ubuntu: libnvidia-compute-${driver.kernel?.version?.split('.')[0] ?? 'N'}. Then: ldconfig -p | grep libcuda`) : manual('Let the loader look there', `Put ${stray.slice(0, stray.lastIndexOf('/'))} into a file of /etc/ld.so.conf.d and run ldconfig.`),
    )
  },
})

const verb = (strength: 'asked' | 'built' | 'none' | 'cpu'): string => (strength === 'built' ? 'has an engine built for CUDA' : 'asks for CUDA')

const GIVE_GPU = manual('Give the container the GPU', 'docker run --gpus all …, or in Compose deploy.resources.reservations.devices with capabilities: [gpu]; the NVIDIA Container Toolkit must be installed on the host.', 'podman run --device nvidia.com/gpu=all …')
