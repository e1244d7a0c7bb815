import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Ajv2019 } from 'ajv/dist/2019.js'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { container } from '../../src/facts/container.ts'
import { containerFix, snippetsFor, type ContainerWish } from '../../src/facts/container-fix.ts'
import { diagnose } from '../../src/diagnose.ts'
import { offerOf, wishesOf } from '../../src/fix/offer.ts'
import { plan } from '../../src/fix/plan.ts'
import { fixJson, fixText } from '../../src/fix/report.ts'
import { gatherer } from '../../src/gather.ts'
import { hostOf, remembered } from '../../src/host/host.ts'
import { question } from '../../src/question.ts'
import type { Json } from '../../src/types.ts'
import { diagnoseHere, hostHere } from '../support/diagnose.ts'
import { describeWith } from '../support/rig.ts'
import { wheel } from '../support/wheels.ts'
import { dropInWish, madeUp, service, siteOf, type MadeUp } from './made-up.ts'
import { podman, podmanMissing, type Podman } from './podman.ts'

/**
 * Genuine lines of /proc/self/mountinfo in containers, from the test resources of open-telemetry/opentelemetry-java-instrumentation
 * (Apache-2.0): docker, podman, crio and containerd_proc_self_mountinfo. The layers of the root are shortened.
 */
const ROOT = '456 375 0:143 / / rw,relatime master:175 - overlay overlay rw,lowerdir=l,upperdir=u,workdir=w\n'
const DOCKER = '473 456 254:1 /docker/containers/be522444b60caf2d3934b8b24b916a8a314f4b68d4595aa419874657e8d103f2/hostname /etc/hostname rw,relatime - ext4 /dev/vda1 rw\n'
const PODMAN = '980 963 0:56 /containers/overlay-containers/2a33efc76e519c137fe6093179653788bed6162d4a15e5131c8e835c968afbe6/userdata/.containerenv /run/.containerenv ro,nosuid,nodev,noexec,relatime - tmpfs tmpfs rw,size=783888k,nr_inodes=195972,mode=700,uid=2024,gid=2024,inode64\n'
const CRIO = `10313 10303 0:25 /containers/storage/overlay-containers/2ac4c84cb0d3c3beb04beeef6ccf71c17b5fdd0252ce3a2b66bc2fdd0aaa1814/userdata/.containerenv /run/.containerenv rw,nosuid,nodev master:15 - tmpfs tmpfs rw,seclabel
10314 10303 252:4 /ostree/deploy/rhcos/var/lib/kubelet/pods/0a947273-7214-4824-8411-875ebd7626e4/etc-hosts /etc/hosts rw,relatime - xfs /dev/vda4 rw,seclabel,attr2,inode64,logbufs=8,logbsize=32k,prjquota\n`
const CONTAINERD = '2023 2002 253:1 /var/lib/containerd/io.containerd.grpc.v1.cri/sandboxes/b136f3d296b4c2024b3e7ad816f2a804a47cf1acc3d445075c6d78cf159ef58d/hostname /etc/hostname rw,relatime - xfs /dev/mapper/ubuntu--vg-root rw,attr2,inode64,logbufs=8,logbsize=32k,noquota\n'
const OTHERS_CONTAINERS = '99 1 8:1 / /var/lib/docker/containers/be522444b60caf2d3934b8b24b916a8a314f4b68d4595aa419874657e8d103f2/mounts/shm rw - tmpfs shm rw\n'
const HEX = '9ec39b91f3d70e1beff50a308f77067065ea6be0d91a3378375056cd4422cf3d'

interface Process {
  readonly cgroup: string
  readonly mountinfo?: string
  readonly environ?: Readonly<Record<string, string>>
  readonly own?: string
  readonly files?: readonly string[]
}

