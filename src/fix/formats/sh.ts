import { posixQuoted, posixWord } from '../../facts/shell-word.ts'
import { comment, type Recipe } from './recipe.ts'

/**
 * What the script stands on. A file that is a link is changed where it really lies; whoever may write in one of the folders on the way
 * could put another file in place of ours, so all of them must be root's or the caller's. New text is made beside the file and renamed,
 * so that nobody reads half of it; cp -p keeps owner and mode.
 */
const PRELUDE = `#!/bin/sh
# Writes what asr-doctor proposed, and only over what it saw. With --restart it also makes it effective.
set -eu
me=$(id -u)
temp=
trap '[ -z "$temp" ] || rm -f -- "$temp"' EXIT
trap 'exit 1' HUP INT TERM
no() { printf '%s\\n' "$1; nothing was written." >&2; exit 1; }
real() { if [ -e "$1" ]; then readlink -f -- "$1"; else printf '%s\\n' "$1"; fi; }
ours() {
  at=$(real "$1")
  at=\${at%/*}
  while [ ! -d "$at/" ]; do at=\${at%/*}; done
  at=$(cd -P -- "$at/" && pwd -P)
  at=\${at%/}
  while :; do
    set -- "$1" $(stat -c '%u %A' -- "$at/")
    case $2 in 0 | "$me") ;; *) no "$at, on the way to $1, belongs to another user (uid $2), who could put another file there meanwhile: run this as that user" ;; esac
    case $3 in ????????w[!tT]*) no "$at, on the way to $1, may be written by everybody" ;; esac
    [ -n "$at" ] || return 0
    at=\${at%/*}
  done
}
absent() { if [ -e "$1" ] || [ -L "$1" ]; then no "$1 is there already"; fi; ours "$1"; }
same() { if [ "$(cat -- "$1"; echo x)" != "$2x" ]; then no "$1 is not as it was examined"; fi; ours "$1"; }
write() {
  file=$(real "$1")
  mkdir -p -- "\${file%/*}/"
  temp=$(mktemp "\${file%/*}/.asr-doctor.XXXXXX")
  if [ -e "$file" ]; then cp -p -- "$file" "$temp"; else chmod 644 "$temp"; fi
  printf %s "$2" >"$temp"
  mv -f -- "$temp" "$file"
  temp=
}
`

/** A script that writes what the plan writes, and only over what the plan saw. Nothing is restarted unasked. */
export function sh({ changes, steps }: Recipe): string {
  const guards = changes.map(({ target, before }) => (before === null ? `absent ${posixQuoted(target)}` : `same ${posixQuoted(target)} ${posixQuoted(before)}`))
  const writes = changes.map(({ target, after }) => (after === null ? `rm -- ${posixQuoted(target)}` : `write ${posixQuoted(target)} ${posixQuoted(after)}`))
  const commands = steps.flatMap(({ command }) => (command === null ? [] : [command.map(posixWord).join(' ')]))
  const told = commands.map((command) => `  printf '%s\\n' ${posixQuoted(command)} >&2`)
  const effect = commands.length === 0 ? [] : [`if [ "\${1-}" = --restart ]; then\n${commands.map((command) => `  ${command}`).join('\n')}\nelse\n  echo 'It takes effect after:' >&2\n${told.join('\n')}\nfi`]
  const words = steps.flatMap((step) => (step.command === null ? [comment(step.words)] : []))
  return `${PRELUDE}${[...guards, ...writes, ...effect, ...words].join('\n')}\n`
}
