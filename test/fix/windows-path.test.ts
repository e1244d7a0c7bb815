import { describe, expect, it } from 'vitest'
import { Refused } from '../../src/fix/refused.ts'
import { diagnose } from '../../src/diagnose.ts'
import { offerOf } from '../../src/fix/offer.ts'
import { fixText } from '../../src/fix/report.ts'
import { defineCheck } from '../../src/index.ts'
import { registryText, registryTextOf, windowsPath, windowsPathScript, type RegistryText } from '../../src/fix/edits/windows-path.ts'
import { plan } from '../../src/fix/plan.ts'
import { gatherer } from '../../src/gather.ts'
import { hostOf } from '../../src/host/host.ts'
import { overlay } from '../../src/host/overlay.ts'
import { replayed, type Answer } from '../../src/host/replay.ts'
import type { Fix } from '../../src/types.ts'

const CUDA = 'C:\\Program Files\\NVIDIA GPU Computing Toolkit\\CUDA\\v12.8\\bin'
const expandable = (data: string): RegistryText => ({ type: 'REG_EXPAND_SZ', data })

/** 4,000 characters, as PATH looks on a machine that has seen some years: variables, quotes, an empty element, a trailing separator. */
const LONG = `%USERPROFILE%\\AppData\\Local\\Microsoft\\WindowsApps;"C:\\Odd;Name\\bin";;%SystemRoot%\\system32;${Array.from({ length: 200 }, (_, at) => `C:\\Tools\\number ${at}\\bin`).join(';')}`.slice(0, 3999) + ';'