/** A process 77 that is not behind any unit the target names. */
const inside = ({ cgroup, mountinfo = '30 1 8:1 / / rw - ext4 /dev/sda1 rw\n', environ = {}, own = '30 1 8:1 / / rw - ext4 /dev/sda1 rw\n', files = [] }: Process): MadeUp => ({
  running: { PATH: '/usr/bin', ...environ },
  answers: {
    target: { kind: 'pid', pid: 77 },
    [question.read('/proc/77/cgroup')]: cgroup, [question.read('/proc/77/mountinfo')]: mountinfo, [question.read('/proc/self/mountinfo')]: own,
    [question.readlink('/proc/77/root')]: '/', [question.readlink('/proc/77/ns/mnt')]: 'mnt:[2]', [question.readlink('/proc/self/ns/mnt')]: 'mnt:[1]',
    ...Object.fromEntries(files.map((path) => [question.stat(`/proc/77/root${path}`), { type: 'file', mode: 0o644, uid: 0, gid: 0, sizeBytes: 0, mtimeMs: 0, device: null } as Json])),
  },
})

const engineOf = async (of: Process): Promise<string | null> => (await siteOf(madeUp(inside(of))).use(container))?.engine ?? null

describe('the container around a process', () => {
  it.each<readonly [string, Process, string | null]>([
    ['docker with systemd’s cgroups', { cgroup: `1:name=systemd:/system.slice/docker-${HEX}.scope\n` }, 'docker'],
    ['docker with its own cgroups', { cgroup: `4:memory:/docker/${HEX}\n0::/docker/${HEX}\n` }, 'docker'],
    ['podman in a scope of a user', { cgroup: `0::/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-${HEX}.scope\n` }, 'podman'],
    ['podman that a unit runs', { cgroup: `0::/system.slice/asr.service/libpod-payload-${HEX}\n` }, 'podman'],
    ['a pod of containerd, below the unit of containerd', { cgroup: `1:name=systemd:/system.slice/containerd.service/kubepods-burstable-pod321c09bf_282b_44e4_a467_39daf144ef1f.slice:cri-containerd:${HEX}\n` }, 'kubernetes'],
    ['a pod whose containers docker makes', { cgroup: `4:memory:/kubepods/burstable/pod321c09bf/docker-${HEX}\n` }, 'kubernetes'],
    ['docker seen from inside', { cgroup: '0::/\n', mountinfo: ROOT + DOCKER }, 'docker'],
    ['podman seen from inside', { cgroup: '0::/\n', mountinfo: ROOT + PODMAN }, 'podman'],
    ['CRI-O seen from inside', { cgroup: '0::/\n', mountinfo: ROOT + CRIO }, 'kubernetes'],
    ['containerd seen from inside', { cgroup: '0::/\n', mountinfo: ROOT + CONTAINERD }, 'kubernetes'],
    ['a pod known by its variable alone', { cgroup: '0::/\n', mountinfo: ROOT, environ: { KUBERNETES_SERVICE_HOST: '10.96.0.1' } }, 'kubernetes'],
    ['docker known by its mark alone', { cgroup: '0::/\n', mountinfo: ROOT, files: ['/.dockerenv'] }, 'docker'],
    ['no container', { cgroup: '0::/user.slice/user-1000.slice/session-2.scope\n' }, null],
    ['the daemon of docker itself', { cgroup: '0::/system.slice/docker.service\n', mountinfo: `30 1 8:1 / / rw - ext4 /dev/sda1 rw\n${OTHERS_CONTAINERS}` }, null],
    ['a machine that was built from an image and still has its mark', { cgroup: '0::/system.slice/asr.service\n', mountinfo: ROOT, files: ['/.dockerenv'] }, null],
    ['a service of a systemd that runs in a container, the doctor beside it', { cgroup: `0::/docker/${HEX}/system.slice/asr.service\n`, mountinfo: ROOT + DOCKER, own: ROOT + DOCKER }, null],
    ['a service of a systemd in a pod, in the cgroup namespace of that', { cgroup: '0::/system.slice/asr.service\n', mountinfo: ROOT + CRIO, own: ROOT + CRIO, environ: { KUBERNETES_SERVICE_HOST: '10.96.0.1' } }, null],
  ])('%s', async (_, of, engine) => {
    expect(await engineOf(of)).toBe(engine)
  })
})

const WISH: ContainerWish = { env: { LD_LIBRARY_PATH: "/opt/\u0085\u2028\ufeffit's a \"b\":/opt/$HOME/${x}:/c$(id)", OMP_NUM_THREADS: '4' }, cpus: 2.5, cpuset: '0-1', memoryMegabytes: 512, devices: ['/dev/null'], groups: ['audio'], gpu: true }

