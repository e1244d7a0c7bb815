import { describe, expect, it } from 'vitest'
import { captureDevicesOf, cardsOf, soundAllowed } from '../../src/audio/alsa.ts'
import { clientConfOf } from '../../src/audio/client-conf.ts'
import { addressesOf, addressOf, type Lookup } from '../../src/audio/pulse-address.ts'
import { counted, infoOf, shortSourcesOf, sourcesOf } from '../../src/audio/sources.ts'
import { namesHardware, signsOfCommand, signsOfLibraries, signsOfUnit } from '../../src/audio/wish.ts'

describe('who wants a microphone', () => {
  it.each([
    [['/usr/bin/python3', '-m', 'wyoming_satellite', '--mic-command', 'arecord -D plughw:CARD=Generic,DEV=0 -r 16000'], true],
    [['/usr/bin/ffmpeg', '-f', 'pulse', '-i', 'default', '-f', 's16le', '-'], true],
    [['sherpa-onnx-microphone', '--tokens=t.txt'], true],
    [['/opt/whisper/whisper-stream', '-m', 'ggml-base.bin'], true],
    [['pocketsphinx_continuous', '-inmic', 'yes'], true],
    [['python3', 'dictate.py', '--input-device=2'], true],
    // Speech servers that are sent their audio.
    [['python3', 'server.py', '--device', 'cuda', '--compute-type', 'int8', '--port', '9090'], false],
    [['/usr/bin/python3', '-m', 'wyoming_faster_whisper', '--model', 'base', '--device', 'cpu', '--uri', 'tcp://0.0.0.0:10300'], false],
    [['/opt/whisper/whisper-server', '-m', '/models/ggml.bin', '--host', '0.0.0.0'], false],
    [['/usr/bin/ffmpeg', '-i', 'a.mp3', '-f', 's16le', '-'], false],
    [['server', '--microphone=off', '--mic', 'none'], false],
    [['server', '--no-mic'], false],
  ])('%j', (argv, wants) => {
    expect(signsOfCommand(argv).length > 0).toBe(wants)
  })

  it('knows a device of the hardware', () => {
    expect(namesHardware(['x', '--mic-command', 'arecord -D plughw:1,0'])).toBe(true)
    expect(namesHardware(['x', '--device', 'hw:0'])).toBe(true)
    expect(namesHardware(['x', 'http://hw:80'])).toBe(false)
  })

  it('does not take what a decoder of files brings along for a wish', () => {
    const lib = (name: string) => ({ path: `/usr/lib/x86_64-linux-gnu/${name}` })
    expect(signsOfLibraries([lib('libasound.so.2.0.0')])).toHaveLength(1)
    expect(signsOfLibraries([lib('libavdevice.so.59.7.100'), lib('libasound.so.2.0.0'), lib('libpulse.so.0.24.2')])).toEqual([])
    expect(signsOfLibraries([lib('libavdevice.so.59.7.100'), lib('libportaudio.so.2.0.0'), lib('libasound.so.2.0.0')])).toHaveLength(2)
    // libpulse itself brings libsndfile and libmpg123.
    expect(signsOfLibraries([lib('libpulse.so.0.24.2'), lib('libsndfile.so.1.0.35'), lib('libmpg123.so.0.47.0')])).toHaveLength(1)
    expect(signsOfLibraries([lib('libonnxruntime.so.1.20.0'), lib('libc.so.6')])).toEqual([])
  })

  it('reads a unit', () => {
    expect(signsOfUnit({ After: 'basic.target sound.target network.target' }).map(({ saw }) => saw)).toEqual(['After=sound.target'])
    expect(signsOfUnit({ SupplementaryGroups: 'video audio', DeviceAllow: 'char-alsa rw\n/dev/nvidia0 rw' }).map(({ saw }) => saw)).toEqual(['SupplementaryGroups=audio', 'DeviceAllow=char-alsa rw'])
    expect(signsOfUnit({ After: 'graphical-session.target basic.target', DeviceAllow: '/dev/nvidia0 rw' })).toEqual([])
  })
})

