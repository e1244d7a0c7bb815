import { expect, it } from 'vitest'
import { bootBox, boxMissing } from '../support/box.ts'
import { examineInBox } from '../support/box-diagnose.ts'
import { describeWith } from '../support/rig.ts'

describeWith('systemd box', boxMissing(), () => {
  it('finds nothing wrong with any unit that the distribution brings, running or not', async () => {
    const box = bootBox('stock')
    try {
      const listed = box.run('systemctl', 'list-unit-files', '--type=service', '--no-legend', '--plain', '--no-pager').stdout
      const names = listed.split('\n').map((line) => line.split(/\s+/)[0]!).filter(Boolean).map((name) => name.replace('@.', '@0.'))
      expect(names.length).toBeGreaterThan(50)
      const all = await examineInBox(box, names.map((name) => ({ target: { kind: 'unit', name, scope: 'system' } })), ['checks/service/index.ts'], { env: {}, limitMs: 100_000 })
      const said = all.flatMap(({ outcomes }, at) =>
        [...outcomes].flatMap(([id, outcome]) => (outcome.status === 'found' ? outcome.findings.map(({ cause }) => `${names[at]} ${id}: ${cause}`) : outcome.status === 'crashed' ? [`${names[at]} ${id}: ${outcome.error}`] : [])),
      )
      expect(said).toEqual([])
    } finally {
      box.stop()
    }
  })
})