describe('in a plan and in what is shown', () => {
  const low: MadeUp = {
    ...inside({ cgroup: `0::/docker/${HEX}\n` }),
    answers: {
      ...inside({ cgroup: `0::/docker/${HEX}\n`, own: '30 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n' }).answers,
      [question.read('/proc/77/cmdline')]: 'whisper-server\0--threads\x004\0',
      [question.read('/sys/devices/system/cpu/online')]: '0-7\n',
      [question.read('/proc/77/status')]: 'Name:\tasr\nUid:\t0\t0\t0\t0\nGid:\t0\t0\t0\t0\nGroups:\t\nThreads:\t4\nCpus_allowed_list:\t0-7\n',
      [question.stat(`/sys/fs/cgroup/docker/${HEX}/cgroup.procs`)]: { type: 'file', mode: 0o644, uid: 0, gid: 0, sizeBytes: 0, mtimeMs: 0, device: null },
      [question.read(`/sys/fs/cgroup/docker/${HEX}/cpu.max`)]: '50000 100000\n',
    },
  }

  it('a quota of docker is raised in the words of docker and compose, in the report and in JSON', async () => {
    const { default: check } = await import('../../checks/cgroup/cpu-quota-low.ts')
    const machine = remembered(madeUp(low))
    const host = hostOf(machine)
    const judging = { machine, checks: [check], before: await diagnose(host, gatherer(host), [check]) }
    const offer = await offerOf(judging, { named: new Set(), writers: null, barred: new Set() })
    expect(offer.main.changes).toEqual([])
    const advice = wishesOf(judging).filter(({ fix }) => fix.edits.every(({ kind }) => kind === 'snippet')).map(({ check: id, fix }) => ({ check: id, fix }))
    const told = { target: { kind: 'pid' as const, pid: 77 }, pid: 77, offer, steps: [], advice, found: true, unseen: null, notes: [], written: [], runId: null, call: null }
    const text = fixText(told, { width: 80, colour: false })
    expect(text).toContain('      docker run --cpus=4 …\n')
    expect(text).toContain('      services:\n        SERVICE:\n          cpus: 4\n')
    expect(text).not.toMatch(/systemctl|CPUQuota/)
    const answer = JSON.parse(fixJson(told)) as { changes: { target: string; diff: string; safety: string }[] }
    const valid = new Ajv2020({ allErrors: true, allowUnionTypes: true }).compile(JSON.parse(readFileSync(new URL('../../schema/fix-1.json', import.meta.url), 'utf8')))
    expect(valid(answer), JSON.stringify(valid.errors)).toBe(true)
    expect(answer.changes).toEqual([
      { target: 'docker', diff: 'docker run --cpus=4 …\n', safety: 'manual', check: 'cgroup/cpu-quota-low' },
      { target: 'compose', diff: 'services:\n  SERVICE:\n    cpus: 4\n', safety: 'manual', check: 'cgroup/cpu-quota-low' },
    ])
  })

  it('a drop-in that would not reach the process is refused, one for its limits is not', async () => {
    const of: MadeUp = { ...inside({ cgroup: `0::/system.slice/asr.service/libpod-payload-${HEX}\n` }) }
    const { refused, rows } = await plan([dropInWish([service('Environment', 'A=1')], { check: 'test/env' }), dropInWish([service('CPUQuota', '400%')], { check: 'test/quota' })], siteOf(madeUp(of)))
    expect(refused).toMatchObject([{ wish: { check: 'test/env' }, because: 'The process runs in a container of podman, which Environment= of a unit does not reach.' }])
    expect(rows.map(({ wish }) => wish.check)).toEqual(['test/quota'])
  })

  it('what an engine has no words for stays a sentence', () => {
    expect(containerFix('x', 'kubernetes', { cpuset: '0-1' })).toBeNull()
    expect(containerFix('x', 'kubernetes', { devices: ['/dev/snd'] })).toBeNull()
    expect(containerFix('x', 'docker', { cpus: null })!.edits).toMatchObject([{ text: 'docker run …\n# and without --cpus\n' }, { text: 'services:\n  SERVICE:\n    # and without cpus\n' }])
  })
})

