import type { Command } from 'commander'
import { FACTORS } from '../bench/types.ts'
import { allChecks, familyOf } from '../load.ts'
import { WrongCall } from '../wrong-call.ts'

const SHELLS = ['bash', 'zsh', 'fish'] as const

/** The completion script of a shell, made from the commands as they are. */
export function completion(shell: string, program: Command): string {
  const script = { bash, zsh, fish }[shell as (typeof SHELLS)[number]]
  if (script === undefined) throw new WrongCall(`completion ${shell}: there is a script for ${SHELLS.join(', ')}.`)
  return script(program)
}

const commandsOf = (program: Command) => program.commands.map((command) => ({ name: command.name(), flags: command.options.flatMap(({ long, short }) => [long, short].flatMap((flag) => flag ?? [])), about: command.description() }))
const idsAndFamilies = (): readonly string[] => [...new Set(allChecks().flatMap(({ id }) => [familyOf(id), id]))]

function bash(program: Command): string {
  const commands = commandsOf(program)
  return `_asr_doctor() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD-1]} word command=check
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do case $word in ${commands.map(({ name }) => name).join('|')}) command=$word; break;; esac; done
  case $prev in
    --only|--skip|--allow|explain) COMPREPLY=($(compgen -W '${idsAndFamilies().join(' ')}' -- "$cur")); return;;
    --unit|-u) COMPREPLY=($(compgen -W "$(systemctl list-unit-files --type=service --no-legend --plain 2>/dev/null | cut -d' ' -f1)" -- "$cur")); return;;
    --fail-on) COMPREPLY=($(compgen -W 'error warning info never' -- "$cur")); return;;
    --vary) COMPREPLY=($(compgen -W '${FACTORS.join(' ')}' -- "$cur")); return;;
    --python|--library|--replay|--output|-o|--audio|--reference|--model|--baseline|--save-baseline) COMPREPLY=($(compgen -f -- "$cur")); return;;
    completion) COMPREPLY=($(compgen -W '${SHELLS.join(' ')}' -- "$cur")); return;;
  esac
  case $command in
${commands.map(({ name, flags }) => `    ${name}) COMPREPLY=($(compgen -W '${name === 'check' ? `${commands.map((c) => c.name).join(' ')} ` : ''}${flags.join(' ')}' -- "$cur"));;`).join('\n')}
  esac
}
complete -F _asr_doctor asr-doctor
`
}

/** zsh reads bash's completion through its own bridge. */
const zsh = (program: Command): string => `#compdef asr-doctor
autoload -U +X bashcompinit && bashcompinit
${bash(program)}`

function fish(program: Command): string {
  const lines = commandsOf(program).flatMap(({ name, flags, about }) => [
    `complete -c asr-doctor -n __fish_use_subcommand -a ${name} -d '${about.replace(/'/g, '')}'`,
    ...flags.filter((flag) => flag.startsWith('--')).map((flag) => `complete -c asr-doctor -n '__fish_seen_subcommand_from ${name}' -l ${flag.slice(2)}`),
  ])
  return `${lines.join('\n')}
complete -c asr-doctor -n '__fish_seen_subcommand_from explain' -x -a '${idsAndFamilies().join(' ')}'
`
}
