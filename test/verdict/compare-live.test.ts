import { readFileSync } from 'node:fs'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { bootBox, boxMissing, NODE, REPOSITORY, type Box } from '../support/box.ts'
import { describeWith } from '../support/rig.ts'

const valid = new Ajv2020({ allErrors: true, allowUnionTypes: true }).compile(JSON.parse(readFileSync(new URL('../../schema/compare-1.json', import.meta.url), 'utf8')))

describeWith('systemd box', boxMissing(), () => {
  let box: Box
  beforeAll(() => {
    box = bootBox('compare')
    box.script(`
      unit() { printf '[Service]\\nExecStart=/usr/bin/sleep infinity\\n%s\\n' "$2" >/etc/systemd/system/$1.service; }
      unit fast 'Environment=OMP_NUM_THREADS=4'
      unit slow "CPUQuota=50%
Environment=OMP_NUM_THREADS=4"
      unit other 'Environment=CUDA_VISIBLE_DEVICES= TOKEN_OF_NO_MATTER=1'
      systemctl daemon-reload; systemctl start fast slow other; sleep 0.3`)
  }, 120_000)
  afterAll(() => box?.stop())

  const compare = (a: string, b: string) => {
    const { code, stdout, stderr } = box.run(NODE, `${REPOSITORY}/bin/asr-doctor.js`, 'compare', a, b, '--json')
    expect(stderr).toBe('')
    const result = JSON.parse(stdout)
    expect(valid(result), JSON.stringify(valid.errors)).toBe(true)
    return { code, result, about: result.differences.map((each: { about: string }) => each.about) as readonly string[] }
  }

  it('a unit with itself is the same', () => expect(compare('unit:fast', 'unit:fast')).toMatchObject({ code: 0, about: [] }))

  it('two units: the quota alone', () => {
    const { code, result, about } = compare('unit:fast', 'unit:slow')
    expect(code).toBe(1)
    expect(about).toContain('limit CPUQuotaPerSecUSec')
    expect(about.filter((each) => each.startsWith('environment'))).toEqual([])
    expect(result.differences.find((each: { about: string }) => each.about === 'limit CPUQuotaPerSecUSec')).toMatchObject({ a: null, b: '500ms' })
  })

  it('a unit and the shell: a variable that decides, and none that does not', () => {
    const { code, result, about } = compare('unit:other', 'shell')
    expect(code).toBe(1)
    expect(result.differences.find((each: { about: string }) => each.about === 'environment CUDA_VISIBLE_DEVICES')).toMatchObject({ a: '', b: null })
    expect(about.join()).not.toContain('TOKEN_OF_NO_MATTER')
  })

  it('this machine and a recorded case', () => {
    box.script(`${NODE} ${REPOSITORY}/bin/asr-doctor.js record --unit slow --output /root/slow.md; systemctl set-property slow CPUQuota=200%`)
    const { about } = compare('/root/slow.md', 'unit:slow')
    expect(about).toContain('limit CPUQuotaPerSecUSec')
  })
})
