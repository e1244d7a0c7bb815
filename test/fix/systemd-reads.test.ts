import { afterAll, beforeAll, expect, it } from 'vitest'
import { dropIn } from '../../src/fix/edits/drop-in.ts'
import { envFile } from '../../src/fix/edits/env-file.ts'
import { changedProperties } from '../../src/fix/properties.ts'
import { Refused } from '../../src/fix/refused.ts'
import { propertiesOf } from '../../src/facts/unit-state.ts'
import { assignmentsOf } from '../../src/systemd/unit-file.ts'
import type { Directive } from '../../src/types.ts'
import { bootBox, boxMissing, type Box } from '../support/box.ts'
import { describeWith } from '../support/rig.ts'
import { writeFiles } from '../service/files.ts'
import { dice, HOSTILE } from './random.ts'

const service = (key: string, value: string): Directive => ({ section: 'Service', key, value })
const folder = '/etc/systemd/system'
/** Writes its own environment, as the kernel has it, and ends. */
const COPY = '[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/bin/cp /proc/self/environ /run/seen/%N\n'

describeWith('systemd-box', boxMissing(), () => {
  let box: Box
  beforeAll(() => {
    box = bootBox('fix-reads')
    box.script('mkdir -p /run/seen')
  })
  afterAll(() => box?.stop())

  /** The environment a unit was really started with. */
  const environ = (names: readonly string[]): readonly Record<string, string>[] => {
    box.script(`systemctl daemon-reload\nsystemctl start ${names.map((name) => `'${name}.service'`).join(' ')}`)
    const all = box.script(names.map((name) => `base64 -w0 '/run/seen/${name}'; echo`).join('\n')).trim().split('\n')
    return all.map((text) => Object.fromEntries(Buffer.from(text, 'base64').toString('utf8').split('\0').filter(Boolean).map((each) => [each.slice(0, each.indexOf('=')), each.slice(each.indexOf('=') + 1)])))
  }
  /** A property exactly as the manager holds it, without the printing of systemctl. */
  const property = (unit: string, name: string): unknown => {
    const path = box.run('busctl', '--json=short', 'call', 'org.freedesktop.systemd1', '/org/freedesktop/systemd1', 'org.freedesktop.systemd1.Manager', 'LoadUnit', 's', unit)
    const object = (JSON.parse(path.stdout) as { data: string[] }).data[0]!
    const answer = box.run('busctl', '--json=short', 'get-property', 'org.freedesktop.systemd1', object, 'org.freedesktop.systemd1.Service', name)
    expect(answer.code, answer.stderr).toBe(0)
    return (JSON.parse(answer.stdout) as { data: unknown }).data
  }

  it('reads back 400 hostile values of Environment= to the letter, and starts the service with them', () => {
    const { text } = dice(2026)
    const files: Record<string, string> = {}
    const meant: Record<string, string>[] = []
    for (let unit = 0; unit < 20; unit++) {
      const values = Object.fromEntries(Array.from({ length: 20 }, (_, at) => [`V${at}`, text(HOSTILE, 14)]))
      meant.push(values)
      files[`${folder}/env${unit}.service`] = COPY
      // Merged in two steps, as two fixes would be.
      const set = Object.entries(values).map(([name, value]) => service('Environment', `${name}=${value}`))
      files[`${folder}/env${unit}.service.d/50-asr-doctor.conf`] = dropIn(set.slice(10), 'b', dropIn(set.slice(0, 10), 'a', null, 'f'), 'f')
    }
    writeFiles(box, files)
    const seen = environ(meant.map((_, at) => `env${at}`))
    for (const [at, values] of meant.entries()) {
      expect(seen[at]).toMatchObject(values)
      expect([...(property(`env${at}.service`, 'Environment') as string[])].sort()).toEqual(Object.entries(values).map(([name, value]) => `${name}=${value}`).sort())
    }
    // systemctl show tells the same, in its own quotes.
    expect(box.run('systemctl', 'show', '-p', 'Environment', 'env0.service').stdout).toMatch(/^Environment=\S/)
  })

  it('reads back 100 kB', () => {
    const value = Array.from({ length: 1000 }, (_, n) => `/opt/${'x'.repeat(94)}${n}`).join(':')
    writeFiles(box, { [`${folder}/big.service`]: COPY, [`${folder}/big.service.d/50-asr-doctor.conf`]: dropIn([service('Environment', `LD_LIBRARY_PATH=${value}`)], 'x', null, 'f') })
    expect(environ(['big'])[0]!['LD_LIBRARY_PATH']).toBe(value)
  })

  it('reads 300 hostile values of an EnvironmentFile to the letter, beside those of others', () => {
    const { text } = dice(1999)
    const files: Record<string, string> = {}
    const meant: Record<string, string>[] = []
    for (let unit = 0; unit < 15; unit++) {
      const values: Record<string, string> = { OTHER: "it's", LAST: 'x y' }
      let file = `# theirs\nOTHER="it's"\nV1=overridden\nLAST='x y'`
      for (let at = 0; at < 20; at++) {
        const value = text(HOSTILE, 14)
        try {
          file = envFile({ [`V${at}`]: value }, file, 'f')
          values[`V${at}`] = value
        } catch (error) {
          if (!(error instanceof Refused)) throw error
        }
      }
      meant.push(values)
      files[`/etc/default/file${unit}`] = file
      files[`${folder}/file${unit}.service`] = `${COPY}EnvironmentFile=/etc/default/file${unit}\n`
    }
    writeFiles(box, files)
    const seen = environ(meant.map((_, at) => `file${at}`))
    for (const [at, values] of meant.entries()) expect(seen[at], files[`/etc/default/file${at}`]).toMatchObject(values)
    expect(meant.reduce((sum, values) => sum + Object.keys(values).length, 0)).toBeGreaterThan(250)
  })

  it('reads paths with blanks, quotes, percents and backslashes to the letter', () => {
    const paths = ['/srv/50% off', '/srv/it\'s "here"', '/srv/back\\slash', '/srv/%h', '/srv/a;b', '/srv/$HOME', '/srv/ünï', '/srv/#x']
    box.script(paths.map((path) => `mkdir -p '${path.replace(/'/g, "'\\''")}'`).join('\n'))
    writeFiles(box, {
      [`${folder}/paths.service`]: COPY,
      [`${folder}/paths.service.d/50-asr-doctor.conf`]: dropIn([...paths.map((path) => service('ReadWritePaths', path)), ...paths.map((path) => service('ReadOnlyPaths', `-${path}`)), service('WorkingDirectory', '/srv/50% off'), service('CacheDirectory', 'asr 100%'), service('EnvironmentFile', '-/srv/50% off/env file')], 'x', null, 'f'),
    })
    box.script('systemctl daemon-reload')
    expect(property('paths.service', 'ReadWritePaths')).toEqual(paths)
    expect(property('paths.service', 'ReadOnlyPaths')).toEqual(paths.map((path) => `-${path}`))
    expect(property('paths.service', 'WorkingDirectory')).toBe('/srv/50% off')
    expect(property('paths.service', 'CacheDirectory')).toEqual(['asr 100%'])
    expect(property('paths.service', 'EnvironmentFiles')).toEqual([['/srv/50% off/env file', true]])
  })

  it.each(['asr@\\x2dlong\\x20name', 'asr:x_y.z-1', 'asr@a-b', 'a.b.c'])('finds the drop-in of %s', (name) => {
    const template = name.replace(/@.*/, '@')
    writeFiles(box, { [`${folder}/${template}.service`]: COPY.replace('%N', 'named'), [`${folder}/${name}.service.d/50-asr-doctor.conf`]: dropIn([service('Environment', 'A=found')], 'x', null, 'f') })
    box.script(`systemctl daemon-reload; systemctl start '${name}.service'`)
    expect(property(`${name}.service`, 'Environment')).toEqual(['A=found'])
  })

  it('shows after a reload what the overlay said it would show', () => {
    const unit = '[Service]\nExecStart=/bin/sleep 60\nCPUQuota=50%\nMemoryMax=500M\nPrivateDevices=yes\nProtectHome=yes\nEnvironment="A=b c" D=e\nDeviceAllow=/dev/null rw\nEnvironmentFile=-/etc/default/x\nSupplementaryGroups=audio\n'
    const set = [
      service('CPUQuota', '400%'), service('MemoryMax', '2G'), service('MemoryHigh', '1536M'), service('PrivateDevices', 'no'), service('DevicePolicy', 'closed'), service('DeviceAllow', 'char-nvidia* rw'), service('DeviceAllow', '/dev/nvidia0 rw'),
      service('ProtectHome', 'tmpfs'), service('BindReadOnlyPaths', '/run/user/1500/pulse'), service('Environment', 'LD_LIBRARY_PATH=/opt/a:/opt/b'), service('SupplementaryGroups', 'video'), service('CacheDirectory', 'asr'), service('User', 'daemon'), service('TasksMax', '77'), service('NoNewPrivileges', 'yes'),
    ]
    const text = dropIn(set, 'x', null, 'f')
    writeFiles(box, { [`${folder}/shown.service`]: unit })
    box.script('systemctl daemon-reload')
    const before = assignmentsOf(unit, 'u')
    const said = changedProperties(before, [...before, ...assignmentsOf(text, 'd')], {})
    writeFiles(box, { [`${folder}/shown.service.d/50-asr-doctor.conf`]: text })
    box.script('systemctl daemon-reload')
    const shown = propertiesOf(box.run('systemctl', 'show', '--no-pager', `--property=${[...said.keys()].join(',')}`, '--', 'shown.service').stdout)
    expect(said.size).toBeGreaterThan(12)
    expect(Object.fromEntries([...said.keys()].map((name) => [name, shown[name] ?? '']))).toEqual(Object.fromEntries(said))
  })
})
