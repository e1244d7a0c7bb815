import { expect, it } from 'vitest'
import { threadFlagOf } from '../../src/cgroup/thread-flags.ts'
import { cpuListOf, limitBytesOf, secondsOf, ticksOf } from '../../src/cgroup/values.ts'
import { cpusInWords } from '../../src/cgroup/words.ts'
import { levelsOf } from '../../src/cgroup/place.ts'

it.each<[string, boolean, number | null]>([
  ['whisper-server -m model.bin -t 8', true, 8],
  ['whisper-server -t8', true, 8],
  ['server -t 8', false, null],
  ['server --threads 6', false, 6],
  ['server --threads=6', false, 6],
  ['sherpa-onnx-offline --num-threads=3 a.wav', false, 3],
  ['python serve.py --cpu_threads 12', false, 12],
  ['python serve.py --cpu-threads=12', false, 12],
  ['server --threads auto', false, null],
  ['server --threads', false, null],
  ['server --threads 0', false, null],
  ['server --max-threads-per-user 4', false, null],
])('%s asks for threads', (line, short, count) => {
  expect(threadFlagOf(line.split(' '), short)?.count ?? null).toBe(count)
})

it.each([['500ms', 0.5], ['1.500s', 1.5], ['2s', 2], ['1min 4s', 64], ['infinity', null], ['', null]])('systemd prints %s for a quota', (span, seconds) => {
  expect(secondsOf(span)).toBe(seconds)
})

it('reads lists, limits and names with brackets', () => {
  expect(cpuListOf('0-3,8\n')).toEqual([0, 1, 2, 3, 8])
  expect([limitBytesOf('max\n'), limitBytesOf('9223372036854771712\n'), limitBytesOf('infinity'), limitBytesOf('1048576\n')]).toEqual([null, null, null, 1048576])
  expect(ticksOf('42 (x) R 1 (y) S 1 42 42 0 -1 4194560 0 0 0 0 7 5 0 0 20')).toBe(12)
  expect([0.5, 0.15, 0.125, 1, 1.5, 2].map(cpusInWords)).toEqual(['half of ONE CPU', '15 % of ONE CPU', '12.5 % of ONE CPU', 'one CPU', '1.5 CPUs', '2 CPUs'])
})

it('walks from a cgroup to the mount, and never outside of it', () => {
  const mount = { version: 2, root: '/a', point: '/sys/fs/cgroup', controllers: [] } as const
  expect(levelsOf(mount, '/a/b/c')!.map(({ directory }) => directory)).toEqual(['/sys/fs/cgroup/b/c', '/sys/fs/cgroup/b', '/sys/fs/cgroup'])
  expect([levelsOf(mount, '/ab'), levelsOf(mount, '/'), levelsOf(mount, '/a/../x')]).toEqual([null, null, null])
})
