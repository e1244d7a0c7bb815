import { spawnSync } from 'node:child_process'
import { describe, expect, it } from 'vitest'
import { allCases } from './support/cases.ts'
import { nodeOf } from './support/nodes.ts'
import { describeWith } from './support/rig.ts'
import { REPOSITORY } from './support/box.ts'

const linux = process.platform === 'linux' && process.arch === 'x64' ? null : 'Node for linux-x64 only'

describeWith('other Node versions', linux, () => {
  describe.each([20, 22, 24])('Node %i', (major) => {
    const run = (...args: string[]) => spawnSync(nodeOf(major), [`${REPOSITORY}/bin/asr-doctor.js`, ...args], { encoding: 'utf8', timeout: 30_000 })

    it('runs the built program', () => {
      expect(spawnSync(nodeOf(major), ['-v'], { encoding: 'utf8' }).stdout).toMatch(new RegExp(`^v${major}\\.`))
      expect(run('list')).toMatchObject({ status: 0, stderr: '' })
      const { stdout, stderr, status } = run('check', '--json')
      expect(stderr).toBe('')
      expect(JSON.parse(stdout).summary).toMatchObject({ crashed: 0, exitCode: status })
    })

    it.each(allCases().map(({ name }) => name))('judges %s as every Node does', (name) => {
      const args = ['check', '--replay', `${REPOSITORY}/fixtures/${name}.md`, '--json']
      const here = spawnSync(process.execPath, [`${REPOSITORY}/bin/asr-doctor.js`, ...args], { encoding: 'utf8' })
      const there = run(...args)
      expect(there.stdout).toBe(here.stdout)
      expect(there.status).toBe(here.status)
    })
  })
})
