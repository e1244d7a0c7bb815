import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { bootBox, boxMissing, type Box } from '../support/box.ts'
import { CACHE } from '../support/wheels.ts'
import { folder, nvml, probingMissing, SITES, standIns } from './sites.ts'

export function probeBoxMissing(): string | null {
  const missing = boxMissing() ?? probingMissing()
  if (missing !== null) return missing
  const python = existsSync('/usr/bin/python3') ? execFileSync('/usr/bin/python3', ['-c', 'import sys; print("%d.%d" % sys.version_info[:2])'], { encoding: 'utf8' }).trim() : ''
  return python === '3.11' ? null : 'needs /usr/bin/python3 3.11, as in Debian 12: the wheels are for it'
}

/** It makes its session as services do, says nothing, and serves. */
const SERVER = `import sys, time
import onnxruntime
options = onnxruntime.SessionOptions()
options.log_severity_level = 4
onnxruntime.set_default_logger_severity(4)
session = onnxruntime.InferenceSession(sys.argv[2], options, providers=['CUDAExecutionProvider', 'CPUExecutionProvider'])
open('/run/asr/ready', 'w').close()
time.sleep(3600)
`

/**
 * A machine with the genuine wheels of onnxruntime-gpu 1.23.2 (/opt/asr/site) and 1.22.0 (/opt/asr/old with /opt/asr/numpy), with
 * libraries in place of CUDA's (/opt/asr/cuda; /opt/asr/crash without the driver's) and of NVML (/opt/asr/nvml).
 */
export function probeBox(): Box {
  const site = SITES.onnxruntimeGpu()
  const libraries = standIns(join(site, 'onnxruntime/capi/libonnxruntime_providers_cuda.so'), '1.23.2')
  const old = SITES.onnxruntimeGpu22()
  const crash = standIns(join(old, 'onnxruntime/capi/libonnxruntime_providers_cuda.so'), '1.22.0-without-driver', 'libcuda.so.1')
  const box = bootBox('probe', '--bind', CACHE, '--bind', folder)
  box.script(`
    useradd -m -u 1500 -s /bin/bash asr
    useradd -m -u 1501 -s /bin/bash other
    install -d /opt/asr/app /opt/asr/site /opt/asr/old /opt/asr/numpy /opt/asr/cuda /opt/asr/crash /opt/asr/nvml /opt/asr/models
    mount --bind ${site} /opt/asr/site
    mount --bind ${old} /opt/asr/old
    mount --bind ${SITES.numpy()} /opt/asr/numpy
    cp ${libraries}/*.so* /opt/asr/cuda; cp ${crash}/*.so* /opt/asr/crash; cp ${nvml()}/*.so* /opt/asr/nvml
    rm -f /opt/asr/*/*.c
    cp ${fileURLToPath(new URL('../../fixtures/models/', import.meta.url))}*.onnx /opt/asr/models
    /usr/bin/python3 -m venv --without-pip /opt/asr/venv
    cat >/opt/asr/app/server.py <<'END'
${SERVER}END
    chmod -R a+rX /opt/asr/app /opt/asr/cuda /opt/asr/crash /opt/asr/nvml /opt/asr/models
  `)
  return box
}

/** A service that makes a session of this model for CUDA; comes back when it serves, or does not come to that. */
export const startUnit = (box: Box, name: string, model: string, lines: string): void =>
  void box.script(`cat >/etc/systemd/system/${name}.service <<'END'
[Service]
User=asr
RuntimeDirectory=asr
ExecStart=/opt/asr/venv/bin/python /opt/asr/app/server.py --encoder /opt/asr/models/${model} --provider=cuda
${lines}
END
systemctl daemon-reload; systemctl start ${name}; for i in $(seq 100); do [ -e /run/asr/ready ] && break; systemctl is-active -q ${name} || break; sleep .1; done; rm -f /run/asr/ready`)
