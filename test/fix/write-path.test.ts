import { existsSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { genuine } from '../incidents/incident-0-box.ts'
import { bootBox, boxMissing, NODE, REPOSITORY, type Box, type Ran } from '../support/box.ts'
import { CACHE } from '../support/wheels.ts'
import { describeWith } from '../support/rig.ts'

const LIBRARY = '/opt/asr/lib/libonnxruntime_providers_cuda.so'
const TOOLKIT = '/usr/local/cuda/lib64'
const PROFILES = { bash: '.bashrc', zsh: '.zshrc', fish: '.config/fish/config.fish' } as const

const shell = Object.keys(PROFILES).find((name) => !existsSync(`/usr/bin/${name}`))

describeWith('systemd-box', boxMissing() ?? (shell === undefined ? null : `/usr/bin/${shell} is missing: apt-get install bash zsh fish`), () => {
  let box: Box
  /** The genuine CUDA provider, and what it asks for in a toolkit that the loader was told nothing of. */
  beforeAll(() => {
    const { provider, nvidia } = genuine()
    box = bootBox('fix-path', '--bind', CACHE)
    box.script(`
      mkdir -p /opt/doctor /opt/asr/lib ${TOOLKIT}; cp -r ${REPOSITORY}/bin ${REPOSITORY}/dist ${REPOSITORY}/package.json /opt/doctor/; chmod -R a+rX /opt/doctor
      for l in cuda shared tensorrt; do cp ${provider}/libonnxruntime_providers_$l.so /opt/asr/lib/; done
      mkdir /mnt/wheels; mount --bind ${nvidia} /mnt/wheels; ln -s /mnt/wheels/nvidia/*/lib/*.so* ${TOOLKIT}/
      for s in ${Object.keys(PROFILES).join(' ')}; do useradd -m -s /usr/bin/$s by$s; done
      printf '# mine\\nexport MINE=1' >/home/bybash/.bashrc; chmod 600 /home/bybash/.bashrc; chown bybash: /home/bybash/.bashrc`)
  })
  afterAll(() => box?.stop())

  describe.each(Object.entries(PROFILES))('%s', (name, profile) => {
    const user = `by${name}`
    const file = `/home/${user}/${profile}`
    const fix = (...words: readonly string[]): Ran => box.runAs(user, NODE, '/opt/doctor/bin/asr-doctor.js', 'fix', ...words)
    const tree = () => box.script(`cd /home/${user}; find . -not -path './.local*' -not -path './.cache*' -not -path '*/fish/fish_variables' | sort | while IFS= read -r f; do stat -c '%A %U %n' "$f"; [ ! -f "$f" ] || sha256sum "$f"; done`)
    const ldd = () => box.runAs(user, name, '-i', '-c', `ldd ${LIBRARY}`).stdout

    it.each(['--write-path', '--apply'])('%s writes the profile, the shell that is started next finds the libraries, and undo leaves not a byte of it', (option) => {
      // A shell may make files of its own when it is started first.
      expect(ldd()).toContain('libcublasLt.so.12 => not found')
      const before = tree()
      const ran = fix('--library', LIBRARY, option, '--yes')
      expect(ran.stderr).toContain(`Written (run `)
      expect(ran.stderr).toContain(file)
      const found = ldd()
      expect(found).toContain(`libcublasLt.so.12 => ${TOOLKIT}/libcublasLt.so.12 (`)
      expect(found).not.toContain('not found')
      // What is written is not offered again.
      expect(box.runAs(user, name, '-i', '-c', `${NODE} /opt/doctor/bin/asr-doctor.js fix --library ${LIBRARY} ${option} --yes`).stderr).not.toContain('Written')
      expect(fix('--undo', '--yes')).toMatchObject({ code: 0, stderr: `Taken back: ${file}.\n` })
      expect(tree()).toBe(before)
      expect(ldd()).toContain('libcublasLt.so.12 => not found')
    })

    it('is written for a process that was started from such a shell, and cures it once it is started again', () => {
      const start = (words: string) => Number(box.script(`mkdir -p /opt/asr/bin; cp -n /usr/bin/sleep /opt/asr/bin/asr-server; runuser -u ${user} -- ${words} </dev/null >/dev/null 2>&1 & sleep 1; pgrep -n -u ${user} asr-server`).trim())
      const pid = start('/opt/asr/bin/asr-server 300')
      const ran = fix('--pid', String(pid), '--write-path', '--yes')
      expect(ran.stderr, ran.stdout).toContain(file)
      const again = start(`${name} -i -c '/opt/asr/bin/asr-server 300; true'`)
      const judged = JSON.parse(box.runAs(user, NODE, '/opt/doctor/bin/asr-doctor.js', 'check', '--pid', String(again), '--json').stdout)
      expect(judged.outcomes['cuda/libraries-hidden']).toMatchObject({ status: 'passed' })
      box.script(`pkill -u ${user} asr-server`)
      expect(fix('--undo', '--yes').code).toBe(0)
    })

    it('is left alone by --write-unit', () => {
      const before = tree()
      expect(fix('--library', LIBRARY, '--write-unit', '--yes').stdout).toMatch(/--write-path/)
      expect(tree()).toBe(before)
    })
  })
})
