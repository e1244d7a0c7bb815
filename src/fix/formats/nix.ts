import { isList } from '../edits/systemd-text.ts'
import { comment, meant, others, type Recipe } from './recipe.ts'

/** Strings of Nix: `${` and quotes are escaped. */
const nixText = (text: string): string => `"${text.replace(/["\\]/g, '\\$&').replace(/\$\{/g, '\\${').replace(/\n/g, '\\n').replace(/\t/g, '\\t').replace(/\r/g, '\\r')}"`

/** Options of NixOS with names of their own. */
const LISTS: Readonly<Record<string, string>> = { After: 'after', Before: 'before', Wants: 'wants', Requires: 'requires', BindsTo: 'bindsTo', PartOf: 'partOf' }

/**
 * Options of a NixOS module. It writes `environment` as JSON behind Environment= and leaves `%` as it is, so that systemd would take it
 * for a specifier; what stands in serviceConfig is written as it is (nixos/lib/systemd-lib.nix, serviceToUnit).
 */
export function nix({ changes }: Recipe): string {
  const services = meant(changes).map(({ unit, scope, environment, settings }) => {
    const name = unit.replace(/\.service$/, '')
    const instance = /^(.+@).+$/.exec(name)?.[1]
    const lines = [
      // NixOS makes a drop-in only of what it finds under the very name; an instance would become a unit of its own and hide its template.
      ...(instance === undefined ? [] : [`  ${comment(`An instance of ${instance}.service: its setting goes beside the template. Leave this line out where your configuration defines ${name} itself.`)}`, '  overrideStrategy = "asDropin";']),
      ...environment.map(([variable, value]) => `  environment.${variable} = lib.mkForce ${nixText(value.replaceAll('%', '%%'))};`),
      ...[...new Set(settings.map(({ section, key }) => `${section}.${key}`))].map((place) => {
        const of = settings.filter(({ section, key }) => `${section}.${key}` === place)
        const { section, key } = of[0]!
        const values = of.map(({ value }) => nixText(value))
        // Lists add up; one value takes the place of another.
        if (section === 'Unit' && LISTS[key] !== undefined) return `  ${LISTS[key]} = [ ${values.join(' ')} ];`
        return `  ${section === 'Unit' ? 'unitConfig' : 'serviceConfig'}.${key} = ${isList(key) ? `[ ${values.join(' ')} ]` : `lib.mkForce ${values.at(-1)}`};`
      }),
    ]
    return `${scope === 'user' ? 'systemd.user.services' : 'systemd.services'}.${nixText(name)} = {\n${lines.join('\n')}\n};`
  })
  return `${[...services, ...others(changes)].join('\n')}\n`
}
