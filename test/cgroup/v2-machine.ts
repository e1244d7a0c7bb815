import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { shownBy, type Box, type Ran } from '../support/box.ts'

const STATE = process.env['ASR_DOCTOR_UML'] ?? '/tmp/asr-doctor-uml'
const RIG = fileURLToPath(new URL('../rigs/cgroup-v2-uml', import.meta.url))

/** Why no second kernel can be started here; null = it can. */
export function guestMissing(): string | null {
  if (process.platform !== 'linux' || process.arch !== 'x64') return 'needs Linux on x86_64'
  if (process.geteuid?.() !== 0) return 'needs root'
  for (const path of ['/usr/bin/linux.uml', '/lib/systemd/systemd', '/usr/bin/dbus-daemon']) if (!existsSync(path)) return `${path} is missing: apt-get install user-mode-linux systemd dbus dbus-user-session`
  return null
}

/** A real kernel with cgroup v2, one CPU and swap, which answers as a box does. */
export function bootGuest(name: string): Box {
  const unique = `${name}-${process.pid}`
  const call = (...command: readonly string[]): Ran => {
    const ran = spawnSync(RIG, ['exec', unique, ...command], { encoding: 'utf8', timeout: 120_000, maxBuffer: 64 << 20 })
    return { code: ran.status, stdout: ran.stdout ?? '', stderr: ran.stderr ?? '' }
  }
  execFileSync(RIG, ['start', unique, '--swap', '256', ...shownBy('--show')], { stdio: ['ignore', 'inherit', 'inherit'], timeout: 90_000 })
  const as = (user: string, ...command: readonly string[]) => {
    const uid = call('id', '-u', user).stdout.trim()
    return call('setpriv', `--reuid=${uid}`, `--regid=${uid}`, '--init-groups', 'env', '-i', `HOME=/home/${user}`, `USER=${user}`, 'PATH=/usr/local/bin:/usr/bin:/bin', `XDG_RUNTIME_DIR=/run/user/${uid}`, ...command)
  }
  return {
    name: unique,
    run: call,
    runAs: as,
    runBare: as,
    script: (text) => {
      // By the folder of the queue, for an argument may not be as long as a script is.
      writeFileSync(join(STATE, unique, 'q', 'script'), text)
      const ran = call('bash', '-euo', 'pipefail', '/run/queue/script')
      if (ran.code !== 0) throw new Error(`guest script failed (${ran.code}):\n${ran.stderr}\n${ran.stdout}`)
      return ran.stdout
    },
    stop: () => void spawnSync(RIG, ['stop', unique], { timeout: 30_000 }),
  }
}
