import { describe, expect, it } from 'vitest'
import { theOneService } from '../../src/actions/fix-target.ts'
import { CannotSee } from '../../src/index.ts'
import type { Ask } from '../../src/host/host.ts'
import { WrongCall } from '../../src/wrong-call.ts'

const machine = (speech: () => unknown): Ask => async (asked) => (asked.verb === 'caller' ? { uid: 0, gid: 0, groups: [0], user: 'root', home: '/root' } : asked.verb === 'inventory' ? (speech() as never) : null)
const blind = machine(() => {
  throw new CannotSee('/proc is shut.')
})
const service = (name: string) => ({ pid: 7, program: 'asr', runtime: 'onnxruntime', unit: { name, scope: 'system', managerUid: 0 } })

async function taken(ask: Ask, writes: boolean) {
  let said = ''
  const target = await theOneService(ask, { stderr: { write: (text: string) => (said += text), isTTY: false } as never }, writes)
  return { target, said }
}

describe('fix without a target', () => {
  it('takes the one service, and says so', async () => {
    expect(await taken(machine(() => [service('one.service')]), true)).toEqual({ target: { kind: 'unit', name: 'one.service', scope: 'system' }, said: 'Taken: one.service, the one speech service found here.\n' })
  })

  it('takes this shell where there is none', async () => {
    expect(await taken(machine(() => []), true)).toEqual({ target: { kind: 'shell' }, said: '' })
  })

  it('writes nothing where it could not be seen which there are', async () => {
    await expect(taken(blind, true)).rejects.toThrow(new WrongCall('Which speech services there are could not be seen: /proc is shut. Nothing was written; name what is meant with --unit or --pid.'))
    expect(await taken(blind, false)).toEqual({ target: { kind: 'shell' }, said: 'Which speech services there are could not be seen: /proc is shut. This shell is taken; name a service with --unit.\n' })
  })

  it('refuses to choose between two', async () => {
    await expect(taken(machine(() => [service('one.service'), service('two.service')]), false)).rejects.toThrow(/2 speech services; name one: asr-doctor fix --unit one\.service --system, asr-doctor fix --unit two\.service --system/)
  })
})
