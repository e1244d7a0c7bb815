import { describe, expect, it } from 'vitest'
import { plan } from '../../src/fix/plan.ts'
import { stepsOf } from '../../src/fix/steps.ts'
import { question } from '../../src/question.ts'
import { environmentFileOf } from '../../src/systemd/environment-file.ts'
import { dropInWish, madeUp, service, siteOf, wish, type MadeUp } from './made-up.ts'
import type { Wish } from '../../src/fix/plan.ts'
import type { CheckId, Directive } from '../../src/types.ts'

const DROP_IN = '/etc/systemd/system/asr.service.d/50-asr-doctor.conf'
const planned = (wishes: readonly Wish[], of: MadeUp = {}) => plan(wishes, siteOf(madeUp(of)))
const unitPath = (folders: string) => ({ [question.run('systemctl', ['--user', 'show', '--no-pager', '--property=UnitPath'])]: { code: 0, signal: null, stdout: `UnitPath=${folders}\n`, stderr: '' } })
const path = (value: string) => dropInWish([service('Environment', `LD_LIBRARY_PATH=${value}`)])

describe('a plan for a unit', () => {
  it('is a drop-in of our own, and never the unit file', async () => {
    const { changes, refused } = await planned([path('/opt/cuda')])
    expect(refused).toEqual([])
    expect(changes).toMatchObject([{ target: DROP_IN, before: null, writer: 'unit', unit: 'asr.service' }])
    expect(changes[0]!.after).toContain('Environment="LD_LIBRARY_PATH=/opt/cuda"\n')
  })

  it('keeps and extends what the unit has, without what means nothing', async () => {
    const { changes } = await planned([path('/opt/cuda')], { text: '[Service]\nEnvironment="LD_LIBRARY_PATH=/a b::$LD_LIBRARY_PATH:~/x:/c%%d" OTHER=1\n' })
    expect(changes[0]!.after).toContain('Environment="LD_LIBRARY_PATH=/opt/cuda:/a b:/c%%d"\n')
  })

  it('replaces a list where the fix says so', async () => {
    const { changes } = await planned([dropInWish([service('Environment', 'LD_LIBRARY_PATH=/only', { replaces: true })])], { text: '[Service]\nEnvironment=LD_LIBRARY_PATH=/stubs\n' })
    expect(changes[0]!.after).toContain('"LD_LIBRARY_PATH=/only"')
  })

  it('merges several fixes by key: folders together, the looser limit, one target', async () => {
    const { changes, rows } = await planned([path('/one'), path('/two'), dropInWish([service('CPUQuota', '200%')], { check: 'cgroup/a' }), dropInWish([service('CPUQuota', '400%')], { check: 'cgroup/b' }), dropInWish([service('CPUQuota', '100%')], { check: 'cgroup/c' })])
    expect(changes).toHaveLength(1)
    expect(changes[0]!.after).toContain('"LD_LIBRARY_PATH=/one:/two"')
    expect(changes[0]!.after!.match(/CPUQuota=.*/g)).toEqual(['CPUQuota=400%'])
    // Each row goes on where the one before it stopped.
    for (const [at, row] of rows.entries()) for (const change of row.changes) expect(change.before).toBe(rows.slice(0, at).flatMap((each) => each.changes).at(-1)?.after ?? null)
  })

  it('refuses a fix that contradicts an earlier one, and only that', async () => {
    const { changes, refused } = await planned([dropInWish([service('User', 'a')], { check: 'audio/x' }), dropInWish([service('User', 'b'), service('Nice', '1')])])
    expect(refused).toMatchObject([{ because: expect.stringMatching(/audio\/x already sets User=a/) }])
    expect(changes[0]!.after).not.toContain('Nice')
  })

  it('changes a variable where it is really decided: in the EnvironmentFile that sets it', async () => {
    const { changes } = await planned([dropInWish([service('Environment', 'LD_LIBRARY_PATH=/opt/cuda'), service('CPUQuota', '200%')])], {
      text: '[Service]\nEnvironment=LD_LIBRARY_PATH=/never\nEnvironmentFile=/etc/default/asr\n', files: { '/etc/default/asr': 'LD_LIBRARY_PATH="/site"\nX=1\n' },
    })
    expect(changes.map(({ target }) => target).sort()).toEqual(['/etc/default/asr', DROP_IN])
    const file = changes.find(({ target }) => target === '/etc/default/asr')!
    expect(Object.fromEntries(environmentFileOf(file.after!).map(({ name, value }) => [name, value]))).toEqual({ LD_LIBRARY_PATH: '/opt/cuda:/site', X: '1' })
    expect(changes.find(({ target }) => target === DROP_IN)!.after).not.toContain('LD_LIBRARY_PATH')
  })

  const owned = (file: string, code: number, stdout: string) => ({ [question.run('dpkg', ['-S', file])]: { code, signal: null, stdout, stderr: '' } })
  it.each([
    ['a package’s folder', '/usr/lib/asr/env', {}, /\/usr\/lib\/asr\/env lies where packages put what is theirs/],
    ['the old name of a package’s folder', '/lib/asr/env', {}, /lies where packages put/],
    ['a link into a package’s folder', '/etc/default/asr', { [question.realpath('/etc/default/asr')]: '/usr/share/asr/env' }, /\/usr\/share\/asr\/env lies where packages put/],
    ['a folder made anew at each start', '/run/asr/env', {}, /made anew at each start/],
    ['a package outside /usr', '/opt/asr/env', owned('/opt/asr/env', 0, 'asr-server: /opt/asr/env\n'), /belongs to the package asr-server/],
    ['nobody knows whom', '/opt/asr/env', {}, /could not be asked/],
  ])('never writes an EnvironmentFile that belongs to %s', async (_, file, answers, because) => {
    const of: MadeUp = { text: `[Service]\nEnvironmentFile=${file}\n`, files: { [file]: 'LD_LIBRARY_PATH=/site\n' }, answers }
    for (const each of [path('/opt/cuda'), wish([{ kind: 'env-file', path: file, set: { LD_LIBRARY_PATH: '/opt/cuda' } }])]) {
      const { changes, refused } = await planned([each], of)
      expect(changes).toEqual([])
      expect(refused).toMatchObject([{ because: expect.stringMatching(because) }])
    }
  })

  it.each([
    ['/etc/default/asr', owned('/etc/default/asr', 0, 'asr-server: /etc/default/asr\n')], ['/usr/local/etc/asr.env', {}], ['/home/asr/env', {}], ['/opt/asr/env', owned('/opt/asr/env', 1, '')],
  ])('writes an EnvironmentFile that is there to be edited: %s', async (file, answers) => {
    const { changes } = await planned([path('/opt/cuda')], { text: `[Service]\nEnvironmentFile=${file}\n`, files: { [file]: 'LD_LIBRARY_PATH=/site\n' }, answers })
    expect(changes.map(({ target }) => target)).toEqual([file])
  })

  it.each([
    ['override.conf', 'zz-asr-doctor.conf'],
    ['60-x.conf', '99-asr-doctor.conf'],
    ['zzz.conf', 'zzz_asr-doctor.conf'],
    ['10-x.conf', '50-asr-doctor.conf'],
  ])('takes a name that sorts behind %s where that has the last word', async (rival, ours) => {
    const { changes } = await planned([dropInWish([service('CPUQuota', '400%')])], { files: { [`/etc/systemd/system/asr.service.d/${rival}`]: '[Service]\nCPUQuota=50%\n' } })
    expect(changes[0]!.target).toBe(`/etc/systemd/system/asr.service.d/${ours}`)
    expect(rival < ours).toBe(true)
  })

  it('keeps its usual name where a later drop-in is about something else', async () => {
    const { changes } = await planned([dropInWish([service('CPUQuota', '400%'), service('Environment', 'A=1')])], { files: { '/etc/systemd/system/asr.service.d/override.conf': '[Service]\nNice=1\nEnvironment=B=2\n' } })
    expect(changes[0]!.target).toBe(DROP_IN)
  })

  it('has nothing to say where the unit says so already', async () => {
    const { changes, rows } = await planned([dropInWish([service('CPUQuota', '400%'), service('DeviceAllow', '/dev/nvidia0 rw')])], { text: '[Service]\nCPUQuota=50%\nCPUQuota=400%\nDeviceAllow=/dev/null rw\nDeviceAllow=/dev/nvidia0 rw\n' })
    expect(rows).toHaveLength(1)
    expect(changes).toEqual([])
  })

  it.each([
    ['99-asr-doctor.conf', '99-asr-doctor.conf'], ['zz-asr-doctor.conf', 'zz-asr-doctor.conf'], ['override_asr-doctor.conf', 'zz-asr-doctor.conf'], ['zzz_asr-doctor.conf', 'zzz_asr-doctor.conf'], ['10-asr-doctor.conf', '50-asr-doctor.conf'],
  ])('is not outdone by %s of an earlier run', async (earlier, ours) => {
    const { changes } = await planned([dropInWish([service('CPUQuota', '400%')])], { files: { [`/etc/systemd/system/asr.service.d/${earlier}`]: '# older\n[Service]\nCPUQuota=50%\n' } })
    expect(changes.map(({ target }) => target)).toEqual([`/etc/systemd/system/asr.service.d/${ours}`])
    expect(changes[0]!.after).toMatch(earlier === ours ? /^# older\n\[Service\]\n.*\nCPUQuota=400%\n$/ : /CPUQuota=400%\n$/)
  })

  it('names every finding that has a hand in a line, where it stands', async () => {
    const of = (check: CheckId, set: readonly Directive[]) => dropInWish(set, { check })
    const env = (value: string) => service('Environment', value)
    const { changes } = await planned([
      of('cuda/a', [env('FIRST=1'), env('LD_LIBRARY_PATH=/one')]), of('cudnn/b', [env('LD_LIBRARY_PATH=/two'), service('Nice', '1')]), of('cgroup/c', [service('CPUQuota', '200%')]), of('cgroup/d', [service('CPUQuota', '400%')]),
    ])
    expect(changes[0]!.after!.split('\n').slice(2)).toEqual([
      '[Service]', '# Mend it (cuda/a)', '# Mend it (cudnn/b)', 'Environment="FIRST=1"', 'Environment="LD_LIBRARY_PATH=/one:/two"', 'Nice=1', '# Mend it (cgroup/c)', '# Mend it (cgroup/d)', 'CPUQuota=400%', '',
    ])
    const apart = await planned([of('cuda/a', [env('A=1')]), of('cgroup/c', [service('Nice', '1')]), of('cuda/b', [env('B=1')])])
    expect(apart.changes[0]!.after!.split('\n').slice(3)).toEqual(['# Mend it (cuda/a)', 'Environment="A=1"', '# Mend it (cgroup/c)', 'Nice=1', '# Mend it (cuda/b)', 'Environment="B=1"', ''])
  })

  it('goes on from our own drop-in of an earlier run', async () => {
    const before = '# Written by asr-doctor.\n[Service]\nEnvironment="LD_LIBRARY_PATH=/one"\n'
    const { changes } = await planned([path('/two')], { files: { [DROP_IN]: before } })
    expect(changes).toMatchObject([{ target: DROP_IN, before }])
    expect(changes[0]!.after).toContain('Environment="LD_LIBRARY_PATH=/two:/one"')
    expect(changes[0]!.after!.match(/LD_LIBRARY_PATH/g)).toHaveLength(1)
  })

  it('is not made for a transient unit, which would not be there to read it', async () => {
    const { changes, refused } = await planned([path('/opt/cuda')], { fragment: '/run/systemd/transient/asr.service' })
    expect(changes).toEqual([])
    expect(refused).toMatchObject([{ because: expect.stringMatching(/transient/) }])
  })

  it('of an instance is for the instance, of its template for all', async () => {
    const of: MadeUp = { unit: 'asr@main.service' }
    expect((await planned([dropInWish([service('CPUQuota', '400%')], { unit: 'asr@main.service' })], of)).changes[0]!.target).toBe('/etc/systemd/system/asr@main.service.d/50-asr-doctor.conf')
    expect((await planned([dropInWish([service('CPUQuota', '400%')], { unit: 'asr@.service' })], of)).changes[0]!.target).toBe('/etc/systemd/system/asr@.service.d/50-asr-doctor.conf')
  })

  it.each([
    ['the caller', { caller: { uid: 1500, home: '/home/asr' }, managerUid: 1500 }, '/home/asr/.config'],
    ['the caller, with a place for configuration that it knows', { caller: { uid: 1500, home: '/home/asr' }, managerUid: 1500, environment: { XDG_CONFIG_HOME: '/home/asr/cfg' }, answers: unitPath('/home/asr/cfg/systemd/user /etc/systemd/user') }, '/home/asr/cfg'],
    ['the caller, with a place that only the shell knows', { caller: { uid: 1500, home: '/home/asr' }, managerUid: 1500, environment: { XDG_CONFIG_HOME: '/home/asr/cfg' }, answers: unitPath('/home/asr/.config/systemd/user') }, '/home/asr/.config'],
  ] as const)('of the user manager of %s lies in that user’s configuration', async (_, of, config) => {
    const { changes } = await planned([dropInWish([service('CPUQuota', '400%')], { scope: 'user' })], { ...of, scope: 'user' })
    expect(changes[0]!.target).toBe(`${config}/systemd/user/asr.service.d/50-asr-doctor.conf`)
  })
})

describe('a line of a unit file', () => {
  const line = (file: string) => wish([{ kind: 'line', file, line: 2, before: 'ImportEnvironment=X', after: null }], { safety: 'risky' })
  const text = '[Service]\nImportEnvironment=X\nExecStart=/bin/true\n'
  const dpkg = (file: string, code: number, stdout: string) => ({ [question.run('dpkg', ['-S', file])]: { code, signal: null, stdout, stderr: '' } })

  it('is taken out of a file that no package owns', async () => {
    const file = '/etc/systemd/system/asr.service'
    const { changes } = await planned([line(file)], { text, answers: dpkg(file, 1, '') })
    expect(changes).toEqual([{ target: file, before: text, after: '[Service]\nExecStart=/bin/true\n', writer: 'unit', unit: 'asr.service' }])
  })

  it.each([
    ['belongs to a package', '/etc/systemd/system/asr.service', dpkg('/etc/systemd/system/asr.service', 0, 'asr-server: /etc/systemd/system/asr.service\n'), /belongs to the package asr-server/],
    ['lies where packages put theirs', '/usr/lib/systemd/system/asr.service', {}, /where packages put their units/],
    ['is made anew at each start', '/run/systemd/transient/asr.service', {}, /made anew/],
    ['has an owner nobody can name', '/etc/systemd/system/asr.service', {}, /could not be asked/],
  ])('is left alone where the file %s', async (_, fragment, answers, because) => {
    const { changes, refused } = await planned([line(fragment)], { fragment, text, answers })
    expect(changes).toEqual([])
    expect(refused).toMatchObject([{ because: expect.stringMatching(because) }])
  })

  it('of a program is a patch for its source', async () => {
    const { changes } = await planned([wish([{ kind: 'line', file: '/opt/asr/server.py', line: 1, before: 'a = x.__file__', after: 'a = x.__path__' }])], { files: { '/opt/asr/server.py': 'a = x.__file__\n' } })
    expect(changes).toMatchObject([{ target: '/opt/asr/server.py', writer: 'source', unit: null }])
  })
})

describe('other edits', () => {
  it('go to the profile of the login shell, or are refused for a shell that is not known', async () => {
    const set = wish([{ kind: 'shell-profile', set: { LD_LIBRARY_PATH: '/opt/cuda::' } }])
    const fish = await planned([set], { caller: { uid: 1501, home: '/home/fay' } })
    expect(fish.changes).toMatchObject([{ target: '/home/fay/.config/fish/config.fish', before: null, writer: 'path' }])
    const bash = await planned([set], { caller: { uid: 0, home: '/root' }, files: { '/root/.bashrc': 'x\n' } })
    expect(bash.changes).toMatchObject([{ target: '/root/.bashrc', before: 'x\n' }])
    const other = await planned([set], { caller: { uid: 9, home: '/h' }, environment: { SHELL: '/usr/bin/nu' } })
    expect(other.refused).toMatchObject([{ because: expect.stringMatching(/\/usr\/bin\/nu/) }])
  })

  it('that are snippets are never written', async () => {
    const { changes, refused } = await planned([wish([{ kind: 'snippet', for: 'compose', text: 'cpus: 4\n' }], { safety: 'manual' })])
    expect(changes).toEqual([])
    expect(refused).toHaveLength(1)
  })
})

describe('steps', () => {
  it('are put in order, each once, and only these three are ever run', () => {
    expect(stepsOf(['systemctl restart asr.service', 'Look at the log', 'systemctl daemon-reload', 'loginctl enable-linger asr   (so that it is there)', 'systemctl daemon-reload'], { manager: [] })).toEqual([
      { words: 'loginctl enable-linger asr', command: ['loginctl', 'enable-linger', 'asr'] },
      { words: 'systemctl daemon-reload', command: ['systemctl', 'daemon-reload'] },
      { words: 'systemctl restart asr.service', command: ['systemctl', 'restart', 'asr.service'] },
      { words: 'Look at the log', command: null },
    ])
  })

  it.each(['rm -rf /', 'systemctl stop asr.service', 'systemctl restart asr.service; reboot', 'systemctl restart $(id).service', 'systemctl --user restart', 'loginctl enable-linger -x', 'loginctl terminate-user asr', 'systemctl daemon-reload && x', 'sudo systemctl daemon-reload'])('are told and not run: %s', (words) => {
    expect(stepsOf([words], null)).toEqual([{ words, command: null }])
  })

  it('reach the manager of another user as root does', () => {
    expect(stepsOf(['systemctl --user daemon-reload'], { manager: ['--user', '--machine=asr@'] })[0]!.command).toEqual(['systemctl', '--user', '--machine=asr@', 'daemon-reload'])
  })
})
