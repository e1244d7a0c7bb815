import { NODE, type Box } from '../support/box.ts'

/** Writes many files inside a box at once, byte for byte. */
export function writeFiles(box: Box, files: Readonly<Record<string, string>>): void {
  box.script(`cat >/run/files.json <<'END_OF_FILES'
${JSON.stringify(files)}
END_OF_FILES
${NODE} -e '
const { mkdirSync, writeFileSync, readFileSync } = require("node:fs")
for (const [path, text] of Object.entries(JSON.parse(readFileSync("/run/files.json", "utf8")))) {
  mkdirSync(require("node:path").dirname(path), { recursive: true })
  writeFileSync(path, text)
}'`)
}

/** A program that does nothing for long, whatever it is told; found by its own #! line. */
export const HOLD = '/opt/box/hold'
export const holder = { [HOLD]: '#!/bin/bash\n/usr/bin/sleep infinity & wait\n' }
