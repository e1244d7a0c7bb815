/**
 * Records the cases of fixtures/ on real machines: each story is a service that really runs (or really fails) under a real
 * systemd. `npm run fixtures` writes them; what each `expect` block says is then read and judged by hand.
 */
import { writeFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { caseOf, caseText } from '../src/host/case.ts'
import { FAULTS, incidentBox, SHELL, startService } from './incidents/incident-0-box.ts'
import { bootBox, NODE, REPOSITORY, type Box } from './support/box.ts'
import { probeBox, startUnit } from './probe/box.ts'
import { STORIES } from './support/stories.ts'

describe('fixtures', () => {
  let box: Box
  beforeAll(() => {
    box = bootBox('fixtures')
    box.script(`useradd -m -u 1500 -s /bin/bash asr; mkdir -p /opt/parts /opt/doctor
cp -r ${REPOSITORY}/bin ${REPOSITORY}/dist ${REPOSITORY}/package.json /opt/doctor/
${REPOSITORY}/test/rigs/dynlib/mkgpu.sh /opt/parts
flite -voice rms -t 'four score and seven years ago our fathers brought forth on this continent a new nation' -o /tmp/one.wav
/usr/bin/python3 -c 'import wave;a=wave.open("/tmp/one.wav");d=a.readframes(a.getnframes());o=wave.open("/opt/parts/speech.wav","wb");o.setparams(a.getparams());[o.writeframes(d) for _ in range(100)];o.close()'
chmod -R a+rX /opt
for u in pipewire.service pipewire.socket pipewire-pulse.service pipewire-pulse.socket wireplumber.service; do ln -sf /dev/null /etc/systemd/user/$u; done
cat >/etc/pulse/default.pa <<'END_OF_PULSE'
load-module module-native-protocol-unix
load-module module-null-sink sink_name=alsa_output.pci-0000_81_00.1.hdmi-stereo
load-module module-null-sink sink_name=alsa_output.usb-Generic_USB_Audio-00.iec958-stereo
load-module module-null-source source_name=alsa_input.usb-Sonix_Technology_Co.__Ltd._USB_Live_camera_SN0001-03.analog-stereo
load-module module-null-source source_name=alsa_input.usb-Generic_USB_Audio-00.iec958-stereo
set-default-source alsa_input.usb-Generic_USB_Audio-00.iec958-stereo
END_OF_PULSE
loginctl enable-linger asr; systemctl start user@1500
for i in $(seq 100); do [ -S /run/user/1500/bus ] && break; sleep .05; done`)
    box.runAs('asr', 'systemctl', '--user', 'start', 'pulseaudio.service')
  })
  afterAll(() => box.stop())

  const only = process.env['ONLY']?.split(',')
  it.each(STORIES.map((story) => [story.file, story] as const))('%s', (file, story) => {
    box.script(story.scene)
    if (only && !only.includes(file)) return
    const doctor = [NODE, '/opt/doctor/bin/asr-doctor.js', 'record', ...story.args]
    const { code, stdout, stderr } = story.as === undefined ? box.run(...doctor) : box.runAs(story.as, ...doctor)
    expect(stderr).toBe('')
    expect(code).toBe(0)
    writeFileSync(`${REPOSITORY}/fixtures/${file}.md`, caseText({ ...caseOf(stdout), title: story.title, story: story.text }))
  })
})

describe('incident 0', () => {
  it('is rebuilt with genuine libraries and recorded by its operator', () => {
    const box = incidentBox()
    try {
      box.script(`mkdir -p /opt/doctor; cp -r ${REPOSITORY}/bin ${REPOSITORY}/dist ${REPOSITORY}/package.json /opt/doctor/; chmod -R a+rX /opt/doctor`)
      startService(box, Object.values(FAULTS))
      const shell = Object.entries(SHELL).map(([name, value]) => `${name}=${value}`)
      const { code, stdout, stderr } = box.runAs('asr', 'env', ...shell, NODE, '/opt/doctor/bin/asr-doctor.js', 'record', '--unit', 'asr')
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
      const title = 'The service of incident 0, rebuilt'
      const story = 'A recogniser at full work beside the genuine CUDA provider of onnxruntime-gpu 1.26.0, with the genuine libraries of NVIDIA in a virtual environment that only the operator’s shell has on its path; half of one CPU, a directive that systemd does not have, and a sound server out of reach. Unlike in the report, the libraries are truly hidden here. There is no GPU.'
      writeFileSync(`${REPOSITORY}/fixtures/incident-0-rebuilt.md`, caseText({ ...caseOf(stdout), title, story }))
    } finally {
      box.stop()
    }
  })
})

describe('an endpoint', () => {
  it('that is asked while its processes are watched', () => {
    const box = bootBox('endpoint')
    try {
      box.script(`useradd -m -u 1500 -s /bin/bash asr; mkdir -p /opt/doctor /opt/asr
cp -r ${REPOSITORY}/bin ${REPOSITORY}/dist ${REPOSITORY}/package.json /opt/doctor/; cp ${REPOSITORY}/test/rigs/endpoint/server.mjs ${NODE} /opt/asr/; chmod -R a+rX /opt
cat >/etc/systemd/system/asr.service <<'END'
[Service]
User=asr
Environment=PORT=9000
ExecStart=/opt/asr/node /opt/asr/server.mjs --device cuda
END
systemctl daemon-reload; systemctl start asr; for i in $(seq 100); do ss -ltn 2>/dev/null | grep -q :9000 && break; sleep .1; done; sleep 1`)
      const { code, stdout, stderr } = box.run(NODE, '/opt/doctor/bin/asr-doctor.js', 'record', '--unit', 'asr', '--probe', 'http://localhost:9000/empty')
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
      const title = 'A server that hears nothing, on the CPU, and was asked for the GPU'
      const story = 'A server of OpenAI’s shape that works for a while and then gives an empty text for whatever it gets. Its command line asks for cuda; there is no GPU in this machine. Recorded with --probe and the address of its endpoint: known speech was sent to it, and its processes were watched.'
      const text = stdout.replace(/^\d+ \d+ .*asr-doctor-(?:test|probe-).*\n/gm, '')
      writeFileSync(`${REPOSITORY}/fixtures/endpoint-hears-nothing.md`, caseText({ ...caseOf(text), title, story }))
    } finally {
      box.stop()
    }
  }, 180_000)
})

/** Recorded with --probe. Nothing that stands in for a GPU is recorded as one. */
const PROBED = [
  {
    file: 'dies-while-it-loads-its-provider', model: 'joiner.onnx', lines: 'Environment=PYTHONPATH=/opt/asr/old:/opt/asr/numpy LD_LIBRARY_PATH=/opt/asr/crash',
    title: 'An engine that dies while it loads its GPU part',
    story: 'A Python service with the genuine wheel of onnxruntime-gpu 1.22.0. The libraries of CUDA are there (stand-ins), the driver’s libcuda.so.1 is not: ONNX Runtime dies of SIGSEGV in the first session, before it writes a line of log. Recorded with --probe, which made that session once more.',
  },
  {
    file: 'silent-fallback', model: 'joiner.onnx', lines: 'Environment=PYTHONPATH=/opt/asr/site',
    title: 'A service that fell back to the CPU and says nothing of it',
    story: 'A Python service with the genuine wheel of onnxruntime-gpu 1.23.2 and no library of CUDA; its log level hides the lines that would tell. Recorded with --probe: a session made in its place tells the reason.',
  },
] as const

describe('probed', () => {
  let box: Box
  beforeAll(() => {
    box = probeBox()
    box.script(`mkdir -p /opt/doctor; cp -r ${REPOSITORY}/bin ${REPOSITORY}/dist ${REPOSITORY}/package.json /opt/doctor/; chmod -R a+rX /opt/doctor`)
  }, 300_000)
  afterAll(() => box.stop())

  it.each(PROBED.map((each) => [each.file, each] as const))('%s', (file, { model, lines, title, story }) => {
    startUnit(box, 'asr', model, lines)
    const { code, stdout, stderr } = box.run(NODE, '/opt/doctor/bin/asr-doctor.js', 'record', '--unit', 'asr', '--probe')
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    box.script('systemctl stop asr')
    // Mounts that only make the box.
    const text = stdout.replace(/^\d+ \d+ .*asr-doctor-(?:test|probe-).*\n/gm, '')
    writeFileSync(`${REPOSITORY}/fixtures/${file}.md`, caseText({ ...caseOf(text), title, story }))
  }, 120_000)
})
