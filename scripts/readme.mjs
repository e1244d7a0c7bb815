// Writes the table of checks into README.md between its two marks. test/checks.test.ts fails when the two differ.
import { readFileSync, writeFileSync } from 'node:fs'
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const readme = fileURLToPath(new URL('../README.md', import.meta.url))
const listed = spawnSync(process.execPath, [fileURLToPath(new URL('../bin/asr-doctor.js', import.meta.url)), 'list', '--json'], { encoding: 'utf8' })
const rows = JSON.parse(listed.stdout).map(({ id, title }) => `| \`${id}\` | ${title} |`)
const table = ['| check | it finds |', '| --- | --- |', ...rows].join('\n')
const [start, end] = ['<!-- checks -->', '<!-- /checks -->']
const text = readFileSync(readme, 'utf8')
writeFileSync(readme, `${text.slice(0, text.indexOf(start) + start.length)}\n${table}\n${text.slice(text.indexOf(end))}`)
