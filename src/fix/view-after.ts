import type { Ask, Question } from '../host/host.ts'
import { question } from '../question.ts'
import type { Json } from '../types.ts'

/** Folders that the service would see again as the machine has them. */
export function openedPaths(properties: ReadonlyMap<string, string>): readonly string[] {
  const binds = ['BindPaths', 'BindReadOnlyPaths'].flatMap((name) => (properties.get(name) ?? '').split(' ').filter(Boolean).map((word) => word.replace(/^"?-?/, '').replace(/"$/, '').split(':')[0]!))
  return [
    ...(properties.get('PrivateDevices') === 'no' ? ['/dev'] : []),
    ...(properties.get('ProtectHome') === 'no' || properties.get('ProtectHome') === 'read-only' ? ['/home', '/root', '/run/user'] : []),
    ...binds,
  ]
}

export async function shownAgain(asked: Question, inside: string, prefix: string, machine: Ask): Promise<Json> {
  const key = (question as unknown as Record<string, (path: string) => string>)[asked.verb]!(inside)
  const answer = await machine({ key, verb: asked.verb, args: [inside] })
  return asked.verb === 'realpath' && typeof answer === 'string' ? prefix + answer : answer
}
