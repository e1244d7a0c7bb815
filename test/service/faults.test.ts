import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { CheckId, Edit, Outcome, Target } from '../../src/types.ts'
import { bootBox, boxMissing, type Box } from '../support/box.ts'
import { examineInBox, type Job, type Seen } from '../support/box-diagnose.ts'
import { describeWith } from '../support/rig.ts'
import { FAULTS, type Fault } from './faults.ts'
import { holder, HOLD, writeFiles } from './files.ts'

const MODULES = ['checks/service/index.ts']
const target = ({ name, user }: { name: string; user?: true }): Target => ({ kind: 'unit', name: `${name}.service`, scope: user ? 'user' : 'system' })

const found = (seen: Seen): Record<string, string> =>
  Object.fromEntries([...seen.outcomes].flatMap(([id, outcome]) => (outcome.status === 'found' ? [[id, outcome.findings.map(({ cause }) => cause).join('\n')]] : [])))
/** An edit done by hand: the value as it stands, quoted where it is a variable. */
const done = (edit: Edit): Record<string, string> | null =>
  edit.kind === 'unit-drop-in'
    ? { [`/etc/systemd/system/${edit.unit}.d/90-cure.conf`]: `[Service]\n${edit.set.map(({ key, value }) => (key === 'Environment' ? `${key}="${value}"` : `${key}=${value}`)).join('\n')}\n` }
    : null

const troubled = (seen: Seen): readonly (readonly [string, Outcome])[] => [...seen.outcomes].filter(([, { status }]) => status === 'crashed' || status === 'unknown')

