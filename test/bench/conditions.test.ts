import { chmodSync, cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { clipWav } from '../../src/bench/audio/clip.ts'
import { bootBox, boxMissing, NODE, REPOSITORY, type Box } from '../support/box.ts'
import { describeWith } from '../support/rig.ts'
import { unpackModels } from './speech-models.ts'
import { buildTool, checked, leftFolders, leftProcesses, type Tool } from './tool.ts'

let tool: Tool
let folder = ''
let models: ReturnType<typeof unpackModels>
beforeAll(async () => {
  tool = await buildTool()
  folder = mkdtempSync(join(tmpdir(), 'asr-doctor-test-'))
  models = unpackModels()
  cpSync(join(models.folder, 'onnx-asr-ctc'), join(folder, 'ctc'), { recursive: true })
  // In the place of Python: what it is asked, and what the genuine script would answer.
  writeFileSync(join(folder, 'python'), STAND, { mode: 0o755 })
  for (const path of [tool.folder, folder]) chmodSync(path, 0o755)
  writeFileSync(join(folder, 'short.wav'), clipWav().subarray(0, 44 + 2 * 16000 * 2))
  writeFileSync(join(folder, 'sleeps.sh'), 'sleep 300 & wait')
  // One thread with nothing but arithmetic; then it says what it sees.
  writeFileSync(join(folder, 'work.cjs'), `const fs = require('fs'); let x = 0
for (let i = 0; i < Number(process.argv[2]) * 1e6; i++) x = (x * 31 + i) | 0
const there = (path) => { try { fs.statSync(path); return true } catch { return false } }
const written = (path) => { try { fs.writeFileSync(path, ''); return true } catch { return false } }
console.log(JSON.stringify({ x: x !== 0.5, env: process.env, cwd: process.cwd(), uid: process.getuid(), groups: process.getgroups(), home: there('/home/asr'), kmsg: there('/dev/tty'), state: written('/var/lib/asr-state/by-bench'), files: require('child_process').execSync('ulimit -n').toString().trim() }))`)
})
afterAll(() => {
  models.remove()
  tool.remove()
  rmSync(folder, { recursive: true, force: true })
})

const STAND = `#!/bin/sh
echo "a wrapper of $(id -un)"
facts='"facts":{"version":"1.23.2","available":["CPUExecutionProvider"]}'
while read -r line; do
  case "$line" in
    *'"encoder"'*) echo '{"kind":"loaded","sinceReadyMs":0,"python":"3.11.7",'"$facts"'}';;
    *'"run"'*) sleep 0.1; echo '{"kind":"ran","run":{"wallMs":100,"cpuMs":1,"phases":[],"text":null},'"$facts"'}';;
    *'"place"'*)
      folder=$(echo "$line" | sed 's/.*"folder":"//; s/".*//')
      echo '[{"cat":"Node","name":"a_kernel_time","dur":9,"args":{"provider":"CPUExecutionProvider","op_name":"Add","node_index":"1"}}]' > "$folder/encoder_1.json"
      echo '{"kind":"placed"}';;
    *) echo '{"kind":"calibrated","calibration":{"wallMs":1,"cpuMs":1}}';;
  esac
done
`

it('--vary precision: a model beside its own int8, both run', () => {
  const { code, stdout } = tool.run(['--json', '--audio', join(folder, 'short.wav'), '--runs', '3', '--threads', '1', '--provider', 'cpu', '--vary', 'precision', '--model', join(folder, 'ctc')])
  const { factors, target } = checked(stdout)
  expect(factors).toEqual([{ name: 'precision', from: 'call', ratio: expect.objectContaining({ pairs: 3 }), measurable: null, because: expect.stringMatching(/^In fp32 a run took [\d.]+ times \(3 pairs of runs, too few for an interval\) as long as in int8\.$/) }])
  expect(factors[0].ratio.median).toBeGreaterThan(0)
  expect(target).toMatchObject({ kind: 'model', files: ['model.onnx'] })
  expect(leftFolders(tool)).toEqual([])
  expect(leftProcesses(tool)).toEqual([])
  expect(code).toBe(0)
})

describe('calls', () => {
  it.each<[string, readonly string[], RegExp]>([
    ['the quota of no unit', ['--vary', 'quota'], /--vary quota goes with --unit NAME/],
    ['no such factor', ['--vary', 'luck'], /It takes env, quota, memory, provider, precision/],
    ['a manager of no unit', ['--user'], /--user goes with --unit NAME/],
    ['two managers', ['--unit', 'x', '--user', '--system'], /exclude each other/],
    ['precision of no model', ['--vary', 'precision', '--command', '/bin/true {audio}'], /--vary precision goes with --model/],
    ['provider of a command', ['--vary', 'provider', '--command', '/bin/true {audio}'], /--vary provider does not go with --command/],
    ['a server', ['--vary', 'provider', '--url', 'http://localhost:1/'], /--vary does not go with --url/],
    ['another machine without a baseline', ['--cross-machine'], /--cross-machine goes with --baseline/],
  ])('%s', (_, args, message) => {
    const { code, stderr, stdout } = tool.run(args)
    expect(`${stderr}${stdout}`).toMatch(message)
    expect(code).toBe(2)
  })
})

describeWith('systemd box', boxMissing(), () => {
  let box: Box
  beforeAll(() => {
    box = bootBox('conditions', '--bind', tool.folder, '--bind', folder)
    // Below /tmp a service with PrivateTmp= would not see it.
    box.script(`
useradd -m -u 1500 -s /bin/bash asr
cp -r ${tool.folder} /opt/tool && cp -r ${folder} /opt/test && chmod -R a+rX /opt/tool /opt/test && chmod 1777 /opt/tool/tmp
loginctl enable-linger asr
for i in $(seq 200); do [ -S /run/user/1500/bus ] && break; sleep .1; done
${unit('plain', ['User=asr'])}systemctl daemon-reload`)
  }, 300_000)
  afterAll(() => box.stop())

  const unit = (name: string, lines: readonly string[], path = '/etc/systemd/system') => `mkdir -p ${path}; cat >${path}/${name}.service <<'END_OF_UNIT'\n[Service]\nExecStart=/bin/sleep infinity\n${lines.join('\n')}\nEND_OF_UNIT\n`
  const service = (name: string, ...lines: readonly string[]) => box.script(`${unit(name, lines)}systemctl daemon-reload`)
  const words = (...args: readonly string[]) => ['env', '-C', '/opt', 'TMPDIR=/opt/tool/tmp', 'LD_LIBRARY_PATH=/opt/right', 'ONLY_SHELL=1', NODE, '/opt/tool/main.js', 'bench', '--json', '--audio', '/opt/test/short.wav', ...args]
  const said = (ran: { readonly stdout: string; readonly stderr: string }) => {
    if (ran.stdout === '') throw new Error(`it said nothing but: ${ran.stderr}`)
    return checked(ran.stdout)
  }
  const bench = (...args: readonly string[]) => {
    const ran = box.run(...words(...args))
    return { ...ran, result: said(ran) }
  }
  const work = (millions: number) => ['--command', `${NODE} /opt/test/work.cjs ${millions} {audio}`]
  /** For what takes longer than one call into the box may. */
  const later = async (...args: readonly string[]) => {
    writeFileSync(join(folder, 'call.json'), JSON.stringify(words(...args)))
    box.run('sh', '-c', `rm -f /run/later.*; setsid ${NODE} -e "const{spawnSync}=require('child_process'),fs=require('fs');const[p,...a]=JSON.parse(fs.readFileSync('${folder}/call.json'));const r=spawnSync(p,a,{encoding:'utf8'});fs.writeFileSync('/run/later.part',JSON.stringify(r));fs.renameSync('/run/later.part','/run/later.json')" >/dev/null 2>&1 </dev/null &`)
    for (let i = 0; i < 560; i++) {
      await sleep(1000)
      const { stdout, code } = box.run('cat', '/run/later.json')
      if (code === 0) return said(JSON.parse(stdout))
    }
    throw new Error('no end in sight')
  }
  const left = () => box.run('sh', '-c', "systemctl list-units --all --no-legend --plain 'asr-doctor-bench-*'; XDG_RUNTIME_DIR=/run/user/1500 setpriv --reuid 1500 --regid 1500 --clear-groups systemctl --user list-units --all --no-legend --plain 'asr-doctor-bench-*'; pgrep -af '[b]ench-worker|[w]ork.cjs'; ls /opt/tool/tmp; ls -d /tmp/asr-doctor-bench-* 2>/dev/null").stdout.trim()

  it('the work runs in the place of the service: user, variables, folder, limits and walls are its own', () => {
    box.script('printf "FROM_FILE=\'a b\'\\n" >/etc/asr.env; chmod 600 /etc/asr.env')
    service('place', 'User=asr', 'SupplementaryGroups=audio', 'WorkingDirectory=/var/lib', 'Environment=LD_LIBRARY_PATH=/wrong "TWO=c d" UNIT=%n', 'EnvironmentFile=/etc/asr.env', 'UnsetEnvironment=LANG', 'LimitNOFILE=3333', 'ProtectHome=yes', 'PrivateDevices=yes')
    const { result, code, stderr } = bench('--unit', 'place', '--runs', '1', ...work(1))
    const seen = JSON.parse(result.text.heard)
    expect(seen.env).toMatchObject({ LD_LIBRARY_PATH: '/wrong', TWO: 'c d', UNIT: 'place.service', FROM_FILE: 'a b', HOME: '/home/asr', USER: 'asr' })
    expect(seen.env).not.toHaveProperty('ONLY_SHELL')
    expect(seen.env).not.toHaveProperty('LANG')
    expect(seen).toMatchObject({ uid: 1500, cwd: '/var/lib', home: false, files: '3333' })
    const audio = Number(box.run('getent', 'group', 'audio').stdout.split(':')[2])
    expect(seen.groups).toContain(audio)
    expect(result.conditions).toMatchObject({ unit: 'place.service', scope: 'system', service: { user: 'asr', failed: null }, shell: { user: 'root', failed: null }, notCarried: [] })
    // Of variables only the names are told.
    expect(result.conditions.settings).toContain('Environment=LD_LIBRARY_PATH=… TWO=… UNIT=…')
    expect(JSON.stringify(result.conditions)).not.toContain('c d')
    expect(stderr).toMatch(/^asr-doctor bench: /m)
    expect(code).toBe(0)
    expect(left()).toBe('')
  })

  it('what is not carried over is named, and the folders of the living service stay as they are', () => {
    service('walled', 'User=asr', 'RuntimeDirectory=asr-run', 'StateDirectory=asr-state', 'ProtectSystem=strict', 'MemoryDenyWriteExecute=yes', 'SystemCallFilter=@system-service', 'CapabilityBoundingSet=', 'NoSuchThing=1', 'Restart=always', 'ExecStartPre=/bin/true')
    box.script('systemctl start walled; touch /run/asr-run/socket')
    const { result } = bench('--unit', 'walled', '--runs', '1', ...work(1))
    const seen = JSON.parse(result.text.heard)
    expect(seen.env).toMatchObject({ RUNTIME_DIRECTORY: '/run/asr-run', STATE_DIRECTORY: '/var/lib/asr-state' })
    expect(seen.state).toBe(true)
    expect(result.conditions.notCarried.map(({ key }: { key: string }) => key)).toEqual(['RuntimeDirectory', 'StateDirectory', 'MemoryDenyWriteExecute', 'NoSuchThing', 'SystemCallFilter'])
    expect(result.conditions.settings).toEqual(expect.arrayContaining(['CapabilityBoundingSet=', 'ProtectSystem=strict', 'SystemCallErrorNumber=EPERM']))
    expect(box.script('ls /run/asr-run; stat -c %U /var/lib/asr-state; systemctl is-active walled').trim().split('\n')).toEqual(['socket', 'asr', 'active'])
    expect(left()).toBe('')
  })

  it('a user’s own unit, with nobody asked for a password', () => {
    box.runAs('asr', 'sh', '-c', `${unit('mine', ['Environment=LD_LIBRARY_PATH=/mine'], '$HOME/.config/systemd/user')}systemctl --user daemon-reload`)
    const ran = box.runAs('asr', ...words('--unit', 'mine', '--user', '--runs', '1', ...work(1)))
    const result = said(ran)
    expect(JSON.parse(result.text.heard)).toMatchObject({ uid: 1500, env: { LD_LIBRARY_PATH: '/mine' } })
    expect(result.conditions.shellNote).toBeNull()
    expect(result.conditions).toMatchObject({ unit: 'mine.service', scope: 'user', service: { user: 'asr', failed: null } })
    expect(left()).toBe('')
    const refused = box.runAs('asr', ...words('--unit', 'plain', '--system', '--runs', '1', ...work(1)))
    expect(refused.stderr).toMatch(/plain\.service: only root may start a process in the place of a system service\. Run the same command with sudo/)
    expect(refused.code).toBe(2)
  })

  it('where Node.js or asr-doctor itself cannot be seen, that is said', () => {
    service('blind', 'User=asr', 'ProtectHome=yes')
    box.script(`cp -r /opt/tool /root/tool && cp ${NODE} /root/node`)
    const tools = box.run('env', '-C', '/opt', NODE, '/root/tool/main.js', 'bench', '--unit', 'blind', '--runs', '1', ...work(1))
    expect(tools.stderr).toMatch(/In the place of blind\.service: The service may not read \/root\/tool\/bench-worker\.js, a file of asr-doctor itself/)
    expect(tools.code).toBe(4)
    const node = box.run('env', '-C', '/opt', '/root/node', '/opt/tool/main.js', 'bench', '--unit', 'blind', '--runs', '1', ...work(1))
    expect(node.stderr).toMatch(/cannot execute \/root\/node, the Node\.js that runs asr-doctor \(status 203\/EXEC\)/)
    expect(node.stderr).toMatch(/In this shell it ran, with RTF/)
    expect(left()).toBe('')
  })

  it('a memory limit that ends the work is named', () => {
    service('tight', 'User=asr', 'MemoryMax=150M', 'MemorySwapMax=0')
    const { result, code } = bench('--unit', 'tight', '--runs', '1', '--command', `${NODE} -e "const a=[];for(let i=0;i<40;i++)a.push(Buffer.alloc(1e7,1));console.log(a.length)" {audio}`)
    expect(result.error).toMatch(/In the place of tight\.service: .*(SIGKILL|memory limit)/)
    expect(result.error).toMatch(/The kernel ends what goes beyond MemoryMax=150M, MemorySwapMax=0/)
    expect(result.error).toMatch(/In this shell it ran/)
    expect(code).toBe(4)
    expect(left()).toBe('')
  })

  it.each([['SIGINT', 130], ['SIGKILL', 137]] as const)('%s to the benchmark ends the unit and all in it', (signal, code) => {
    const out = box.run('bash', '-c', `${words('--unit', 'plain', '--command', '"/bin/sh /opt/test/sleeps.sh {audio}"').join(' ')} >/run/out.json 2>/dev/null & pid=$!
for i in $(seq 300); do pgrep -f '[s]leep 300' >/dev/null && break; sleep .1; done
systemctl list-units --no-legend --plain 'asr-doctor-bench-*' | cut -d' ' -f1
kill -${signal} $pid; wait $pid; echo $?
for i in $(seq 100); do [ -z "$(systemctl list-units --all --no-legend --plain 'asr-doctor-bench-*')" ] && break; sleep .1; done
pgrep -af '[s]leep 300|[b]ench-worker'; ls /opt/tool/tmp; true`)
    expect(out.stdout.trim().split('\n')).toEqual([expect.stringMatching(/^asr-doctor-bench-\d+-[0-9a-f]{8}\.service$/), String(code)])
    if (signal === 'SIGINT') expect(checked(box.run('cat', '/run/out.json').stdout).error).toMatch(/interrupted before anything had run/)
    expect(left()).toBe('')
  })

  it('under sudo it is said that this shell is not the user’s', () => {
    const ran = box.run('env', 'SUDO_USER=asr', ...words('--unit', 'plain', '--runs', '1', ...work(1)))
    expect(said(ran).conditions.shellNote).toMatch(/^This shell is that of sudo, which drops most variables of asr, LD_LIBRARY_PATH among them/)
  })

  it('the built-in network, in the place of a service', () => {
    const ran = box.run('env', '-C', REPOSITORY, NODE, '/opt/tool/main.js', 'bench', '--json', '--audio', '/opt/test/short.wav', '--unit', 'plain', '--runs', '2', '--threads', '1', '--provider', 'cpu')
    const result = said(ran)
    expect(result).toMatchObject({ target: { kind: 'embedded', threads: 1 }, workload: 'fastconformer-s', provider: { used: 'cpu', tier: 'cpu' }, conditions: { service: { user: 'asr', provider: 'cpu' }, shell: { provider: 'cpu' } } })
    expect(result.conditions.ratio.pairs).toBe(2)
    expect(result.provider.placement[0].nodes).toBeGreaterThan(500)
    expect(left()).toBe('')
  })

  it.each<[string, readonly string[], object]>([
    ['a model of one’s own', ['--model', '/opt/test/ctc'], { target: { kind: 'model', files: ['model.onnx'] }, text: { empty: expect.any(Boolean) } }],
    ['the onnxruntime of a Python', ['--python', '/opt/test/python', '--workload', 'fastconformer-s'], { target: { kind: 'python', runtime: 'onnxruntime 1.23.2 in Python 3.11.7' } }],
  ])('%s, in the place of a service', (_, target, expected) => {
    const ran = box.run('env', '-C', REPOSITORY, NODE, '/opt/tool/main.js', 'bench', '--json', '--audio', '/opt/test/short.wav', '--unit', 'plain', '--runs', '2', '--threads', '1', '--provider', 'cpu', ...target)
    const result = said(ran)
    expect(result).toMatchObject({ ...expected, provider: { used: 'cpu', placement: [{ provider: 'CPUExecutionProvider' }] }, conditions: { service: { user: 'asr', provider: 'cpu', failed: null }, shell: { user: 'root', provider: 'cpu', failed: null } } })
    expect(result.conditions.ratio.pairs).toBe(2)
    expect(left()).toBe('')
  })

  it('a quota that no neighbour can hide, taken from the service and put upon the shell', async () => {
    service('tenth', 'User=asr', 'CPUQuota=10%')
    const { conditions, factors } = await later('--unit', 'tenth', '--runs', '6', '--vary', 'quota,memory', ...work(5))
    expect(conditions.ratio.low).toBeGreaterThan(1.5)
    expect(factors.map(({ name, from, measurable }: any) => [name, from, measurable])).toEqual([['quota', 'service', true], ['quota', 'shell', true], ['memory', 'service', null]])
    for (const { ratio } of factors.slice(0, 2)) expect(ratio.median).toBeGreaterThan(1.5)
    expect(factors[2]).toMatchObject({ ratio: null, because: 'tenth.service sets no memory limit of its own, so there is nothing to change.' })
    expect(left()).toBe('')
  }, 600_000)

  it('incident 0: half a CPU doubles the time of one thread; the variables and the memory limit have no part in it', async () => {
    service('asr', 'User=asr', 'CPUQuota=50%', 'MemoryMax=1G', 'Environment=LD_LIBRARY_PATH=/nowhere')
    const result = await later('--unit', 'asr', '--runs', '8', '--vary', 'quota,env,memory', ...work(8))
    const { conditions, factors } = result
    expect(conditions.ratio.low).toBeGreaterThan(1.2)
    expect(conditions.ratio.median).toBeLessThan(4)
    expect(conditions.explained.join(' ')).toMatch(/A CPU quota stopped it in \d+ % of the scheduling periods in asr\.service: a run took [\d.]+ times the CPU time it used/)
    expect(conditions.service.throttled).toBeGreaterThan(0.4)
    expect(conditions.shell.throttled ?? 0).toBeLessThan(0.1)
    expect(result.doubts.map(({ kind }: { kind: string }) => kind)).toContain('throttled')
    const of = (name: string) => factors.filter((factor: { name: string }) => factor.name === name)
    expect(of('quota').map(({ from }: { from: string }) => from)).toEqual(['service', 'shell'])
    const [taken, given] = of('quota')
    expect(taken).toMatchObject({ measurable: true, because: expect.stringContaining('With CPUQuota=50% as in asr.service a run took') })
    expect(taken.ratio.median).toBeGreaterThan(1.2)
    expect(taken.ratio.median).toBeLessThan(4)
    expect(given.ratio.median).toBeGreaterThan(1)
    for (const factor of [...of('env'), ...of('memory')]) {
      expect(factor.ratio.median).toBeGreaterThan(0.75)
      expect(factor.ratio.median).toBeLessThan(1.3)
    }
    expect(of('env')[0].because).toMatch(/LD_LIBRARY_PATH/)
    expect(left()).toBe('')
  }, 600_000)
})
