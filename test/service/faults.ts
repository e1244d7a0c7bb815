import { HOLD } from './files.ts'

/** A service that is ill in one way, and what mends it. */
export interface Fault {
  readonly name: string
  readonly story: string
  readonly user?: true
  readonly files: Readonly<Record<string, string>>
  /** Run in the box after the service was started. */
  readonly after?: string
  /** Ids that must be found, and nothing else; with words of the cause. */
  readonly found: Readonly<Record<string, RegExp>>
  readonly mended: Readonly<Record<string, string>>
  readonly mendScript?: string
  /** Ids that cannot be judged while it is ill. */
  readonly blind?: readonly string[]
}

const service = (...lines: readonly string[]): string => ['[Service]', `ExecStart=${HOLD}`, ...lines, ''].join('\n')
const gpu = (...lines: readonly string[]): string => ['[Service]', `ExecStart=${HOLD} --device cuda`, ...lines, ''].join('\n')
const at = (name: string): string => `/etc/systemd/system/${name}.service`
const own = (name: string): string => `/home/robert/.config/systemd/user/${name}.service`

export const FAULTS: readonly Fault[] = [
  {
    name: 'f-typo', story: 'a mistyped key', found: { 'service/unit-directive-unknown': /CPUQouta= is no directive of the section \[Service\].*f-typo\.service:3.*CPUQuota= is known/ },
    files: { [at('f-typo')]: service('CPUQouta=50%') }, mended: { [at('f-typo')]: service('CPUQuota=50%') },
  },
  {
    name: 'f-import', story: 'a key that never was', found: { 'service/unit-directive-unknown': /ImportEnvironment=/ },
    files: { [at('f-import')]: service(), '/etc/systemd/system/f-import.service.d/x.conf': '[Service]\n# two\nImportEnvironment=DISPLAY\n' }, mended: { '/etc/systemd/system/f-import.service.d/x.conf': '' },
  },
  {
    name: 'f-section', story: 'a key in the wrong section', found: { 'service/unit-directive-unknown': /belongs into \[Service\]/ },
    files: { [at('f-section')]: `[Unit]\nEnvironment=A=1\n${service()}` }, mended: { [at('f-section')]: service('Environment=A=1') },
  },
  {
    name: 'f-literal', story: 'a variable as for a shell', found: { 'service/variable-not-expanded': /LD_LIBRARY_PATH holds “\$LD_LIBRARY_PATH”/ },
    files: { [at('f-literal')]: service('Environment=LD_LIBRARY_PATH=/opt/x:$LD_LIBRARY_PATH PS_FORMAT=$x') }, mended: { [at('f-literal')]: service('Environment=LD_LIBRARY_PATH=/opt/x:/opt/$LIB/y') },
  },
  {
    name: 'f-export', story: 'an environment file written as a script', found: { 'service/variable-not-expanded': /export HF_HOME=[^]*CUDA_CACHE_PATH holds “~”/ },
    files: { [at('f-export')]: service('EnvironmentFile=/etc/env/f-export'), '/etc/env/f-export': '# models\nexport HF_HOME=/srv/models\nCUDA_CACHE_PATH=~/nv\nTORCH_HOME=~/models\n' }, mended: { '/etc/env/f-export': 'HF_HOME=/srv/models\nCUDA_CACHE_PATH=/srv/nv\n' },
  },
  {
    name: 'f-stale', story: 'a drop-in that the manager has not read', found: { 'service/reload-pending': /f-stale\.service\.d\/new\.conf is not loaded/ },
    files: { [at('f-stale')]: service() }, after: 'mkdir -p /etc/systemd/system/f-stale.service.d; printf "[Service]\\nEnvironment=OMP_NUM_THREADS=4\\n" >/etc/systemd/system/f-stale.service.d/new.conf', mended: {},
  },
  {
    name: 'f-old', story: 'an environment file changed after the start', found: { 'service/reload-pending': /was started before \/etc\/env\/f-old was written.*OMP_NUM_THREADS/ },
    files: { [at('f-old')]: service('EnvironmentFile=/etc/env/f-old'), '/etc/env/f-old': 'OMP_NUM_THREADS=1\n' }, after: 'echo OMP_NUM_THREADS=8 >/etc/env/f-old; touch -d "+5 seconds" /etc/env/f-old', mended: {}, mendScript: 'touch -d "-1 minute" /etc/env/f-old',
  },
  {
    name: 'f-nofile', story: 'an environment file that is not there', found: { 'service/environment-file-missing': /cannot start/, 'service/restarting': /could not prepare the start/ },
    files: { [at('f-nofile')]: service('EnvironmentFile=/etc/env/f-nofile', 'EnvironmentFile=-/etc/env/optional') }, mended: { '/etc/env/f-nofile': 'A=1\n' },
  },
  {
    name: 'f-gone', story: 'an environment file taken away while the service runs', found: { 'service/environment-file-missing': /will not start again/ },
    files: { [at('f-gone')]: service('EnvironmentFile=/etc/env/f-gone'), '/etc/env/f-gone': 'A=1\n' }, after: 'rm /etc/env/f-gone', mended: { '/etc/env/f-gone': 'A=1\n' },
  },
  {
    name: 'f-private', story: 'a private /dev', found: { 'service/device-access-denied': /PrivateDevices=yes gives it a \/dev without them/ },
    files: { [at('f-private')]: gpu('PrivateDevices=yes') }, mended: { [at('f-private')]: gpu() },
  },
  {
    name: 'f-policy', story: 'a device list without the NVIDIA devices', found: { 'service/device-access-denied': /its control group does not let them be opened/ },
    files: { [at('f-policy')]: gpu('DevicePolicy=closed', 'DeviceAllow=char-nvidia-frontend rw') },
    mended: { [at('f-policy')]: gpu('DevicePolicy=closed', 'DeviceAllow=/dev/nvidia0 rw', 'DeviceAllow=/dev/nvidiactl rw', 'DeviceAllow=/dev/nvidia-uvm rw') },
  },
  {
    name: 'f-group', story: 'devices for a group that the service lacks', found: { 'service/device-access-denied': /its user may not write to them/ },
    files: { [at('f-group')]: gpu('User=lena') }, mended: { [at('f-group')]: gpu('User=lena', 'SupplementaryGroups=speech') },
  },
  {
    name: 'f-home', story: 'a model at home and ProtectHome', found: { 'service/home-hidden': /ProtectHome=yes hides \/home\/lena\/model\.bin \(named in its command line\)/ },
    files: { [at('f-home')]: service('ProtectHome=yes').replace(HOLD, `${HOLD} --model=/home/lena/model.bin`) }, mended: { [at('f-home')]: service('ProtectHome=tmpfs', 'BindReadOnlyPaths=/home/lena/model.bin').replace(HOLD, `${HOLD} --model=/home/lena/model.bin`) },
  },
  {
    name: 'f-cache', story: 'a kernel cache that cannot be written', found: { 'service/home-hidden': /ProtectHome=read-only makes \/home\/lena\/\.nv\/ComputeCache .* read-only/ },
    files: { [at('f-cache')]: gpu('User=lena', 'SupplementaryGroups=speech', 'ProtectHome=read-only') },
    mended: { [at('f-cache')]: gpu('User=lena', 'SupplementaryGroups=speech', 'ProtectHome=read-only', 'ProtectSystem=strict', 'CacheDirectory=f-cache', 'Environment=CUDA_CACHE_PATH=/var/cache/f-cache/cuda') },
  },
  {
    name: 'f-cachehome', story: 'a kernel cache behind ProtectHome', found: { 'service/home-hidden': /ProtectHome=yes hides \/home\/lena\/\.nv\/ComputeCache/ },
    files: { [at('f-cachehome')]: gpu('User=lena', 'SupplementaryGroups=speech', 'ProtectHome=yes') }, mended: { [at('f-cachehome')]: gpu('User=lena', 'SupplementaryGroups=speech', 'ProtectHome=yes', 'Environment=CUDA_CACHE_DISABLE=1') },
  },
  {
    name: 'f-exec', story: 'a program that is not there', found: { 'service/restarting': /203\/EXEC/ },
    files: { [at('f-exec')]: service().replace(HOLD, '/opt/nothing') }, mended: { [at('f-exec')]: service() },
  },
  {
    name: 'f-bad', story: 'a unit file that cannot be loaded', found: { 'service/restarting': /cannot load f-bad\.service, so it cannot start: Unit f-bad\.service has a bad unit file setting/ }, blind: ['service/reload-pending'],
    files: { [at('f-bad')]: '[Service]\nExecStart=relative/path\n' }, mended: { [at('f-bad')]: service() },
  },
  {
    name: 'f-loop', story: 'a service that is started again and again', found: { 'service/restarting': /waits to be started again|has had to restart it|status 3/ },
    files: { [at('f-loop')]: '[Service]\nExecStart=/bin/sh -c "exit 3"\nRestart=always\nRestartSec=300\n' }, mended: { [at('f-loop')]: service() },
  },
  {
    name: 'f-signal', story: 'a service that died of a signal', found: { 'service/restarting': /SIGSEGV/ },
    files: { [at('f-signal')]: '[Service]\nExecStart=/bin/sh -c "kill -SEGV $$$$"\n' }, mended: { [at('f-signal')]: service() },
  },
  {
    name: 'f-limit', story: 'a service that was started too often', found: { 'service/restarting': /status 7|started too often/ },
    files: { [at('f-limit')]: '[Unit]\nStartLimitBurst=2\n[Service]\nExecStart=/bin/sh -c "exit 7"\nRestart=always\nRestartSec=0\n' }, mended: { [at('f-limit')]: service() },
  },
  {
    name: 'u-linger', story: 'a user service without lingering', user: true, found: { 'service/linger-off': /Lingering is off for robert.*\/run\/user\/1500/ },
    files: { [own('u-linger')]: service() }, mended: {}, mendScript: 'loginctl enable-linger robert',
  },
  {
    name: 'u-typo', story: 'a mistyped key in a user unit', user: true, found: { 'service/unit-directive-unknown': /MemoryMaxx=/, 'service/linger-off': /Lingering/ },
    files: { [own('u-typo')]: service('MemoryMaxx=1G') }, mended: { [own('u-typo')]: service('MemoryMax=1G') },
  },
]
