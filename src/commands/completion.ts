import type { Command } from 'commander'
import type { Io } from '../io.ts'

export function addCompletion(program: Command, io: Io): void {
  program
    .command('completion')
    .argument('<shell>', 'bash, zsh or fish')
    .description('Print the completion script of a shell.')
    .addHelpText('after', '\nExamples:\n  source <(asr-doctor completion bash)\n  asr-doctor completion fish > ~/.config/fish/completions/asr-doctor.fish')
    .action(async (shell: string) => {
      const { completion } = await import('../actions/completion.ts')
      io.stdout.write(completion(shell, program))
    })
}
