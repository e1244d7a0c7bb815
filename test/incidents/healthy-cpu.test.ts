import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { NODE, REPOSITORY, bootBox, type Box } from '../support/box.ts'
import { describeWith } from '../support/rig.ts'
import { CACHE, wheel } from '../support/wheels.ts'
import { probeBoxMissing } from '../probe/box.ts'

/** Speech services that work on the CPU because they are meant to, each the genuine wheel under a real systemd: nothing may be said of them. */
const CPU = ['1.19.2', '1.23.2', '1.30.0'] as const
const SERVER = `import sys, time
import onnxruntime
session = onnxruntime.InferenceSession(sys.argv[1], providers=["CPUExecutionProvider"])
print("ready", session.get_providers(), flush=True)
time.sleep(3600)
`

describeWith('systemd box and the CPU wheels of onnxruntime', probeBoxMissing(), () => {
  let box: Box
  beforeAll(() => {
    const numpy = wheel('numpy', '2.2.6')
    box = bootBox('healthy-cpu', '--bind', CACHE)
    box.script(`
      useradd -m -u 1500 asr
      install -d /opt/asr/app /opt/asr/models /opt/asr/numpy
      mount --bind ${numpy} /opt/asr/numpy
      cp ${fileURLToPath(new URL('../../fixtures/models/', import.meta.url))}joiner.onnx /opt/asr/models
      /usr/bin/python3 -m venv --without-pip /opt/asr/venv
      cat >/opt/asr/app/server.py <<'END'
${SERVER}END
      ${CPU.map((version) => `install -d /opt/asr/ort-${version}; mount --bind ${wheel('onnxruntime', version)} /opt/asr/ort-${version}
      cat >/etc/systemd/system/cpu-${version}.service <<'END'
[Service]
User=asr
Environment=PYTHONPATH=/opt/asr/ort-${version}:/opt/asr/numpy
ExecStart=/opt/asr/venv/bin/python /opt/asr/app/server.py /opt/asr/models/joiner.onnx
END`).join('\n')}
      systemctl daemon-reload
      for v in ${CPU.join(' ')}; do systemctl start cpu-$v; for i in $(seq 100); do journalctl -u cpu-$v | grep -q ready && break; sleep .1; done; done`)
  }, 300_000)
  afterAll(() => box?.stop())

  describe.each(CPU)('onnxruntime %s', (version) => {
    it('really runs, with the bridge of the providers in memory, as every import has it', () => {
      expect(box.run('journalctl', '--no-pager', '-u', `cpu-${version}`).stdout).toContain("ready ['CPUExecutionProvider']")
      expect(box.script(`cat /proc/$(systemctl show -P MainPID cpu-${version})/maps`)).toContain('libonnxruntime_providers_shared.so')
    })
    it.each([[[]], [['--probe']]] as const)('is healthy, with %j', (more) => {
      const { code, stdout } = box.run(NODE, `${REPOSITORY}/bin/asr-doctor.js`, 'check', '--unit', `cpu-${version}`, ...more)
      expect(stdout).toMatch(/^✔ cpu-.*healthy/)
      expect(code).toBe(0)
    })
  })
})