describeWith('systemd box', boxMissing(), () => {
  let box: Box
  const before = new Map<string, Seen>()
  const after = new Map<string, Seen>()
  const cured = new Map<string, Seen>()
  let healthy: readonly Seen[] = []
  const system = FAULTS.filter(({ user }) => !user)
  const own = FAULTS.filter(({ user }) => user)
  const HEALTHY = ['systemd-logind', 'dbus', 'systemd-journald', 'user@1500', 'user-runtime-dir@1500', 'systemd-user-sessions', 'h-plain', 'h-hardened', 'h-gpu']

  beforeAll(async () => {
    box = bootBox('faults')
    box.script(`useradd -m -u 1500 -s /bin/bash robert; useradd -m -u 1501 lena; groupadd -g 1601 speech; echo x >/home/lena/model.bin
      mknod -m 660 /dev/nvidia0 c 195 0; mknod -m 660 /dev/nvidiactl c 195 255; mknod -m 660 /dev/nvidia-uvm c 511 0; chgrp speech /dev/nvidia*
      loginctl enable-linger robert`)
    writeFiles(box, {
      ...holder,
      ...Object.assign({}, ...FAULTS.map(({ files }) => files)),
      '/etc/systemd/system/h-plain.service': `[Unit]\nDescription=a plain service\n[Service]\nExecStart=${HOLD}\nEnvironment=HF_HOME=/srv/models\n[Install]\nWantedBy=multi-user.target\n[X-Mine]\nAnything=1\n`,
      '/etc/systemd/system/h-hardened.service': `[Service]\nExecStart=${HOLD} /srv/x\nProtectHome=yes\nProtectSystem=strict\nPrivateDevices=yes\nPrivateTmp=yes\nUser=lena\nEnvironmentFile=-/etc/default/nothing\n`,
      '/etc/systemd/system/h-gpu.service': `[Service]\nExecStart=${HOLD} --device cuda\nUser=lena\nGroup=speech\nStateDirectory=h-gpu\nEnvironment=LD_LIBRARY_PATH=/usr/local/cuda/lib64 CUDA_VISIBLE_DEVICES=0\n`,
    })
    const names = (faults: readonly Fault[]) => faults.map(({ name }) => name).join(' ')
    box.script(`chmod 755 ${HOLD}; chown -R robert: /home/robert; mkdir -p /srv; systemctl daemon-reload
      systemctl start h-plain h-hardened h-gpu ${names(system)} || true
      for i in $(seq 50); do [ -S /run/user/1500/systemd/private ] && break; sleep 0.1; done`)
    box.runAs('robert', 'systemctl', '--user', 'daemon-reload')
    box.runAs('robert', 'systemctl', '--user', 'start', ...own.map(({ name }) => name))
    // A session without a seat, as ssh opens one: it holds the manager while lingering is off.
    box.script(`systemd-run --quiet --unit=remote-robert --property=PAMName=login --property=User=robert sleep infinity
      for i in $(seq 50); do loginctl list-sessions --no-legend | grep -q robert && break; sleep 0.1; done; loginctl disable-linger robert\n${FAULTS.map((fault) => fault.after ?? '').join('\n')}`)
    const examine = async (into: Map<string, Seen>) => {
      const job = (fault: Fault): Job => ({ target: target(fault) })
      for (const [at, seen] of (await examineInBox(box, system.map(job), MODULES, { limitMs: 60_000 })).entries()) into.set(system[at]!.name, seen)
      for (const [at, seen] of (await examineInBox(box, own.map(job), MODULES, { user: 'robert', limitMs: 60_000 })).entries()) into.set(own[at]!.name, seen)
    }
    await examine(before)
    healthy = await examineInBox(box, HEALTHY.map((name) => ({ target: target({ name }) })), MODULES, { limitMs: 60_000 })
    const cures = system.flatMap((fault) => edits(before.get(fault.name)!).map(([, edit]) => ({ fault, edit })))
    writeFiles(box, Object.assign({}, ...cures.map(({ edit }) => done(edit) ?? {})))
    const lines = cures.flatMap(({ edit }) => (edit.kind === 'line' ? [`[ "$(sed -n ${edit.line}p ${edit.file})" = '${edit.before}' ]; sed -i '${edit.line}c\\${edit.after}' ${edit.file}`] : []))
    const curedNames = [...new Set(cures.map(({ fault }) => fault.name))]
    box.script(`${lines.join('\n')}\nsystemctl daemon-reload; systemctl restart ${curedNames.join(' ')}`)
    for (const [at, seen] of (await examineInBox(box, curedNames.map((name) => ({ target: target({ name }) })), MODULES, { limitMs: 60_000 })).entries()) cured.set(curedNames[at]!, seen)
    box.script('rm -f /etc/systemd/system/*.service.d/90-cure.conf')
    writeFiles(box, Object.assign({}, ...FAULTS.map(({ mended }) => mended)))
    box.script(`${FAULTS.map((fault) => fault.mendScript ?? '').join('\n')}
      chown -R robert: /home/robert; systemctl daemon-reload; systemctl reset-failed; systemctl restart ${names(system)}`)
    box.runAs('robert', 'systemctl', '--user', 'daemon-reload')
    box.runAs('robert', 'systemctl', '--user', 'restart', ...own.map(({ name }) => name))
    await examine(after)
  })
  afterAll(() => box?.stop())

  /** What the fixes of a diagnosis would change, with the check each belongs to. */
  const edits = (seen: Seen): readonly (readonly [CheckId, Edit])[] =>
    [...seen.outcomes].flatMap(([id, outcome]) => (outcome.status === 'found' ? outcome.findings.flatMap(({ fixes }) => fixes.flatMap((fix) => fix.edits.map((edit) => [id, edit] as const))) : []))

  it('proposes edits that cure: the check passes afterwards', () => {
    const tried = [...cured].flatMap(([name, seen]) => edits(before.get(name)!).map(([id]) => [name, id, seen.outcomes.get(id)] as const))
    expect(new Set(tried.map(([, id]) => id))).toEqual(new Set(['service/unit-directive-unknown', 'service/variable-not-expanded', 'service/device-access-denied', 'service/home-hidden']))
    for (const [name, id, outcome] of tried) expect(outcome, `${name}: ${id}`).toEqual({ status: 'passed' })
  })

  describe.each(FAULTS.map((fault) => [fault.story, fault] as const))('%s', (_, fault) => {
    it('is found, and nothing else is', () => {
      const seen = before.get(fault.name)!
      expect(troubled(seen).map(([id]) => id)).toEqual(fault.blind ?? [])
      const said = found(seen)
      expect(Object.keys(said).sort(), JSON.stringify(said, null, 1)).toEqual(Object.keys(fault.found).sort())
      for (const [id, words] of Object.entries(fault.found)) expect(said[id]).toMatch(words)
    })
    it('is gone when mended', () => {
      const seen = after.get(fault.name)!
      expect(troubled(seen)).toEqual([])
      expect(found(seen)).toEqual({})
    })
    it('cites only questions that were asked', () => {
      const seen = before.get(fault.name)!
      for (const outcome of seen.outcomes.values()) {
        if (outcome.status !== 'found') continue
        for (const { evidence } of outcome.findings) for (const { source } of evidence) expect([...seen.log.keys()]).toContain(seen.log.has(source) ? source : source.replace(/:\d+$/, ''))
      }
    })
  })

  it.each(HEALTHY.map((name, at) => [name, at] as const))('says nothing of the healthy %s', (_, at) => {
    expect(found(healthy[at]!)).toEqual({})
    expect(troubled(healthy[at]!)).toEqual([])
  })
})
