import { defineCheck } from '../../src/index.ts'
import { driver } from '../../src/facts/driver.ts'
import { gpuWish } from '../../src/facts/gpu-wish.ts'
import { target } from '../../src/facts/target.ts'
import { uvmMaker } from '../../src/facts/driver-uvm.ts'
import { evidence, manual, subjectOf } from './subject.ts'

export default defineCheck({
  id: 'gpu/uvm-missing',
  title: 'CUDA lacks /dev/nvidia-uvm, although nvidia-smi works without it',
  docs: {
    what: 'Looks for /dev/nvidia-uvm beside /dev/nvidiactl, and for whatever could still make it: nvidia-modprobe with its set-user-ID bit.',
    why: '`nvidia-smi` needs /dev/nvidiactl alone. CUDA needs unified memory too and fails with error 999 or 100 without it, which looks as if the GPU were broken.',
    remedy: 'Load the nvidia_uvm module at boot and make its device node (nvidia-modprobe -u -c 0), before the service starts.',
    links: ['https://docs.nvidia.com/cuda/cuda-installation-guide-linux/#device-node-verification', 'man:nvidia-modprobe(1)'],
  },
  on: ['linux'],
  fixes: 'always',
  needs: { target, driver, gpuWish, uvmMaker },
  run: ({ target, driver, gpuWish: wish, uvmMaker: maker }) => {
    if (driver.kernel === null) return { status: 'not-applicable', because: 'No NVIDIA driver is loaded in this kernel.' }
    if (wish.strength !== 'asked' && wish.strength !== 'built') return { status: 'not-applicable', because: 'Nothing in it asks for CUDA.' }
    if (!driver.nodes.control.present) return { status: 'not-applicable', because: 'It sees no NVIDIA device at all, which is another fault.' }
    if (driver.nodes.uvm.present) return []
    // A sandbox that hides the node from the service alone is told by service/device-access-denied.
    if (maker.onHost && driver.container === null) return { status: 'not-applicable', because: '/dev/nvidia-uvm is on this machine; that the service does not see it is another fault.' }
    if (maker.program !== null && !maker.cudaInUse && driver.container === null) {
      return { status: 'unknown', because: '/dev/nvidia-uvm is not there yet, and nvidia-modprobe may make it when CUDA is first used.', how: 'Run the check again after the first request, or run nvidia-modprobe -u -c 0.' }
    }
    const container = driver.container !== null
    return [{
      severity: wish.strength === 'asked' ? 'error' : 'warning',
      confidence: maker.cudaInUse || container ? 'certain' : 'likely',
      cause: `${container ? `The container of ${subjectOf(target)} has` : 'This machine has'} /dev/nvidiactl but no /dev/nvidia-uvm, so CUDA cannot start although nvidia-smi works.`,
      evidence: evidence({ source: driver.nodes.uvm.source, saw: 'no such file' }, { source: driver.nodes.control.source, saw: 'a device' }, driver.kernel.evidence, maker.evidence, maker.cudaInUse, driver.container),
      refuted: [{ hypothesis: 'nvidia-smi works, so CUDA must', because: 'nvidia-smi opens /dev/nvidiactl and never /dev/nvidia-uvm.' }],
      fixes: [
        container
          ? manual('Give the container /dev/nvidia-uvm as well', 'docker run --gpus all … gives all of them; by hand: --device /dev/nvidia-uvm --device /dev/nvidia-uvm-tools', 'On the host first: nvidia-modprobe -u -c 0')
          : manual('Load nvidia_uvm and make its device, now and at every boot', 'nvidia-modprobe -u -c 0', 'echo nvidia_uvm > /etc/modules-load.d/nvidia-uvm.conf'),
      ],
    }]
  },
})
