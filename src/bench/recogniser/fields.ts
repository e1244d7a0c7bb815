import { WrongCall } from '../../wrong-call.ts'
import type { Fields } from './folder.ts'

/** Values of settings that others wrote: of the type that is wanted, or a line that names the file and the field. null = it is not there. */
export const settings = (file: string, fields: Fields) => {
  const bad = (name: string, wanted: string) => new WrongCall(`${file}: ${name} should be ${wanted} and is ${JSON.stringify(fields[name])?.slice(0, 60)}.`)
  const natural = (value: unknown): value is number => Number.isInteger(value) && (value as number) >= 0
  const at = (name: string): unknown => fields[name] ?? null
  return {
    file,
    number: (name: string): number | null => {
      const value = at(name)
      if (value !== null && !natural(value)) throw bad(name, 'a whole number')
      return value
    },
    text: (name: string): string | null => {
      const value = at(name)
      if (value !== null && typeof value !== 'string') throw bad(name, 'text')
      return value
    },
    numbers: (name: string): readonly number[] | null => {
      const value = at(name)
      if (value !== null && !(Array.isArray(value) && value.every(natural))) throw bad(name, 'a list of whole numbers')
      return value as readonly number[] | null
    },
    byName: (name: string): Readonly<Record<string, number>> | null => {
      const value = at(name)
      if (value !== null && !(typeof value === 'object' && !Array.isArray(value) && Object.values(value).every(natural))) throw bad(name, 'whole numbers by name')
      return value as Readonly<Record<string, number>> | null
    },
    /** `[[1, 50259], [2, null]]`. */
    places: (name: string): readonly (readonly [number, number | null])[] | null => {
      const value = at(name)
      const right = (each: unknown) => Array.isArray(each) && each.length === 2 && natural(each[0]) && (each[1] === null || natural(each[1]))
      if (value !== null && !(Array.isArray(value) && value.every(right))) throw bad(name, 'a list of places and tokens')
      return value as readonly (readonly [number, number | null])[] | null
    },
  }
}

export type Settings = ReturnType<typeof settings>
