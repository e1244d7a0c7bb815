import { describe, expect, it } from 'vitest'
import { columns, fitted } from '../../src/report/wrap.ts'

describe('the report on a terminal', () => {
  const report = [
    'whisper-tiny on onnxruntime-node 1.30.0',
    '  RTF        0.0114  95 % interval of the median 0.00868 to 0.0153, 6 runs  (processing time ÷ audio length, lower is better)',
    '\u001b[33m!\u001b[39m slow-first-run  The first run of a process took 1401 ms, 2.2 times a warm one, and that is a long sentence.',
    'asr-doctor bench: wrong provider: cuda was asked for and did not run: libonnxruntime_providers_shared.so was not found: it is a CPU package.',
  ].join('\n')

  it('keeps to its width, and labels keep their column', () => {
    const lines = fitted(report, 80).split('\n')
    for (const line of lines) expect(columns(line), line).toBeLessThanOrEqual(80)
    expect(lines[1]).toMatch(/^ {2}RTF {8}0\.0114/)
    expect(lines[2]).toMatch(/^ {13}\S/)
  })
  it('loses no word', () => {
    const words = (text: string) => text.split(/\s+/).filter(Boolean)
    expect(words(fitted(report, 40))).toEqual(words(report))
  })
  it('stays as it is where there is no terminal', () => expect(fitted(report, null)).toBe(report))
})
