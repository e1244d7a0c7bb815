import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Ran } from '../support/box.ts'

const BUSYBOX = ['/bin/busybox', '/usr/bin/busybox'].find((path) => existsSync(path))

const onPath = (name: string): boolean => (process.env['PATH'] ?? '').split(':').some((folder) => existsSync(join(folder, name)))

/** Why no container can be made here; null = it can. */
export function podmanMissing(): string | null {
  if (process.platform !== 'linux' || process.geteuid?.() !== 0) return 'needs root on Linux'
  if (BUSYBOX === undefined || !onPath('podman') || !onPath('runc')) return 'podman, runc, catatonit or busybox is missing: apt-get install podman runc catatonit busybox-static'
  return null
}

export interface Podman {
  readonly folder: string
  /** A root file system with busybox in it, and nothing else. */
  readonly rootfs: string
  run(words: readonly string[], input?: string | Buffer): Ran
  drop(): void
}

/** Podman with a store of its own, so that nothing of the machine's is touched; no network, no image from anywhere. */
export function podman(): Podman {
  const folder = mkdtempSync(join(tmpdir(), 'asr-doctor-podman-'))
  const rootfs = join(folder, 'rootfs')
  for (const made of ['rootfs/bin', 'home/.config/containers']) mkdirSync(join(folder, made), { recursive: true })
  cpSync(BUSYBOX!, join(rootfs, 'bin/busybox'), { dereference: true })
  writeFileSync(join(folder, 'home/.config/containers/policy.json'), '{"default":[{"type":"insecureAcceptAnything"}]}')
  const own = ['--root', join(folder, 'root'), '--runroot', join(folder, 'run'), '--storage-driver', 'vfs', '--cgroup-manager', 'cgroupfs', '--events-backend', 'file', '--tmpdir', join(folder, 'tmp'), '--network-config-dir', join(folder, 'net'), '--runtime', 'runc']
  const run: Podman['run'] = (words, input) => {
    const ran = spawnSync('podman', [...own, ...words], { encoding: 'utf8', timeout: 120_000, env: { ...process.env, HOME: join(folder, 'home') }, ...(input === undefined ? {} : { input }) })
    return { code: ran.status, stdout: ran.stdout ?? '', stderr: ran.stderr ?? '' }
  }
  return {
    folder, rootfs, run,
    drop: () => {
      run(['pod', 'rm', '--all', '--force', '--time', '0'])
      run(['rm', '--all', '--force', '--time', '0'])
      // What it leaves running writes there for a moment more.
      rmSync(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 })
    },
  }
}
