import type { Command } from 'commander'
import { colourOn, widthOf, type Io } from '../io.ts'

const pageWidth = (io: Io): number => Math.max(40, Math.min(widthOf(io.stdout), 100))

export function addList(program: Command, io: Io): void {
  program
    .command('list')
    .description('List every check and the fault it finds.')
    .option('--json', 'print the list as JSON')
    .action(async ({ json }: { json?: boolean }) => {
      const { allChecks } = await import('../load.ts')
      const checks = allChecks()
      if (json) return void io.stdout.write(`${JSON.stringify(checks.map(({ id, title, docs, fixes }) => ({ id, title, ...docs, fixes })), null, 2)}\n`)
      const { listing } = await import('../docs.ts')
      io.stdout.write(listing(checks, colourOn(io.stdout, io.env, program.opts()['color'] !== false), pageWidth(io)))
    })
}

export function addExplain(program: Command, io: Io): void {
  program
    .command('explain')
    .argument('<id>', 'a check, such as cuda/libraries-hidden')
    .description('Explain one check: what it looks at, why it matters, what to do.')
    .action(async (id: string) => {
      const [{ explanation }, { allChecks, checkNamed }] = await Promise.all([import('../docs.ts'), import('../load.ts')])
      io.stdout.write(explanation(checkNamed(id, allChecks()), colourOn(io.stdout, io.env, program.opts()['color'] !== false), pageWidth(io)))
    })
}
