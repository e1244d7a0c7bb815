import type { Story } from '../support/stories.ts'

/**
 * Scenes with a driver, for test/make-fixtures.ts. There is no GPU: the text of /proc/driver/nvidia/version, libraries with the driver's
 * names, device nodes and a program called nvidia-smi stand in for what would be there.
 */
const driver = (version: string, libraries: string, nodes: readonly string[]) => `rm -f /.dockerenv
mountpoint -q /proc/driver || mount -t tmpfs tmpfs /proc/driver; mkdir -p /proc/driver/nvidia
echo 'NVRM version: NVIDIA UNIX x86_64 Kernel Module  ${version}  Tue Jun 10 22:39:02 UTC 2025' >/proc/driver/nvidia/version
rm -f /usr/lib/libcuda.so* /usr/lib/libnvidia-ml.so* /dev/nvidia* /usr/local/bin/nvidia-smi
for l in cuda nvidia-ml; do echo 'int stand_in;' | gcc -shared -fPIC -xc - -Wl,-soname,lib$l.so.1 -o /usr/lib/lib$l.so.${libraries}; ln -s lib$l.so.${libraries} /usr/lib/lib$l.so.1; done
ldconfig
${nodes.map((node, at) => `mknod -m 666 /dev/${node} c ${node === 'nvidia-uvm' ? 511 : 195} ${at}`).join('\n')}`

const smi = (lines: string) => `cat >/usr/local/bin/nvidia-smi <<'END_OF_SMI'
#!/bin/sh
${lines}
END_OF_SMI
chmod 755 /usr/local/bin/nvidia-smi`

/** A server beside the CUDA provider of onnxruntime; /opt/parts holds the stand-ins of the toolkit for CUDA 12. */
const unit = (name: string, path: string, provider: string) => `mkdir -p /opt/${name}/bin /opt/${name}/lib; cp /usr/bin/sleep /opt/${name}/bin/asr-server
${provider}
chmod -R a+rX /opt/${name}
printf '[Unit]\\nDescription=Speech recognition\\n[Service]\\nUser=asr\\nExecStart=/opt/${name}/bin/asr-server infinity\\nEnvironment=ASR_DEVICE=cuda LD_LIBRARY_PATH=${path}\\n' >/etc/systemd/system/${name}.service
systemctl daemon-reload; systemctl restart ${name}; sleep 0.3`

const cuda12 = (name: string) => unit(name, '/opt/parts/cuda:/opt/parts/cudnn', `cp /opt/parts/ort/libonnxruntime_providers_*.so /opt/${name}/lib/`)
/** As ONNX Runtime 1.28 and later are linked, with stand-ins of all that it opens. */
const cuda13 = (name: string) => unit(name, `/opt/${name}/cuda`, `cp /opt/parts/ort/libonnxruntime_providers_shared.so /opt/${name}/lib/; mkdir -p /opt/${name}/cuda; cd /opt/${name}/cuda
for l in cublasLt.so.13 cublas.so.13 curand.so.10 cudart.so.13 cufft.so.12 cudnn.so.9; do echo 'int stand_in;' | gcc -shared -fPIC -xc - -Wl,-soname,lib$l -o lib$l; done
for l in graph ops cnn adv heuristic engines_precompiled engines_runtime_compiled; do echo 'int stand_in;' | gcc -shared -fPIC -xc - -Wl,-soname,libcudnn_$l.so.9 -o libcudnn_$l.so.9; done
echo 'int stand_in;' | gcc -shared -fPIC -xc - -Wl,--no-as-needed -L. -l:libcublasLt.so.13 -l:libcublas.so.13 -l:libcurand.so.10 -l:libcudart.so.13 -o ../lib/libonnxruntime_providers_cuda.so; cd /`)

const GONE = 'rm -rf /proc/driver/nvidia /usr/lib/libcuda.so* /usr/lib/libnvidia-ml.so* /dev/nvidia* /usr/local/bin/nvidia-smi; ldconfig'
const ALL = ['nvidiactl', 'nvidia0', 'nvidia-uvm']

export const gpuStories: readonly Story[] = [
  {
    file: 'driver-whole', title: 'A driver that has all its parts', args: ['--unit', 'gpu-whole'],
    text: 'Kernel module, libraries and devices of one driver, new enough for the CUDA 12 of the engine (stand-ins). Nothing of it may be complained of.',
    scene: `${driver('535.261.03', '535.261.03', ALL)}\n${cuda12('gpu-whole')}`,
  },
  {
    file: 'driver-too-old', title: 'CUDA 13 over a driver of the year before', args: ['--unit', 'gpu-old'],
    text: 'An engine built for CUDA 13 needs driver 580.65.06; the machine has 535.261.03 (stand-ins). No toolkit can change that.',
    scene: `systemctl stop gpu-whole\n${driver('535.261.03', '535.261.03', ALL)}\n${cuda13('gpu-old')}`,
  },
  {
    file: 'driver-upgraded-not-rebooted', title: 'The driver was upgraded and the machine was not restarted', args: ['--unit', 'gpu-mixed'],
    text: 'The module in the kernel is 535.261.03, the libraries on the disk are 570.133.20 (stand-ins), and nvidia-smi says so, on standard output, with exit code 18.',
    scene: `systemctl stop gpu-old\n${driver('535.261.03', '570.133.20', ALL)}\n${smi('echo "Failed to initialize NVML: Driver/library version mismatch"; echo "NVML library version: 570.133"; exit 18')}\n${cuda12('gpu-mixed')}`,
  },
  {
    file: 'uvm-missing', title: 'nvidia-smi would work, and CUDA cannot', args: ['--unit', 'gpu-nouvm'],
    text: 'There are /dev/nvidiactl and /dev/nvidia0 but no /dev/nvidia-uvm, and no nvidia-modprobe to make it (stand-ins).',
    scene: `systemctl stop gpu-mixed\n${driver('535.261.03', '535.261.03', ['nvidiactl', 'nvidia0'])}\n${cuda12('gpu-nouvm')}`,
  },
  {
    file: 'smi-hung', title: 'nvidia-smi never comes back', args: ['--unit', 'gpu-hung'],
    text: 'A program called nvidia-smi that ignores SIGTERM and prints nothing, as the real one does when a GPU has fallen off the bus.',
    scene: `systemctl stop gpu-nouvm\n${driver('535.261.03', '535.261.03', ALL)}\n${smi('trap "" TERM\nexec sleep 1000')}\n${cuda12('gpu-hung')}`,
  },
  {
    file: 'gpu-without-driver', title: 'A graphics card that nouveau has', args: ['--unit', 'gpu-hung'],
    text: 'The line of an NVIDIA card in /proc/bus/pci/devices is put in by hand; the kernel has no NVIDIA module.',
    scene: `${GONE}; systemctl restart gpu-hung
(cat /proc/bus/pci/devices; printf '0100\\t10de2204\\t1f\\t0\\t0\\t0\\t0\\t0\\t0\\t0\\t0\\t0\\t0\\t0\\t0\\t0\\t0\\tnouveau\\n') >/tmp/pci-devices; mount --bind /tmp/pci-devices /proc/bus/pci/devices`,
  },
]
