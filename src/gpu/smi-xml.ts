/**
 * `nvidia-smi -q -x` as plain data, in the shape in which node-nvidia-smi gives it: text is a string, attributes stand in `$`, a
 * repeated element becomes a list. For the reports that the package fails on, such as one of more than 1 MiB. nvidia-smi writes
 * neither CDATA nor processing instructions inside the report. null = not a whole report.
 */
type Node = string | { [name: string]: Node | Node[] }

const TAG = /<(\/?)([A-Za-z_][\w.-]*)((?:\s+[\w:.-]+="[^"]*")*)\s*(\/?)>|<!--[\s\S]*?-->/g

export function smiXmlOf(text: string): unknown {
  const root: { [name: string]: Node | Node[] } = {}
  const open: { name: string; node: { [name: string]: Node | Node[] }; from: number; leaf: boolean }[] = [{ name: '', node: root, from: 0, leaf: false }]
  const begin = text.indexOf('<nvidia_smi_log')
  if (begin < 0) return null
  TAG.lastIndex = begin
  for (let match = TAG.exec(text); match !== null; match = TAG.exec(text)) {
    const [whole, closing, name, attributes, empty] = match
    if (name === undefined) continue
    const parent = open.at(-1)!
    if (closing === '/') {
      if (parent.name !== name) return null
      open.pop()
      const words = unescaped(text.slice(parent.from, match.index)).trim()
      put(open.at(-1)!.node, name, parent.leaf ? (Object.keys(parent.node).length === 0 ? words : { ...(words === '' ? {} : { _: words }), ...parent.node }) : parent.node)
      continue
    }
    parent.leaf = false
    const node: { [name: string]: Node | Node[] } = {}
    const pairs = [...(attributes ?? '').matchAll(/([\w:.-]+)="([^"]*)"/g)]
    if (pairs.length > 0) node['$'] = Object.fromEntries(pairs.map(([, key, value]) => [key!, unescaped(value!)]))
    if (empty === '/') put(parent.node, name, pairs.length > 0 ? node : '')
    else open.push({ name, node, from: match.index + whole.length, leaf: true })
  }
  return open.length === 1 && 'nvidia_smi_log' in root ? root : null
}

function put(node: { [name: string]: Node | Node[] }, name: string, value: Node): void {
  const known = node[name]
  node[name] = known === undefined ? value : Array.isArray(known) ? [...known, value] : [known, value]
}

const ENTITIES: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" }
const unescaped = (text: string): string => text.replace(/&(lt|gt|amp|quot|apos);/g, (_, name: string) => ENTITIES[name]!)
