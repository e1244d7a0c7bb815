import { mkdirSync, mkdtempSync, readFileSync, rmSync, unlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { alone } from '../../src/fix/lock.ts'

const folder = mkdtempSync(join(tmpdir(), 'asr-doctor-lock-'))
afterAll(() => rmSync(folder, { recursive: true }))

describe('a clock that jumps', () => {
  it.each([1e11, -1e11])('by %d ms neither cuts the wait for another run short nor makes it endless', async (jump) => {
    mkdirSync(join(folder, 'claims'), { recursive: true })
    // A claim of a process that lives: this one's parent.
    const stat = readFileSync(`/proc/${process.ppid}/stat`, 'utf8')
    const claim = join(folder, 'claims', `${process.ppid}-${stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]}-0`)
    writeFileSync(claim, '')
    const real = Date.now
    const began = performance.now()
    setTimeout(() => (Date.now = () => real() + jump), 50)
    try {
      await expect(alone(folder, () => 'never', 600)).rejects.toThrow(/is writing at this moment/)
      expect(performance.now() - began).toBeGreaterThan(550)
      expect(performance.now() - began).toBeLessThan(5000)
      setTimeout(() => unlinkSync(claim), 100)
      await expect(alone(folder, () => 'in', 5000)).resolves.toBe('in')
    } finally {
      Date.now = real
    }
  })
})
