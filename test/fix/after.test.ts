import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { bootBox, boxMissing, NODE, REPOSITORY, type Box, type Ran } from '../support/box.ts'
import { describeWith } from '../support/rig.ts'

const DOCTOR = [NODE, `${REPOSITORY}/bin/asr-doctor.js`]

/** What is done after files were written or taken back: by whom it is to be read again, and what is to run. */
describeWith('systemd-box', boxMissing(), () => {
  let box: Box
  const fix = (...words: readonly string[]): Ran => box.run(...DOCTOR, 'fix', ...words)
  const state = (unit: string) => box.run('systemctl', 'is-active', unit).stdout.trim()
  beforeAll(() => {
    box = bootBox('fix-after')
    box.script(`
      printf '#!/usr/bin/perl\\nsleep 100000\\n' >/usr/local/bin/whisper-x; chmod 755 /usr/local/bin/whisper-x
      printf '[Service]\\nExecStart=/usr/local/bin/whisper-x --threads 2\\nCPUQuota=50%%\\n' >/etc/systemd/system/low.service
      systemctl daemon-reload
      unit() { mkdir -p "$2"; printf '[Service]\\nExecStart=/usr/local/bin/whisper-x\\nImportEnvironment=DISPLAY\\n' >"$2/whisper.service"; chown -R "$1": /home/$1; loginctl enable-linger $1; systemctl start user@$(id -u $1); }
      useradd -m eve; useradd -m mal
      unit eve /home/eve/.config/systemd/user
      unit mal /home/mal/.local/share/systemd/user`)
  })
  afterAll(() => box?.stop())

  describe('a service that does not run', () => {
    const write = (...words: readonly string[]) => fix('--unit', 'low', '--write-unit', '--fix', 'cgroup/cpu-quota-low', '--yes', ...words)
    beforeEach(() => {
      box.script('systemctl reset-failed low 2>/dev/null || true; systemctl restart low')
    })

    it('because somebody stopped it is not started by writing', () => {
      box.script('systemctl stop low')
      const ran = write('--restart')
      expect(ran.stderr).toMatch(/^Done: systemctl daemon-reload\nlow\.service is stopped and is left so; the change takes effect when it is started: systemctl start low\.service\nLooked at again:$/m)
      expect(state('low')).toBe('inactive')
      fix('--undo', '--yes')
    })

    it('nor by taking back', () => {
      write()
      box.script('systemctl stop low')
      const ran = fix('--undo', '--yes', '--restart')
      expect(ran).toMatchObject({ code: 0, stderr: expect.stringMatching(/^Taken back: .*\nlow\.service is stopped and is left so; the change takes effect when it is started: systemctl start low\.service\n$/) })
      expect(state('low')).toBe('inactive')
      expect(box.run('systemctl', 'show', '-P', 'NeedDaemonReload', 'low').stdout).toBe('no\n')
    })

    it('because it died is started again', () => {
      write()
      box.script('systemctl kill -s KILL low; for i in $(seq 50); do systemctl is-failed -q low && break; sleep 0.1; done')
      expect(state('low')).toBe('failed')
      expect(fix('--undo', '--yes', '--restart')).toMatchObject({ code: 0 })
      expect(state('low')).toBe('active')
    })
  })

  describe('units of users', () => {
    const show = (user: string, property: string) => box.script(`systemctl --user --machine=${user}@ show -P ${property} whisper`).trim()
    const written = (user: string, ...words: readonly string[]) => {
      box.script(`systemctl --user --machine=${user}@ start whisper; sleep 0.3`)
      return fix('--pid', show(user, 'MainPID'), '--write-unit', '--fix', 'service/unit-directive-unknown', '--yes', ...words)
    }

    it('root takes back what it wrote for two users, and each one’s own manager reads and restarts', () => {
      for (const user of ['eve', 'mal']) expect(written(user, '--restart').stderr).toMatch(new RegExp(`^Done: systemctl --user --machine=${user}@ daemon-reload$`, 'm'))
      const before = ['eve', 'mal'].map((user) => show(user, 'MainPID'))
      expect(fix('--undo', '--unit', 'whisper', '--user', '--yes')).toMatchObject({ code: 2, stderr: expect.stringMatching(/run \d+ is of whisper\.service \(user unit of uid \d+\), run \d+ is of whisper\.service \(user unit of uid \d+\)/) })
      const ran = fix('--undo', '--yes', '--restart')
      expect(ran.code, ran.stderr).toBe(0)
      for (const [at, user] of ['eve', 'mal'].entries()) {
        expect(show(user, 'NeedDaemonReload')).toBe('no')
        expect(show(user, 'ActiveState')).toBe('active')
        expect(show(user, 'MainPID')).not.toBe(before[at])
      }
      expect(box.script('cat /home/*/.config/systemd/user/whisper.service /home/*/.local/share/systemd/user/whisper.service').match(/^ImportEnvironment=DISPLAY$/gm)).toHaveLength(2)
    })

    it('a manager that cannot be reached is not taken for root’s own', () => {
      written('mal')
      box.script('u=user@$(id -u mal); systemctl stop $u; systemctl mask --runtime $u')
      const ran = fix('--undo', '--yes', '--restart')
      expect(ran.code).toBe(1)
      expect(ran.stderr).toMatch(/^Taken back: .*\nasr-doctor: The user service manager of uid \d+ did not answer: .* If it runs, it reads the files again after: systemctl --user daemon-reload; systemctl --user restart whisper\.service\.\n$/)
      expect(box.script('cat /home/mal/.local/share/systemd/user/whisper.service')).toContain('ImportEnvironment=DISPLAY')
    })
  })
})
