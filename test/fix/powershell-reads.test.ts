import { execFileSync, spawnSync } from 'node:child_process'
import { describe, expect, it } from 'vitest'
import { profile } from '../../src/fix/edits/profile.ts'
import { windowsPathScript } from '../../src/fix/edits/windows-path.ts'
import { wheel } from '../support/wheels.ts'
import { dice, HOSTILE } from './random.ts'

/** No PowerShell can be had from Debian, npm or PyPI, so what it would run is read by a grammar of its language at least (tree-sitter-powershell). */
const READ = `
import json, sys
import tree_sitter, tree_sitter_powershell
source = sys.stdin.buffer.read()
tree = tree_sitter.Parser(tree_sitter.Language(tree_sitter_powershell.language())).parse(source)
literals, commands = [], []
def walk(node):
    if node.type == 'verbatim_string_characters': literals.append(node.text.decode('utf-8'))
    if node.type == 'command_name': commands.append(node.text.decode('utf-8'))
    for child in node.children: walk(child)
walk(tree.root_node)
print(json.dumps({'error': tree.root_node.has_error, 'literals': literals, 'commands': commands}))
`
/** The grammar is a compiled module, of the very Python that is here. */
const PYTHON = execFileSync('python3', ['-c', 'import sys; print("%d.%d" % sys.version_info[:2])'], { encoding: 'utf8' }).trim()
const PYTHONPATH = [wheel('tree-sitter', '0.26.1', '^tree_sitter/', PYTHON), wheel('tree-sitter-powershell', '0.26.4', '^tree_sitter_powershell/', PYTHON)].join(':')

function read(text: string): { readonly error: boolean; readonly literals: readonly string[]; readonly commands: readonly string[] } {
  const ran = spawnSync('python3', ['-c', READ], { input: text, encoding: 'utf8', env: { ...process.env, PYTHONPATH }, maxBuffer: 1 << 26 })
  expect(ran.status, ran.stderr).toBe(0)
  return JSON.parse(ran.stdout)
}

/** PowerShell takes the typographic quotes for quotes as well (about_Quoting_Rules); inside, one is written twice. */
const meant = (literal: string): string => literal.slice(1, -1).replace(/(['\u2018\u2019\u201a\u201b])\1/g, '$1')

describe('what is written for PowerShell', () => {
  it('is told from what is broken', () => {
    expect(read("$x = 'a\n").error).toBe(true)
    expect(read("$x = 'it''s'\n")).toEqual({ error: false, literals: ["'it''s'"], commands: [] })
  })

  it('in a profile: 100 hostile values, each one text and nothing else', () => {
    const { text } = dice(404)
    const pieces = HOSTILE.filter((piece) => !piece.includes('asr-doctor'))
    const set = Object.fromEntries(Array.from({ length: 100 }, (_, at) => [`V${at}`, text(pieces, 10)]))
    const seen = read(profile(set, 'powershell', null, 'profile.ps1'))
    expect(seen.error).toBe(false)
    expect(seen.commands).toEqual([])
    expect(seen.literals.map(meant)).toEqual(Object.values(set))
  })

  it('in a profile: a list of folders', () => {
    const seen = read(profile({ LD_LIBRARY_PATH: "/it's/$(id)/`x`:/b" }, 'powershell', '$mine = 1\n', 'profile.ps1'))
    expect(seen.error).toBe(false)
    expect(seen.literals.map(meant)).toContain("/it's/$(id)/`x`:/b")
  })

  it('for PATH in the registry: whole, with the values to the letter', () => {
    const old = `%USERPROFILE%\\bin;C:\\it's;${'C:\\x;'.repeat(800)}$(calc)`
    const seen = read(windowsPathScript('machine', { type: 'REG_EXPAND_SZ', data: old }, { type: 'REG_EXPAND_SZ', data: `C:\\CUDA\\bin;${old}` }))
    expect(seen.error).toBe(false)
    expect(seen.literals.map(meant)).toEqual(expect.arrayContaining([old, `C:\\CUDA\\bin;${old}`]))
    expect(seen.commands).toEqual(['Add-Type'])
  })
})
