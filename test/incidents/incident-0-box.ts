import { existsSync, mkdirSync, renameSync } from 'node:fs'
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { bootBox, type Box } from '../support/box.ts'
import { nvidiaCu12 } from '../support/nvidia-cu12.ts'
import { CACHE, wheel } from '../support/wheels.ts'

/** The service of incident 0 in its parts, each fault a line that can be left out. */
export const FAULTS = {
  quota: 'CPUQuota=50%',
  unknownKey: 'ImportEnvironment=DISPLAY WAYLAND_DISPLAY',
} as const

export const SITE = '/opt/asr/venv/lib/python3.11/site-packages'
export const COMPONENTS = ['cublas', 'cuda_runtime', 'cudnn', 'cufft', 'curand'] as const
export const LIBRARY_PATH = COMPONENTS.map((component) => `${SITE}/nvidia/${component}/lib`).join(':')

/** What the shell of the operator had, and the service has not. */
export const SHELL = { LD_LIBRARY_PATH: LIBRARY_PATH, CUDA_HOME: '/usr/local/cuda', TORCH_CUDA_ARCH_LIST: '9.0', CUDA_ARCHITECTURES: '90', FORCE_CUDA: '1' }

export const unitText = (lines: readonly string[]): string => `[Unit]
Description=Speech recognition
After=sound.target

[Service]
Type=simple
User=asr
ExecStart=/opt/asr/bin/asr-daemon -hmm /usr/share/pocketsphinx/model/en-us/en-us -lm /usr/share/pocketsphinx/model/en-us/en-us.lm.bin -dict /usr/share/pocketsphinx/model/en-us/cmudict-en-us.dict -logfn /dev/null -infile /opt/asr/speech.wav
Environment="RUST_LOG=info"
MemoryMax=500M
Restart=always
${lines.join('\n')}

[Install]
WantedBy=multi-user.target
`

/** Genuine libraries: the CUDA provider of onnxruntime-gpu and everything it asks for, from PyPI. */
export function genuine(): { readonly provider: string; readonly nvidia: string } {
  const provider = join(wheel('onnxruntime-gpu', '1.26.0', 'capi/libonnxruntime_providers_'), 'onnxruntime', 'capi')
  return { provider, nvidia: nvidiaCu12() }
}

/** Nearly ten minutes of speech: flite reads a speech of 1863 aloud, over and over. */
function speech(): string {
  const file = join(CACHE, 'speech-x10.wav')
  if (existsSync(file)) return file
  mkdirSync(CACHE, { recursive: true })
  const once = join(CACHE, `once.${process.pid}.wav`)
  execFileSync('flite', ['-voice', 'rms', '-t', 'Four score and seven years ago our fathers brought forth on this continent a new nation, conceived in liberty, and dedicated to the proposition that all men are created equal. Now we are engaged in a great civil war, testing whether that nation, or any nation so conceived and so dedicated, can long endure. We are met on a great battle field of that war. We have come to dedicate a portion of that field, as a final resting place for those who here gave their lives that that nation might live.', '-o', once])
  execFileSync('python3', ['-c', 'import sys,wave\na=wave.open(sys.argv[1]);d=a.readframes(a.getnframes());o=wave.open(sys.argv[2],"wb");o.setparams(a.getparams());[o.writeframes(d) for _ in range(20)];o.close()', once, `${file}.part`])
  renameSync(`${file}.part`, file)
  return file
}

export function incidentBox(): Box {
  const { provider, nvidia } = genuine()
  const clip = speech()
  const box = bootBox('incident0', '--bind', CACHE)
  box.script(`
useradd -m -u 1500 -s /bin/bash asr
mkdir -p /opt/asr/bin /opt/asr/lib ${SITE}
cp /usr/bin/pocketsphinx_continuous /opt/asr/bin/asr-daemon
for l in cuda shared tensorrt; do cp ${provider}/libonnxruntime_providers_$l.so /opt/asr/lib/; done
cp ${clip} /opt/asr/speech.wav
mount --bind ${nvidia} ${SITE}
ln -s /usr/bin/python3 /opt/asr/venv/python3 && mkdir -p /opt/asr/venv/bin && ln -s /usr/bin/python3 /opt/asr/venv/bin/python3
printf 'home = /usr/bin\\ninclude-system-site-packages = false\\n' >/opt/asr/venv/pyvenv.cfg
for u in pipewire.service pipewire.socket pipewire-pulse.service pipewire-pulse.socket wireplumber.service; do ln -sf /dev/null /etc/systemd/user/$u; done
cat >/etc/pulse/default.pa <<D
load-module module-native-protocol-unix
load-module module-null-sink sink_name=alsa_output.pci-0000_81_00.1.hdmi-stereo
load-module module-null-sink sink_name=alsa_output.usb-Generic_USB_Audio-00.iec958-stereo
load-module module-null-source source_name=alsa_input.usb-Sonix_Technology_Co.__Ltd._USB_Live_camera_SN0001-03.analog-stereo
load-module module-null-source source_name=alsa_input.usb-Generic_USB_Audio-00.iec958-stereo
set-default-source alsa_input.usb-Generic_USB_Audio-00.iec958-stereo
D
loginctl enable-linger asr
systemctl start user@1500
for i in $(seq 100); do [ -S /run/user/1500/bus ] && break; sleep .05; done
`)
  box.runAs('asr', 'systemctl', '--user', 'start', 'pulseaudio.service')
  box.script('for i in $(seq 100); do [ -S /run/user/1500/pulse/native ] && break; sleep .05; done')
  return box
}

/** Writes the unit, reloads and restarts it, and waits until it decodes. */
export function startService(box: Box, lines: readonly string[]): void {
  box.script(`cat >/etc/systemd/system/asr.service <<'END_OF_UNIT'\n${unitText(lines)}\nEND_OF_UNIT\nsystemctl daemon-reload\nsystemctl reset-failed asr.service 2>/dev/null || true\nsystemctl restart asr.service\nsleep 1.5\nsystemctl is-active asr.service`)
}

