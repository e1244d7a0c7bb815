import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { watchLoad } from '../../src/bench/sampler.ts'

/** Mostly user time: asking what was used takes system time itself. */
const burn = (ms: number) => `const end=process.cpuUsage().user+${ms}*1000;while(process.cpuUsage().user<end)for(let i=0;i<1e6;i++);`

describe.runIf(existsSync('/proc/self/task'))('what is counted as the target', () => {
  it('a wrapper that does not exec, and all below it: at work, and after the end', async () => {
    const wrapper = spawn('/bin/sh', ['-c', `"$0" -e '${burn(500)} setTimeout(()=>{},400)'; :`, process.execPath], { stdio: 'ignore' })
    const sampler = watchLoad(() => [wrapper.pid!])!
    const ended = new Promise((resolve) => wrapper.once('close', resolve))
    // Until the work is done and its process still there.
    while (sampler.now().targetCpuMs! < 500 && wrapper.exitCode === null) await new Promise((resolve) => setTimeout(resolve, 50))
    expect(wrapper.exitCode).toBeNull()
    await ended
    const { targetCpuMs, series } = sampler.stop()
    expect(targetCpuMs).toBeGreaterThanOrEqual(500)
    // The process itself, its start included, and no more: nothing is counted twice when a parent has waited for it.
    expect(targetCpuMs).toBeLessThan(1500)
    expect(series!.length).toBeGreaterThan(1)
    expect(series!.map(({ atMs }) => atMs)).toEqual([...series!.map(({ atMs }) => atMs)].sort((a, b) => a - b))
  })
})
