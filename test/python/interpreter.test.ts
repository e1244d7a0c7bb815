import { execFileSync } from 'node:child_process'
import { rmSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { interpreter } from '../../src/facts/python-interpreter.ts'
import { envCommandOf, execStartOf, isPython, pythonCommandOf, pythonInShellText, shebangOf } from '../../src/facts/python-command.ts'
import { replacedBy } from '../../src/facts/python-sandbox.ts'
import { python } from '../../src/facts/python.ts'
import { describeWith } from '../support/rig.ts'
import { argvOf, ask, clean, exeOf, folder, started, WAITING } from './place.ts'
import { newest, pythonMissing } from './wheels.ts'

describe('command lines', () => {
  it('tells interpreters by name', () => {
    for (const name of ['python', '/usr/bin/python3', 'python3.11', 'python3.13t', 'pypy3', '/nix/store/x/bin/.python3.12-wrapped']) expect(isPython(name), name).toBe(true)
    for (const name of ['python3-config', 'ipython', 'pythond.service', 'python3.11-dbg.conf', 'bash', '']) expect(isPython(name), name).toBe(false)
  })

  // The expected readings follow `python3 --help`.
  it.each([
    [['server.py', '-I'], { flags: [], start: { kind: 'script', path: 'server.py' } }],
    [['-u', '-sP', '-X', 'dev', '-W', 'ignore', '/opt/a.py', '-E'], { flags: ['-P', '-s'], start: { kind: 'script', path: '/opt/a.py' } }],
    [['-Xdev', '-m', 'uvicorn', 'app:app'], { flags: [], start: { kind: 'module', name: 'uvicorn' } }],
    [['-Im', 'wyoming_faster_whisper'], { flags: ['-I'], start: { kind: 'module', name: 'wyoming_faster_whisper' } }],
    [['-Wd', '-c', 'import x', '-s'], { flags: [], start: { kind: 'command' } }],
    [['--', '-odd.py'], { flags: [], start: { kind: 'script', path: '-odd.py' } }],
    [['-', 'x.py'], { flags: [], start: null }],
    [[], { flags: [], start: null }],
  ])('reads %j', (words, expected) => expect(pythonCommandOf(words)).toEqual(expected))

  it.each([
    ['#!/opt/venv/bin/python\nimport x', ['/opt/venv/bin/python']],
    ['#! /usr/bin/env -S python3 -u\n', ['/usr/bin/env', '-S', 'python3', '-u']],
    ['#!/bin/sh\n\'\'\'exec\' "/opt/my venv/bin/python" "$0" "$@"\n\' \'\'\'\nimport sys', ['/opt/my venv/bin/python']],
    ['#!/bin/sh\n\'\'\'exec\' /opt/long/bin/python3.11 -s "$0" "$@"\n', ['/opt/long/bin/python3.11', '-s']],
    ['import x', null],
  ])('reads the first line of %j', (text, expected) => expect(shebangOf(text)).toEqual(expected))

  it('reads env, shell text and ExecStart', () => {
    expect(envCommandOf(['-S', 'python3 -u', 'x.py'])).toEqual(['python3', '-u', 'x.py'])
    expect(envCommandOf(['-i', 'A=1', '-u', 'B', 'python3'])).toEqual(['python3'])
    expect(pythonInShellText('cd /opt/asr && exec /opt/asr/venv/bin/python3 server.py')).toBe('/opt/asr/venv/bin/python3')
    expect(pythonInShellText('. venv/bin/activate; python server.py')).toBeNull()
    expect(pythonInShellText('/a/bin/python x; /b/bin/python y')).toBeNull()
    // As systemd 252 prints it.
    expect(execStartOf('{ path=/opt/venv/bin/uvicorn ; argv[]=/opt/venv/bin/uvicorn app:app --port 9000 ; ignore_errors=no ; start_time=[n/a] ; stop_time=[n/a] ; pid=0 ; code=(null) ; status=0/0 }')).toEqual([
      { path: '/opt/venv/bin/uvicorn', argv: ['/opt/venv/bin/uvicorn', 'app:app', '--port', '9000'] },
    ])
  })

  it('says which directive would put another folder in the place of one that Python uses', () => {
    const paths = ['/usr/lib/python3.11', '/home/asr/.local/lib/python3.11/site-packages']
    expect(replacedBy({ ProtectHome: 'yes' }, paths)).toEqual({ directive: 'ProtectHome=yes', path: paths[1] })
    expect(replacedBy({ ProtectHome: 'read-only', PrivateTmp: 'yes', InaccessiblePaths: '/home/other', RootDirectory: '' }, paths)).toBeNull()
    expect(replacedBy({ BindReadOnlyPaths: '-/srv/py:/usr/lib/python3.11:rbind' }, paths)).toMatchObject({ path: paths[0] })
    expect(replacedBy({ RootDirectory: '/srv/root' }, paths)).toMatchObject({ directive: 'RootDirectory=/srv/root' })
  })
})

describeWith('python', pythonMissing(), () => {
  afterEach(clean)

  const venv = (at: string): string => {
    execFileSync(newest, ['-m', 'venv', '--without-pip', join(at, 'venv')])
    return join(at, 'venv/bin/python')
  }

  it('a venv is told by the name it was started by, not by the file that runs', async () => {
    const at = folder({ 'server.py': WAITING })
    const path = venv(at)
    const pid = await started(at, {}, path, '-u', 'server.py')
    expect(exeOf(pid)).not.toBe(path)
    const target = { kind: 'pid', pid } as const
    expect(await ask(target, interpreter)).toMatchObject({ executable: path, scriptFolder: at, start: { kind: 'script', path: 'server.py' }, pid })
    expect(await ask(target, python)).toMatchObject({ executable: path, venv: join(at, 'venv') })
    expect((await ask(target, python))!.path[0]).toBe(at)
  })

  it('a script of a venv, through its first line and through a link elsewhere', async () => {
    const at = folder({})
    const path = venv(at)
    const place = folder({ 'asr-server': `#!${path} -s\n${WAITING}` })
    const other = folder()
    symlinkSync(join(place, 'asr-server'), join(other, 'asr'))
    const pid = await started(other, {}, join(other, 'asr'), '--port', '9000')
    expect(argvOf(pid)[0]).toBe(path)
    expect(await ask({ kind: 'pid', pid }, interpreter)).toMatchObject({ executable: path, flags: ['-s'], scriptFolder: place })
  })

  it('env and a bare name are looked up on the PATH of the process, not on ours', async () => {
    const at = folder({ 'run.py': `#!/usr/bin/env python3\n${WAITING}` })
    const path = venv(at)
    const pid = await started(at, { PATH: `${join(at, 'venv/bin')}:/usr/bin:/bin` }, join(at, 'run.py'))
    expect(argvOf(pid)[0]).toBe('python3')
    expect(await ask({ kind: 'pid', pid }, interpreter)).toMatchObject({ executable: `${path}3` })
  })

  it('python -m is started in a folder that stands first on its path', async () => {
    const at = folder({ 'asr_app/__init__.py': '', 'asr_app/__main__.py': WAITING })
    const pid = await started(at, {}, newest, '-m', 'asr_app')
    expect(await ask({ kind: 'pid', pid }, interpreter)).toMatchObject({ start: { kind: 'module', name: 'asr_app' }, scriptFolder: at })
    expect((await ask({ kind: 'pid', pid }, python))!.path[0]).toBe(at)
  })

  it('a name that leads to another file than the one that runs is not believed', async () => {
    const at = folder({ 'server.py': WAITING })
    const path = venv(at)
    const pid = await started(at, {}, '/bin/bash', '-c', `exec -a "gunicorn: master [app:app]" ${path} server.py`)
    expect(argvOf(pid)[0]).toBe('gunicorn: master [app:app]')
    expect(await ask({ kind: 'pid', pid }, interpreter)).toMatchObject({ executable: exeOf(pid) })
  })

  it('a program that has written over its own argv (as gunicorn does) is told by its environment', async () => {
    const overwrite = `import ctypes\nstart, end = map(int, open('/proc/self/stat').read().rsplit(')', 1)[1].split()[45:47])\nctypes.memset(start, 0, end - start)\nctypes.memmove(start, b'gunicorn: master', 16)\n`
    const at = folder({ 'server.py': overwrite + WAITING })
    const path = venv(at)
    const pid = await started(at, { VIRTUAL_ENV: join(at, 'venv') }, path, 'server.py')
    expect(argvOf(pid)[0]).toBe('gunicorn: master')
    expect(await ask({ kind: 'pid', pid }, interpreter)).toMatchObject({ executable: path })
    expect(await ask({ kind: 'pid', pid }, python)).toMatchObject({ venv: join(at, 'venv') })
  })

  it('a wrapper script stays the main process, its Python is the child', async () => {
    const at = folder({ 'server.py': WAITING, 'start.sh': '#!/bin/bash\nexport LD_LIBRARY_PATH=/opt/cuda\n"$1" server.py\necho ended\n' })
    const path = venv(at)
    const pid = await started(at, {}, join(at, 'start.sh'), path)
    expect(exeOf(pid)).toMatch(/bash$/)
    const found = (await ask({ kind: 'pid', pid }, interpreter))!
    expect(found).toMatchObject({ executable: path, scriptFolder: at })
    // The environment is the child's: what the wrapper exported is in it.
    expect(found.as.env['LD_LIBRARY_PATH']).toBe('/opt/cuda')
    expect(found.pid).not.toBe(pid)
  })

  it('a native program and a shell run none', async () => {
    const at = folder()
    const pid = await started(at, {}, process.execPath, '-e', 'require("fs").writeFileSync("up", ""); setTimeout(() => {}, 120000)')
    expect(await ask({ kind: 'pid', pid }, python)).toBeNull()
    expect(await ask({ kind: 'library', path: '/lib/x86_64-linux-gnu/libc.so.6' }, python)).toBeNull()
  })

  it('--python is asked as the caller', async () => {
    const at = folder()
    const path = venv(at)
    expect(await ask({ kind: 'python', path }, python)).toMatchObject({ executable: path, venv: join(at, 'venv') })
    rmSync(join(at, 'venv'), { recursive: true })
    await expect(ask({ kind: 'python', path }, python)).rejects.toThrow(`There is no ${path}`)
  })
})