describe('the address', () => {
  const at = (over: Partial<Lookup>) =>
    addressesOf({ env: {}, envSource: 'environment', uid: 1500, defaultServer: null, runtimeOwner: 1500, homeRuntime: null, ...over }).list.map(({ text }) => text)
  it('follows the order of libpulse', () => {
    const conf = { value: 'unix:/conf', source: 'read /etc/pulse/client.conf' }
    expect(at({ env: { PULSE_SERVER: '/a tcp:host:4713', XDG_RUNTIME_DIR: '/r' }, defaultServer: conf })).toEqual(['unix:/a', 'tcp:host:4713'])
    expect(at({ env: { XDG_RUNTIME_DIR: '/r' }, defaultServer: conf })).toEqual(['unix:/conf'])
    expect(at({ env: { PULSE_RUNTIME_PATH: '/p', XDG_RUNTIME_DIR: '/r' } })).toEqual(['unix:/p/native', 'unix:/var/run/pulse/native'])
    expect(at({ env: { XDG_RUNTIME_DIR: '/r' } })).toEqual(['unix:/r/pulse/native', 'unix:/var/run/pulse/native'])
    expect(at({ env: { XDG_RUNTIME_DIR: '/r' }, runtimeOwner: 0 })).toEqual(['unix:/var/run/pulse/native'])
    expect(at({ env: { PULSE_SERVER: '', XDG_RUNTIME_DIR: '/r' } })[0]).toBe('unix:/r/pulse/native')
  })
  it('reads one', () => {
    expect(addressOf('{3d1219c7}unix:/run/x')).toEqual({ text: 'unix:/run/x', path: '/run/x' })
    expect(addressOf('tcp6:[::1]:4713')).toEqual({ text: 'tcp6:[::1]:4713', path: null })
  })
  it('reads client.conf, comments and all', () => {
    expect(clientConfOf(['; autospawn = yes\n', '# default-server = x\ndefault-server = unix:/a\n', 'autospawn=no\ndefault-server=/b'])).toEqual({ defaultServer: '/b', cookieFile: null, autospawn: false })
    expect(clientConfOf([]).autospawn).toBe(null)
  })
})

describe('what programs print', () => {
  it('sources in words of old, as pactl 15 gives them', () => {
    const text = '0\talsa_output.pci-0000_81_00.1.hdmi-stereo.monitor\tmodule-null-sink.c\ts16le 2ch 44100Hz\tIDLE\n3\talsa_input.usb-Generic_USB_Audio-00.iec958-stereo\tmodule-pipe-source.c\ts16le 1ch 16000Hz\tIDLE\n'
    expect(counted(shortSourcesOf(text))).toBe('1 input and 1 monitor')
  })
  it('a monitor by any of its three marks', () => {
    const json = JSON.stringify([{ name: 'a', monitor_source: 'sink' }, { name: 'b', monitor_source: '', properties: { 'device.class': 'monitor' } }, { name: 'c.monitor' }, { name: 'd', monitor_source: '' }])
    expect(counted(sourcesOf(json)!)).toBe('1 input and 3 monitors')
    expect(sourcesOf('Connection failure')).toBe(null)
  })
  it('a default that is none', () => {
    expect(infoOf('{"server_name":"PulseAudio (on PipeWire 0.3.65)","server_version":"15.0.0","default_source_name":"@DEFAULT_SOURCE@"}')!.defaultSource).toBe(null)
    expect(infoOf('Server Name: pulseaudio\nServer Version: 16.1\nDefault Source: mic\n')).toEqual({ name: 'pulseaudio', version: '16.1', defaultSource: 'mic' })
  })
  it('cards', () => {
    expect(cardsOf(' 0 [Generic        ]: Loopback - Loopback\n                      Loopback 1\n')).toEqual([{ index: 0, id: 'Generic', name: 'Loopback - Loopback' }])
    expect(cardsOf('--- no soundcards ---\n')).toEqual([])
    // A graphics card plays and cannot record.
    expect(captureDevicesOf('00-03: HDMI 0 : HDMI 0 : playback 1\n01-00: ALC257 Analog : ALC257 Analog : playback 1 : capture 1\n')).toEqual([{ card: 1, device: 0, node: 'pcmC1D0c' }])
  })
  it.each([
    ['auto', '', true], ['closed', '', false], ['strict', '', false], ['auto', '/dev/nvidia0 rw', false],
    ['closed', 'char-alsa rw', true], ['closed', 'char-* rw', true], ['auto', '/dev/null rw\n/dev/snd/pcmC0D0c rw', true], ['closed', 'char-alsa r', false],
  ])('DevicePolicy=%s with “%s” lets the cards through: %s', (policy, allow, open) => {
    expect(soundAllowed(policy, allow)).toBe(open)
  })
})
