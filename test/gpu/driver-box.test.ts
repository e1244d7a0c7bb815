import { afterAll, beforeAll, expect, it } from 'vitest'
import { bootBox, boxMissing, type Box } from '../support/box.ts'
import { diagnoseInBox, type Seen } from '../support/box-diagnose.ts'
import { describeWith } from '../support/rig.ts'
import { compilerMissing, REPORTS } from './stub.ts'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/**
 * Real services, a real loader and real device nodes; what only a GPU machine has is put in its place: the text of
 * /proc/driver/nvidia/version, a line of /proc/bus/pci/devices, shared objects with the driver's names.
 */
const SMI = readFileSync(fileURLToPath(new URL('../rigs/nvidia-smi/nvidia-smi.c', import.meta.url)), 'utf8')
const OPEN = (version: string) => `NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  ${version}  Release Build  (dvs-builder@U22-I3-AE18-23-3)  Wed Jul 30 01:52:26 UTC 2025`
const CLOSED = (version: string) => `NVRM version: NVIDIA UNIX x86_64 Kernel Module  ${version}  Tue Jun 10 22:39:02 UTC 2025`

describeWith('systemd box with gcc', boxMissing() ?? compilerMissing(), () => {
  let box: Box
  const unit = (name: string) => ({ kind: 'unit', name: `${name}.service`, scope: 'system' }) as const
  const judge = (name = 'asr', limitMs = 10_000) => diagnoseInBox(box, unit(name), ['checks/gpu/index.ts'], { limitMs })
  const statuses = (seen: Seen) => Object.fromEntries([...seen.outcomes].map(([id, { status }]) => [id.slice('gpu/'.length), status]))
  const found = (seen: Seen, id: `${string}/${string}`) => {
    const outcome = seen.outcomes.get(id)
    for (const each of seen.outcomes.values()) {
      if (each.status !== 'found') continue
      for (const { source } of each.findings.flatMap(({ evidence }) => evidence)) expect([...seen.log.keys()], `${source} was not asked`).toContain(source)
    }
    return outcome?.status === 'found' ? outcome.findings[0]! : expect.fail(`${id}: ${JSON.stringify(outcome)}`)
  }
  /** Makes the machine anew: the module's version, the version of the libraries, the nodes. */
  const machine = (kernel: string | null, libraries: string | null, nodes: readonly string[] = ['nvidiactl', 'nvidia0', 'nvidia-uvm']) => box.script(`
    rm -f /usr/lib/libcuda.so* /usr/lib/libnvidia-ml.so* /dev/nvidia* /usr/local/bin/nvidia-smi /usr/bin/nvidia-modprobe
    rm -rf /proc/driver/nvidia
    ${kernel === null ? '' : `mkdir /proc/driver/nvidia; echo '${kernel}' >/proc/driver/nvidia/version`}
    ${libraries === null ? '' : `for l in cuda nvidia-ml; do echo 'int x;' | gcc -shared -fPIC -xc - -Wl,-soname,lib$l.so.1 -o /usr/lib/lib$l.so.${libraries}; ln -s lib$l.so.${libraries} /usr/lib/lib$l.so.1; done`}
    ldconfig
    ${nodes.map((node, at) => `mknod -m 666 /dev/${node} c ${node === 'nvidia-uvm' ? 511 : 195} ${at}`).join('\n')}
    systemctl reset-failed; systemctl restart asr plain`)

  beforeAll(() => {
    box = bootBox('gpu')
    box.script(`
      mount -t tmpfs tmpfs /proc/driver; rm -f /.dockerenv
      mkdir -p /opt/asr /opt/plain
      cat >/tmp/server.c <<'C'
#include <unistd.h>
int main(void) { for (;;) pause(); }
C
      gcc -o /opt/asr/server /tmp/server.c; cp /opt/asr/server /opt/plain/server
      for n in cublas:13 cublasLt:13 cudart:13; do echo 'int x;' | gcc -shared -fPIC -xc - -Wl,-soname,lib\${n%:*}.so.\${n#*:} -o /usr/lib/lib\${n%:*}.so.\${n#*:}; done
      echo 'int y;' | gcc -shared -fPIC -xc - -Wl,--no-as-needed -l:libcublasLt.so.13 -l:libcublas.so.13 -l:libcudart.so.13 -o /opt/asr/libonnxruntime_providers_cuda.so
      echo 'int z;' | gcc -shared -fPIC -xc - -Wl,-soname,libonnxruntime.so.1 -o /opt/asr/libonnxruntime.so.1
      printf '[Service]\\nExecStart=/opt/asr/server --device cuda\\n' >/etc/systemd/system/asr.service
      printf '[Service]\\nExecStart=/opt/plain/server\\n' >/etc/systemd/system/plain.service
      cat >/tmp/smi.c <<'C'
${SMI}
C
      gcc -o /opt/nvidia-smi /tmp/smi.c
      cp ${REPORTS}3090-v13.xml /opt/3090.xml
      systemctl daemon-reload`)
  }, 60_000)
  afterAll(() => box?.stop())

  it('no GPU and no driver: one finding for who asks for CUDA, none for who does not', async () => {
    machine(null, null, [])
    const seen = await judge()
    expect(found(seen, 'gpu/driver-absent')).toMatchObject({ severity: 'error', confidence: 'certain', cause: 'asr.service asks for CUDA, and this machine has neither an NVIDIA GPU nor its driver.' })
    expect(statuses(seen)).toEqual({ 'smi-hung': 'not-applicable', 'driver-absent': 'found', 'driver-library-mismatch': 'not-applicable', 'driver-too-old': 'not-applicable', 'uvm-missing': 'not-applicable' })
    expect(new Set(Object.values(statuses(await judge('plain'))))).toEqual(new Set(['not-applicable']))
  })

  it('a GPU without its driver', async () => {
    box.script(`(cat /proc/bus/pci/devices; printf '0100\\t10de2204\\t1f%s\\tnouveau\\n0101\\t10de1aef\\t1f%s\\tsnd_hda_intel\\n' "$(printf '\\t0%.0s' $(seq 14))" "$(printf '\\t0%.0s' $(seq 14))") >/tmp/pci; mount --bind /tmp/pci /proc/bus/pci/devices`)
    try {
      const seen = await judge()
      expect(found(seen, 'gpu/driver-absent').cause).toBe('There is an NVIDIA GPU at 01:00.0, but the kernel has no NVIDIA driver loaded (nouveau has the device).')
      expect(found(await judge('plain'), 'gpu/driver-absent').severity).toBe('info')
    } finally {
      box.script('umount /proc/bus/pci/devices')
    }
  })

  it('a kernel module without libcuda', async () => {
    machine(OPEN('580.65.06'), null)
    expect(found(await judge(), 'gpu/driver-absent').cause).toBe('The kernel has the NVIDIA driver, but libcuda.so.1 is nowhere that the loader of asr.service looks.')
  })

  it('a whole driver, just new enough: silent', async () => {
    machine(OPEN('580.65.06'), '580.65.06')
    expect(statuses(await judge())).toEqual({ 'smi-hung': 'not-applicable', 'driver-absent': 'passed', 'driver-library-mismatch': 'passed', 'driver-too-old': 'passed', 'uvm-missing': 'passed' })
    box.script('cp /opt/nvidia-smi /usr/local/bin/; printf "#!/bin/sh\\nSMI_FILE=/opt/3090.xml exec /opt/nvidia-smi" >/usr/local/bin/nvidia-smi')
    expect(statuses(await judge())).toMatchObject({ 'smi-hung': 'passed', 'driver-absent': 'passed', 'driver-library-mismatch': 'passed' })
    expect(statuses(await judge('plain'))).toMatchObject({ 'driver-absent': 'not-applicable', 'driver-too-old': 'not-applicable', 'uvm-missing': 'not-applicable', 'driver-library-mismatch': 'passed' })
  })

  it('libraries of another version than the module, by the files and by the words of nvidia-smi', async () => {
    machine(CLOSED('535.261.03'), '570.133.20')
    const seen = await judge('plain')
    expect(found(seen, 'gpu/driver-library-mismatch')).toMatchObject({ severity: 'warning', cause: "The kernel's NVIDIA module is 535.261.03 while the loader finds /lib/libcuda.so.1 of 570.133.20 and /lib/libnvidia-ml.so.1 of 570.133.20, and the two must be of one version." })
    machine(CLOSED('535.261.03'), '535.261.03')
    box.script(`printf '#!/bin/sh\\necho "Failed to initialize NVML: Driver/library version mismatch"; echo "NVML library version: 570.133"; exit 18' >/usr/local/bin/nvidia-smi; chmod +x /usr/local/bin/nvidia-smi`)
    expect(found(await judge('plain'), 'gpu/driver-library-mismatch').evidence.at(-1)).toEqual({ source: 'run nvidia-smi -q -x', saw: 'exit 18: Failed to initialize NVML: Driver/library version mismatch NVML library version: 570.133' })
  })

  it('a driver too old for the CUDA of the engine', async () => {
    machine(CLOSED('535.261.03'), '535.261.03')
    const seen = await judge()
    expect(found(seen, 'gpu/driver-too-old')).toMatchObject({ confidence: 'certain', cause: '/opt/asr/libonnxruntime_providers_cuda.so of asr.service is built for CUDA 13, which needs driver 580.65.06 or newer, and the driver here is 535.261.03.' })
    expect(statuses(seen)).toMatchObject({ 'driver-absent': 'passed', 'driver-library-mismatch': 'passed', 'uvm-missing': 'passed' })
  })

  it('no /dev/nvidia-uvm: a fault where nothing makes it, open where nvidia-modprobe may', async () => {
    machine(OPEN('580.65.06'), '580.65.06', ['nvidiactl', 'nvidia0'])
    expect(found(await judge(), 'gpu/uvm-missing')).toMatchObject({ confidence: 'likely', cause: 'This machine has /dev/nvidiactl but no /dev/nvidia-uvm, so CUDA cannot start although nvidia-smi works.' })
    box.script('cp /bin/true /usr/bin/nvidia-modprobe; chmod 4755 /usr/bin/nvidia-modprobe')
    expect(statuses(await judge())).toMatchObject({ 'uvm-missing': 'unknown', 'driver-absent': 'passed' })
  })

  it('a hung nvidia-smi', async () => {
    machine(OPEN('580.65.06'), '580.65.06')
    box.script('printf "#!/bin/sh\\nSMI_MODE=hang exec /opt/nvidia-smi" >/usr/local/bin/nvidia-smi; chmod +x /usr/local/bin/nvidia-smi')
    const seen = await judge('asr', 5500)
    expect(found(seen, 'gpu/smi-hung').cause).toMatch(/^nvidia-smi gave no answer within 5\.\d s, so the driver or a GPU does not respond\.$/)
    expect(statuses(seen)).toMatchObject({ 'driver-absent': 'passed', 'driver-too-old': 'passed' })
    expect(seen.durationMs).toBeLessThan(7000)
    expect(statuses(await judge('asr', 1500))).toMatchObject({ 'smi-hung': 'unknown' })
    expect(box.script('pgrep -c -x nvidia-smi || true').trim()).toBe('0')
  })
})
