import type { Target } from './types.ts'

/** The target in one word, as `--json` and headings name it. */
export function targetName(target: Target): string {
  switch (target.kind) {
    case 'shell':
      return 'shell'
    case 'unit':
      return target.name
    case 'pid':
      return String(target.pid)
    case 'python':
    case 'library':
      return target.path
  }
}

/** The words that examine it again. */
export function targetArgs(target: Target): readonly string[] {
  switch (target.kind) {
    case 'shell':
      return []
    case 'unit':
      return ['--unit', target.name, `--${target.scope}`]
    case 'pid':
      return ['--pid', String(target.pid)]
    case 'python':
      return ['--python', target.path]
    case 'library':
      return ['--library', target.path]
  }
}
