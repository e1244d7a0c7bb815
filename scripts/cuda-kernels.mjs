// Makes src/onnx/cuda-kernels.ts from ONNX Runtime's own docs/OperatorKernels.md, one file for each release:
//   node scripts/cuda-kernels.mjs 1.22=OperatorKernels-1.22.md 1.23=OperatorKernels-1.23.md …
// Name the releases in order. Only the section of the CUDA execution provider is read.
import { readFileSync, writeFileSync } from 'node:fs'

const releases = process.argv.slice(2).map((arg) => arg.split('='))
const SHORT = { float: 'f', float16: 'h', bfloat16: 'b', double: 'd', bool: '?', int8: 'i8', int16: 'i16', int32: 'i32', int64: 'i64', uint8: 'u8', uint16: 'u16', uint32: 'u32', uint64: 'u64', string: 's' }

/** op, parameters, versions, constraints of every row; an empty cell repeats the row above. */
function rowsOf(text) {
  const section = text.split('\n## ').find((part) => part.startsWith('Operators implemented by CUDAExecutionProvider'))
  const rows = []
  let domain = ''
  let op = ''
  let parameters = ''
  for (const line of section.split('\n')) {
    const named = /^\|\*\*Operator Domain:\*\* \*([^*]+)\*/.exec(line)
    if (named) domain = named[1]
    const cells = /^\|([^|*]*)\|(.*)\|([^|]*)\|([^|]*)\|$/.exec(line)
    if (!cells || /^(Op Name|-+)$/.test(cells[1].trim())) continue
    if (cells[1]) {
      op = cells[1]
      parameters = parametersOf(cells[2])
    }
    rows.push({ domain, op, parameters, versions: versionsOf(cells[3]), types: constraintsOf(cells[4]) })
  }
  return rows
}

const short = (type) => SHORT[/^tensor\((\w+)\)$/.exec(type)?.[1]] ?? type.replace(/^tensor\((\w+)\)$/, '$1')
/** A parameter list for each generation of the operator's schema; the page sets `or` between them. */
const parametersOf = (cell) => cell.split('<br>or<br>').map(listOf).filter(Boolean).join('/')
const listOf = (cell) => [...cell.matchAll(/\*(in|out)\* [^:]+:\*\*(.+?)\*\*/g)].map(([, way, type]) => (way === 'out' ? '>' : '') + (type.startsWith('tensor(') ? `=${short(type)}` : type)).join(' ')
const versionsOf = (cell) => cell.trim().replace(/^\[(\d+), (\d+)\]$/, '$1-$2')
const constraintsOf = (cell) => [...cell.matchAll(/\*\*(\w+)\*\* = ([^*]+?)(?=<br\/>|$|\s*$)/g)].map(([, name, types]) => `${name}=${types.split(',').map((type) => short(type.trim())).filter((type) => !type.startsWith('seq(')).join(',')}`).join(' ')

const seen = new Map()
releases.forEach(([release, file], at) => {
  for (const { domain, op, parameters, versions, types } of rowsOf(readFileSync(file, 'utf8'))) {
    const key = `${domain} ${op}|${parameters}|${versions}|${types}`
    const runs = seen.get(key) ?? []
    if (runs.at(-1)?.[1] === at - 1) runs.at(-1)[1] = at
    else if (runs.at(-1)?.[1] !== at) runs.push([at, at])
    seen.set(key, runs)
  }
  if (!release) throw new Error('name the release: 1.23=FILE')
})
const last = releases.length - 1
const span = ([from, to]) => (from === 0 && to === last ? '' : `${from}-${to}`)
const lines = [...seen].sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, runs]) => `${runs.map(span).join(',')}|${key}`)
writeFileSync(
  new URL('../src/onnx/cuda-kernels.ts', import.meta.url),
  `/**
 * The kernels of ONNX Runtime's CUDA execution provider, release by release. Derived by scripts/cuda-kernels.mjs from
 * docs/OperatorKernels.md of microsoft/onnxruntime as it stood when each release was branched; do not edit by hand.
 *
 * A line: releases (indices into RELEASES, empty = all) | domain op | parameters in order (\`>\` = output, \`=t\` = fixed
 * type, \`/\` = or) | opset versions | types allowed for each type parameter. f float, h float16, b bfloat16, d double, ? bool, s string.
 */
export const RELEASES = ${JSON.stringify(releases.map(([release]) => release)).replace(/"/g, "'").replace(/,/g, ', ')} as const

export const KERNELS = \`
${lines.join('\n')}
\`
`,
)
