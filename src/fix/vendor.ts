import { known } from '../cannot-see.ts'
import { packageOf } from '../facts/unit-owner.ts'
import { Refused } from './refused.ts'
import type { Site } from './site.ts'

/** Where packages put what is theirs, and nobody else's to edit. /usr/local is the administrator's (hier(7), file-hierarchy(7)). */
const PACKAGED = /^\/(usr\/(?!local\/)|lib(32|64|x32)?\/|s?bin\/|nix\/store\/|gnu\/store\/)/
const FLEETING = /^\/(var\/)?run\//

/** A file that a package brought is the package's to change: the next upgrade would undo ours, or stop to ask. */
export async function refuseVendorUnit(file: string, site: Site): Promise<void> {
  await refusePlace(file, site, (real) => `${real} lies where packages put their units; copy it to /etc/systemd/system and change it there.`)
  if (file.startsWith('/etc/')) await refusePackage(file, site, 'change it by hand')
}

/**
 * An EnvironmentFile below /etc is there to be edited, whoever brought it: dpkg keeps what the administrator changed (conffiles), and
 * so does rpm (%config). Home folders, /srv and /usr/local no package may touch. Anywhere else the file may be part of one.
 */
export async function refuseVendorEnvironment(file: string, site: Site): Promise<void> {
  const instead = 'name a file of your own behind it with another EnvironmentFile= line, which then has the last word'
  await refusePlace(file, site, (real) => `${real} lies where packages put what is theirs; ${instead}.`)
  if (!/^\/(etc|home|root|srv|usr\/local)\//.test(file)) await refusePackage(file, site, instead)
}

/** By its own name and by the one its links lead to. */
async function refusePlace(file: string, { host }: Site, words: (real: string) => string): Promise<void> {
  const real = await known(host.realpath(file))
  for (const path of new Set([file, ...(real.known && real.value !== null ? [real.value] : [])])) {
    if (PACKAGED.test(path)) throw new Refused(words(path))
    if (FLEETING.test(path)) throw new Refused(`${path} is made anew at each start; change what makes it.`)
  }
}

async function refusePackage(file: string, { host }: Site, instead: string): Promise<void> {
  const owner = await packageOf(host, file)
  if (owner.kind === 'package') throw new Refused(`${file} belongs to the package ${owner.name}, whose next upgrade would undo the change; ${instead}.`)
  if (owner.kind === 'unknown') throw new Refused(`Whether a package owns ${file} could not be asked here; ${instead}.`)
}