describe('PATH of Windows', () => {
  it('of 4,000 characters keeps every one of them, its type and %USERPROFILE%', () => {
    expect(LONG).toHaveLength(4000)
    const after = windowsPath([CUDA], expandable(LONG))
    expect(after).toEqual({ type: 'REG_EXPAND_SZ', data: `${CUDA};${LONG}` })
    expect(after.data.endsWith(LONG)).toBe(true)
    expect(windowsPath([CUDA], after)).toEqual(after)
  })

  it.each([
    ['itself', CUDA],
    ['another case', CUDA.toUpperCase()],
    ['a separator at the end', `${CUDA}\\`],
    ['quotes', `"${CUDA}"`],
    ['slashes', CUDA.replaceAll('\\', '/')],
    ['a variable', '%ProgramFiles%\\NVIDIA GPU Computing Toolkit\\CUDA\\v12.8\\bin'],
  ])('that has the folder as %s is left alone', (_, element) => {
    const before = expandable(`C:\\a;${element};C:\\b`)
    expect(windowsPath([CUDA], before, { PROGRAMFILES: 'C:\\Program Files' })).toBe(before)
  })

  it('stays REG_SZ where it was, and is made REG_EXPAND_SZ where there was none', () => {
    expect(windowsPath([CUDA], { type: 'REG_SZ', data: 'C:\\a' })).toEqual({ type: 'REG_SZ', data: `${CUDA};C:\\a` })
    expect(windowsPath([CUDA], null)).toEqual({ type: 'REG_EXPAND_SZ', data: CUDA })
  })

  it.each([['a;b', 'C:\\a;b'], ['a quote', 'C:\\a"b'], ['a relative folder', 'bin'], ['a line break', 'C:\\a\nb'], ['a variable in a REG_SZ', '%CUDA_PATH%\\bin']])('takes no folder with %s', (_, folder) => {
    expect(() => windowsPath([folder], { type: 'REG_SZ', data: 'C:\\a' })).toThrow(Refused)
  })

  it('is never cut short: what Windows would not take is refused', () => {
    expect(() => windowsPath([CUDA], expandable('C:\\x;'.repeat(6553)))).toThrow(/32767/)
  })

  it('becomes a change of the registry value, which the overlay shows at once', async () => {
    const key = 'HKCU\\Environment\\Path'
    const answers = new Map<string, Answer>([
      ['target', { value: { kind: 'shell' } }],
      ['platform', { value: { os: 'win32', arch: 'x64', release: '10.0' } }],
      ['environment', { value: {} }],
      [`read ${JSON.stringify(key)}`, { value: `REG_EXPAND_SZ ${LONG}` }],
    ])
    const machine = replayed(answers)
    const fix: Fix = { title: 'Add CUDA to PATH', safety: 'safe', edits: [{ kind: 'windows-path', hive: 'user', add: [CUDA] }], then: [] }
    const wish = { check: 'cuda/libraries-hidden' as const, cause: 'It is hidden.', fix }
    const host = hostOf(machine)
    const made = await plan([wish], { host, use: gatherer(host) })
    expect(made.refused).toEqual([])
    expect(made.changes).toMatchObject([{ target: key, before: `REG_EXPAND_SZ ${LONG}`, after: `REG_EXPAND_SZ ${CUDA};${LONG}`, writer: 'path' }])
    const over = hostOf(overlay(machine, made.changes))
    expect(await over.read(key)).toBe(`REG_EXPAND_SZ ${CUDA};${LONG}`)
    expect((await plan([wish], { host: over, use: gatherer(over) })).changes).toEqual([])
    expect(registryText(registryTextOf(`REG_SZ x y`))).toBe('REG_SZ x y')
  })

  it('is proven by what a program started afterwards finds, and shown as the script that makes it', async () => {
    const LACKING = 'cudnn_ops64_9.dll'
    const check = (safety: Fix['safety']) => defineCheck({
      id: 'test/dll', title: 'T', docs: { what: 'W.', why: 'W.', remedy: 'R.', links: [] }, fixes: 'always', needs: { env: { id: 'env', about: 'a', gather: (host) => host.environment() } },
      run: ({ env }) => ((env['PATH'] ?? '').split(';').includes(CUDA) ? [] : [{ severity: 'error', confidence: 'certain', cause: `${LACKING} is not on PATH.`, evidence: [{ source: 'environment', saw: 'PATH' }], fixes: [{ title: 'Add CUDA to PATH', safety, edits: [{ kind: 'windows-path', hive: 'user', add: [CUDA] }], then: [] }] }]),
    })
    const machine = replayed(new Map<string, Answer>([
      ['target', { value: { kind: 'shell' } }], ['platform', { value: { os: 'win32', arch: 'x64', release: '10.0' } }],
      ['environment', { value: { PATH: 'C:\\Windows' } }], [`read ${JSON.stringify('HKCU\\Environment\\Path')}`, { value: 'REG_EXPAND_SZ %USERPROFILE%\\bin' }],
    ]))
    for (const safety of ['safe', 'manual'] as const) {
      const host = hostOf(machine)
      const judging = { machine, checks: [check(safety)], before: await diagnose(host, gatherer(host), [check(safety)]) }
      const offer = await offerOf(judging, { named: new Set(), writers: null, barred: new Set() })
      expect(offer.proof.gone).toEqual(safety === 'safe' ? ['test/dll'] : [])
      const text = fixText({ target: { kind: 'shell' }, pid: null, offer, steps: [], advice: [], found: true, unseen: null, notes: [], written: [], runId: null, call: null }, { width: 100, colour: false })
      expect(text).toContain('In PowerShell, for HKCU\\Environment\\Path:')
      expect(text).toContain(`$key.SetValue('Path', '${CUDA};%USERPROFILE%\\bin', [Microsoft.Win32.RegistryValueKind]::ExpandString)`)
      expect(text).toContain('SendMessageTimeout')
      expect(text).not.toContain('diff --git')
    }
  })

  it('is written by PowerShell with its kind, only over what was seen, and told to running programs', () => {
    const script = windowsPathScript('user', expandable("C:\\it's;%USERPROFILE%\\bin"), expandable(`${CUDA};C:\\it's;%USERPROFILE%\\bin`))
    expect(script).toContain("$now -cne 'C:\\it''s;%USERPROFILE%\\bin'")
    expect(script).toContain('RegistryValueKind]::ExpandString')
    expect(script).toContain('SendMessageTimeout')
    expect(script).not.toMatch(/setx|SetEnvironmentVariable/)
  })
})
