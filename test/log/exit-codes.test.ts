import { describe, expect, it } from 'vitest'
import { exitIn, exitMeaning } from '../../src/log/exit-codes.ts'

describe('codes with which processes end', () => {
  // ntstatus.h; the signed spelling is PowerShell's.
  it.each([
    ['Exit code 3221226505', '3221226505', /fail-fast/],
    ['child exited with code -1073740791', '-1073740791', /fail-fast/],
    ['exit code: 0xC0000409', '0xC0000409', /fail-fast/],
    ['exit code 3221225477', '3221225477', /^an access violation$/],
    ['process exited with code 3221225781', '3221225781', /DLL was not found/],
    ['worker exited with code 137', '137', /SIGKILL/],
    ['exit status 139', '139', /SIGSEGV/],
    ['asr.service: Main process exited, code=dumped, status=11/SEGV', 'signal 11', /SIGSEGV/],
    ['asr.service: Main process exited, code=exited, status=139/n/a', '139', /SIGSEGV/],
    ['asr.service: Main process exited, code=killed, status=9/KILL', 'signal 9', /SIGKILL/],
  ])('%s', (text, code, meaning) => {
    expect(exitIn(text)?.code).toBe(code)
    expect(exitIn(text)?.meaning).toMatch(meaning)
  })

  it.each(['exit code 0 after 137 ms', 'took 139 ms', 'exited with code 1', 'Main process exited, code=exited, status=1/FAILURE', 'Main process exited, code=exited, status=143/n/a', 'Main process exited, code=killed, status=15/TERM', 'id 1373221226'])('%s says nothing', (text) => {
    expect(exitIn(text)).toBeNull()
  })

  it('an abort is no access violation', () => {
    expect(exitMeaning(0xc0000409)).toContain('it is not an access violation')
    expect(exitMeaning(-1073741819)).toBe('an access violation')
  })
})
