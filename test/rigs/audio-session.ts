import { existsSync } from 'node:fs'
import { bootBox, boxMissing, type Box } from '../support/box.ts'

/** The four sources of the incident: two inputs and two monitors. */
export const FOUR = [
  'alsa_input.usb-Generic_USB_Audio-00.iec958-stereo',
  'alsa_input.usb-Sonix_Technology_Co.__Ltd._USB_Live_camera_SN0001-03.analog-stereo',
  'alsa_output.pci-0000_81_00.1.hdmi-stereo.monitor',
  'alsa_output.usb-Generic_USB_Audio-00.iec958-stereo.monitor',
] as const

export function audioMissing(...programs: readonly string[]): string | null {
  const missing = ['/usr/bin/pactl', ...programs].find((path) => !existsSync(path))
  return boxMissing() ?? (missing === undefined ? null : `${missing} is missing: apt-get install pulseaudio pulseaudio-utils pipewire pipewire-pulse wireplumber alsa-utils`)
}

const UNITS = ['pulseaudio.service', 'pulseaudio.socket', 'pipewire.service', 'pipewire.socket', 'pipewire-pulse.service', 'pipewire-pulse.socket', 'wireplumber.service']

/** A box with the users robert (1500), whose manager runs, and alice (1501). Only `units` of the two sound servers may start. */
function session(name: string, units: readonly string[], more: string): Box {
  const box = bootBox(name)
  box.script(`useradd -m -u 1500 -s /bin/bash robert; useradd -m -u 1501 -s /bin/bash alice
for unit in ${UNITS.join(' ')}; do ln -sf /dev/null /etc/systemd/user/$unit; done
${units.map((unit) => `rm /etc/systemd/user/${unit}`).join('\n')}
${more}
systemctl start user@1500.service
for i in $(seq 100); do [ -S /run/user/1500/bus ] && break; sleep 0.05; done`)
  return box
}

/** Real PulseAudio in the session of robert, with its sockets and the four sources. */
export function pulseBox(name: string): Box {
  const box = session(name, ['pulseaudio.service', 'pulseaudio.socket'], `cat >/etc/pulse/default.pa <<'END'
load-module module-native-protocol-unix
load-module module-null-sink sink_name=alsa_output.pci-0000_81_00.1.hdmi-stereo
load-module module-null-sink sink_name=alsa_output.usb-Generic_USB_Audio-00.iec958-stereo
load-module module-null-source source_name=${FOUR[1]}
load-module module-null-source source_name=${FOUR[0]}
set-default-source ${FOUR[0]}
END`)
  startPulse(box)
  return box
}

export function startPulse(box: Box): void {
  box.runAs('robert', 'systemctl', '--user', 'start', 'pulseaudio.socket', 'pulseaudio.service')
  answers(box)
}

/** Real PipeWire with pipewire-pulse and WirePlumber; only the sockets listen until a client comes. */
export function pipewireBox(name: string): Box {
  const box = session(name, ['pipewire.service', 'pipewire.socket', 'pipewire-pulse.service', 'pipewire-pulse.socket', 'wireplumber.service'], '')
  // Some distributions also start the services at login.
  box.runAs('robert', 'systemctl', '--user', 'stop', 'pipewire-pulse.service', 'pipewire.service', 'wireplumber.service')
  box.runAs('robert', 'systemctl', '--user', 'restart', 'pipewire.socket', 'pipewire-pulse.socket')
  return box
}

export function startPipewire(box: Box): void {
  box.runAs('robert', 'systemctl', '--user', 'start', 'wireplumber.service')
  answers(box)
  const load = (...args: readonly string[]) => box.runAs('robert', 'pactl', 'load-module', ...args)
  load('module-null-sink', 'sink_name=alsa_output.pci-0000_81_00.1.hdmi-stereo')
  load('module-null-sink', 'sink_name=alsa_output.usb-Generic_USB_Audio-00.iec958-stereo')
  for (const input of [FOUR[0], FOUR[1]]) load('module-null-sink', 'media.class=Audio/Source/Virtual', `sink_name=${input}`, 'channel_map=front-left,front-right')
  for (let left = 50; left > 0; left--) if (box.runAs('robert', 'pactl', 'list', 'short', 'sources').stdout.includes(FOUR[1])) return
}

function answers(box: Box): void {
  const ran = box.runAs('robert', 'sh', '-c', 'for i in $(seq 100); do pactl info >/dev/null 2>&1 && exit 0; sleep 0.1; done; exit 1')
  if (ran.code !== 0) throw new Error(`the sound server does not answer:\n${box.runAs('robert', 'journalctl', '--user', '--no-pager', '-n', '20').stdout}`)
}

/** A command line that would record, in a process that only sleeps: nothing of the service itself disturbs the picture. */
export const RECORDER = `/bin/sh -c 'sleep 99999; exec parec --raw /dev/null'`

export function systemService(box: Box, name: string, ...lines: readonly string[]): void {
  const exec = lines.some((line) => line.startsWith('ExecStart=')) ? [] : [`ExecStart=${RECORDER}`]
  box.script(`cat >/etc/systemd/system/${name}.service <<'END'\n[Service]\n${[...exec, ...lines].join('\n')}\nEND\nsystemctl daemon-reload; systemctl restart ${name}.service`)
}

/** Writes the drop-in that a fix describes, and starts the service anew. */
export function applyDropIn(box: Box, name: string, set: readonly { section: string; key: string; value: string }[]): void {
  const lines = set.map(({ section, key, value }) => `[${section}]\n${key}=${value}`).join('\n')
  box.script(`mkdir -p /etc/systemd/system/${name}.service.d; cat >/etc/systemd/system/${name}.service.d/fix.conf <<'END'\n${lines}\nEND\nsystemctl daemon-reload; systemctl restart ${name}.service`)
}

/** What real libpulse finds in the very place of the running service: its user, environment and mount namespace. */
export function libpulseReaches(box: Box, name: string): boolean {
  const ran = box.run('bash', '-c', `pid=$(systemctl show -p MainPID --value ${name}.service)
uid=$(awk '/^Uid/{print $3}' /proc/$pid/status); gid=$(awk '/^Gid/{print $3}' /proc/$pid/status)
mapfile -d '' -t env </proc/$pid/environ
timeout 4 nsenter --mount=/proc/$pid/ns/mnt setpriv --reuid $uid --regid $gid --clear-groups env -i "\${env[@]}" pactl info >/dev/null 2>&1`)
  return ran.code === 0
}