/** What a real YAML reader makes of it. */
function yaml(text: string): any {
  const ran = spawnSync('python3', ['-c', 'import json,sys,yaml; print(json.dumps(yaml.safe_load(sys.stdin.read())))'], { input: text, encoding: 'utf8', env: { ...process.env, PYTHONPATH: wheel('PyYAML', '6.0.2', '^yaml/.*\\.py$') } })
  expect(ran.status, ran.stderr).toBe(0)
  return JSON.parse(ran.stdout)
}

describe('the snippets, read by real readers', () => {
  const textFor = (engine: 'docker' | 'podman' | 'kubernetes', kind: string, wish: ContainerWish = WISH) => snippetsFor(engine, wish).find((each) => each.for === kind)!.text
  /** The words a shell makes of the flags. */
  const words = (text: string): readonly string[] => execFileSync('sh', ['-c', `set -- ${text.replace(/^\w+ run (.*) …\n$/s, '$1')}; printf '%s\\0' "$@"`], { encoding: 'utf8' }).split('\0').filter(Boolean)

  it('Compose: what its own schema allows, and the letters that were meant', () => {
    // It names its dialect, itself and its parts in words of an older dialect.
    const dated = (key: string, value: unknown) => ((key === 'id' || key === '$schema') && typeof value === 'string' ? undefined : value)
    const schema = JSON.parse(readFileSync(join(wheel('docker-compose', '1.29.2', 'compose_spec\\.json$'), 'compose/config/compose_spec.json'), 'utf8'), dated) as object
    const valid = new Ajv2019({ strict: false, validateFormats: false }).compile(schema)
    const read = yaml(textFor('docker', 'compose'))
    expect(valid(read), JSON.stringify(valid.errors)).toBe(true)
    expect(valid({ services: { SERVICE: { cpu: 4 } } })).toBe(false)
    expect(read.services.SERVICE).toMatchObject({ cpus: 2.5, cpuset: '0-1', mem_limit: '512m', devices: ['/dev/null:/dev/null'], group_add: ['audio'], deploy: { resources: { reservations: { devices: [{ driver: 'nvidia', count: 'all', capabilities: ['gpu'] }] } } } })
    // compose-spec, interpolation: $$ is one dollar, and a single one begins a variable.
    const value = read.services.SERVICE.environment.LD_LIBRARY_PATH as string
    expect(value.replaceAll('$$', '')).not.toContain('$')
    expect(value.replaceAll('$$', '$')).toBe(WISH.env!['LD_LIBRARY_PATH'])
  })

  it('Kubernetes: YAML of the shape of a pod', () => {
    const { devices: _, cpuset: __, groups: ___, ...wish } = WISH
    const [made] = yaml(textFor('kubernetes', 'kubernetes', wish)).spec.containers
    expect(made.resources).toEqual({ limits: { cpu: '2.5', memory: '512Mi', 'nvidia.com/gpu': 1 } })
    expect(made.env.map(({ name, value }: { name: string; value: string }) => [name, value.replaceAll('$$', '$')])).toEqual(Object.entries(WISH.env!))
  })

  it('docker: flags that its own command line takes', (context) => {
    if (!(process.env['PATH'] ?? '').split(':').some((folder) => existsSync(join(folder, 'docker')))) return context.skip('there is no docker here')
    // Flags are read before the daemon is asked, so a wrong one and a missing daemon are told apart.
    const ask = (flags: readonly string[]) => spawnSync('docker', ['-H', 'tcp://127.0.0.1:9', 'run', ...flags, 'image'], { encoding: 'utf8', timeout: 20_000 }).stderr
    expect(ask(words(textFor('docker', 'docker')))).not.toMatch(/unknown flag|invalid argument|requires/)
    expect(ask(['--cpus=x'])).toMatch(/invalid argument/)
    expect(ask(['--cpu=1'])).toMatch(/unknown flag/)
  })

  describeWith('podman', podmanMissing(), () => {
    let engine: Podman
    beforeAll(() => {
      engine = podman()
    })
    afterAll(() => engine?.drop())
    const inspected = (name: string): any => (JSON.parse(engine.run(['inspect', name]).stdout) as unknown[])[0]

    it('podman: the container it makes of the flags has what was meant', () => {
      const { gpu: _, ...wish } = WISH
      const made = engine.run(['create', '--name', 'flags', '--network', 'none', ...words(textFor('podman', 'podman', wish)), '--rootfs', engine.rootfs, '/bin/busybox', 'true'])
      expect(made.code, made.stderr).toBe(0)
      const { HostConfig: has, Config: config } = inspected('flags')
      expect(has).toMatchObject({ NanoCpus: 2.5e9, CpusetCpus: '0-1', Memory: 512 * 2 ** 20 })
      expect(has.GroupAdd).toEqual(['audio'])
      expect(has.Devices.map(({ PathOnHost }: { PathOnHost: string }) => PathOnHost)).toEqual(['/dev/null'])
      expect(config.Env).toEqual(expect.arrayContaining(Object.entries(WISH.env!).map(([name, value]) => `${name}=${value}`)))
      expect(engine.run(['create', '--cpu=1', '--rootfs', engine.rootfs, 'x']).stderr).toMatch(/unknown flag/)
    })

    it('podman play kube: a pod with the snippet in it has what was meant', () => {
      const archive = execFileSync('tar', ['-C', engine.rootfs, '-c', '.'], { maxBuffer: 1 << 26 })
      expect(engine.run(['import', '-', 'localhost/asr:1'], archive).code).toBe(0)
      const snippet = textFor('kubernetes', 'kubernetes', { env: { LD_LIBRARY_PATH: '/opt/it\'s a "b":/c' }, cpus: 2, memoryMegabytes: 512 })
      const file = join(engine.folder, 'pod.yaml')
      writeFileSync(file, `apiVersion: v1\nkind: Pod\nmetadata:\n  name: speech\n${snippet.replace('- name: CONTAINER\n', '- name: CONTAINER\n      image: localhost/asr:1\n      command: [/bin/busybox, "true"]\n')}`)
      const played = engine.run(['play', 'kube', '--start=false', '--network', 'none', file])
      expect(played.code, played.stderr).toBe(0)
      const { HostConfig: has, Config: config } = inspected('speech-CONTAINER')
      expect(has).toMatchObject({ NanoCpus: 2e9, Memory: 512 * 2 ** 20 })
      expect(config.Env).toContain('LD_LIBRARY_PATH=/opt/it\'s a "b":/c')
    })

    it('a real container with half a CPU: found, told in podman’s words, and well with them', async () => {
      const checks = (await import('../../checks/cgroup/index.ts')).cgroupChecks
      const started = (name: string, flags: readonly string[]): number => {
        const ran = engine.run(['run', '--detach', '--name', name, '--network', 'none', '--ulimit', 'nofile=1024:1024', '--ulimit', 'nproc=1024:1024', ...flags, '--rootfs', engine.rootfs, '/bin/busybox', 'sh', '-c', 'while :; do /bin/busybox sleep 1; done', 'asr', '--threads', '2'])
        expect(ran.code, ran.stderr).toBe(0)
        return inspected(name).State.Pid as number
      }
      const pid = started('half', ['--cpus=0.5'])
      expect(await hostHere({ kind: 'pid', pid }).read(`/proc/${pid}/cgroup`)).toContain('libpod')
      const { outcomes } = await diagnoseHere({ kind: 'pid', pid }, [...checks])
      const low = outcomes.get('cgroup/cpu-quota-low')
      if (low?.status !== 'found') return expect.fail(JSON.stringify(low))
      const snippet = low.findings[0]!.fixes[0]!.edits[0]!
      expect(low.findings[0]!.fixes[0]!.safety).toBe('manual')
      expect(snippet).toMatchObject({ kind: 'snippet', for: 'podman' })
      const text = snippet.kind === 'snippet' ? snippet.text : ''
      const mended = started('mended', /without --cpus/.test(text) ? [] : words(text))
      const then = (await diagnoseHere({ kind: 'pid', pid: mended }, [...checks])).outcomes.get('cgroup/cpu-quota-low')!
      expect(['passed', 'not-applicable']).toContain(then.status)
    }, 120_000)
  })
})
