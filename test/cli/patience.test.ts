import { setTimeout as pause } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { machineOf } from '../../src/actions/machine.ts'
import { hostOf } from '../../src/host/host.ts'

it('the time for questions runs out, and can be given again', async () => {
  const { ask, renew } = await machineOf({ timeout: '3' }, process.cwd(), (each) => each)
  const host = hostOf(ask)
  await pause(3100)
  await expect(host.run('sleep', ['0.4'])).rejects.toThrow(/gave no answer|not answered in time/)
  renew()
  expect(await host.run('sleep', ['0.41'])).toMatchObject({ code: 0 })
})
