import { handedOn } from './discreet.ts'
import { ansible } from './formats/ansible.ts'
import { dockerfile } from './formats/dockerfile.ts'
import { nix } from './formats/nix.ts'
import type { Recipe } from './formats/recipe.ts'
import { sh } from './formats/sh.ts'

/** The same change for those who keep their machines another way. */
export const formats = {
  /** For patch(1) or git apply: `patch -p1 -d / < FILE`. */
  patch: ({ changes }: Recipe): string => changes.map(handedOn).join(''),
  sh,
  ansible,
  dockerfile,
  nix,
} satisfies Record<string, (recipe: Recipe) => string>

export type Format = keyof typeof formats
