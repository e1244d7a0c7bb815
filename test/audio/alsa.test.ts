import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { audioChecks } from '../../checks/audio/index.ts'
import { UNIT_PROPERTIES } from '../../src/facts/unit-state.ts'
import { caseOf } from '../../src/host/case.ts'
import { diagnoseCase } from '../support/diagnose.ts'
import { findingOf } from './finding.ts'

/**
 * Machines with real ALSA cards, which no container can have: recorded in a guest with a kernel of its own. What is right
 * was settled there by `arecord -l` in the place of each service, see the story of each case.
 */
async function judged(name: string) {
  const text = readFileSync(new URL(`cases/alsa-${name}.md`, import.meta.url), 'utf8')
  // More properties may be asked for since then; those it did not know are as if not set.
  const { outcomes } = await diagnoseCase(caseOf(text.replace(/(--property=)Id,\S+/, `$1${UNIT_PROPERTIES.join(',')}`)), audioChecks)
  return { outcomes, statuses: Object.fromEntries([...outcomes].map(([id, { status }]) => [id, status])), hidden: outcomes.get('audio/alsa-hidden') }
}

const ONLY_ALSA = { 'audio/server-unreachable': 'not-applicable', 'audio/only-monitors': 'not-applicable', 'audio/sources-differ': 'not-applicable' }

describe('ALSA', () => {
  it.each([
    ['group', 'group.service runs as uid 1500, which may not open /dev/snd/pcmC0D0c: it is for group audio.', { SupplementaryGroups: 'audio' }],
    ['private', 'The device list of private.service (DevicePolicy=closed) leaves out the sound cards, so /dev/snd/pcmC0D0c cannot be opened.', { PrivateDevices: 'no', DevicePolicy: 'closed', DeviceAllow: 'char-alsa rw' }],
    ['list', 'The device list of list.service (DevicePolicy=closed) leaves out the sound cards, so /dev/snd/pcmC0D0c cannot be opened.', { DeviceAllow: 'char-alsa rw' }],
  ])('%s: the cards are there, and not for this service', async (name, cause, edits) => {
    const { statuses, hidden } = await judged(name)
    expect(statuses).toEqual({ ...ONLY_ALSA, 'audio/alsa-hidden': 'found' })
    const finding = findingOf(hidden)
    expect(finding).toMatchObject({ severity: 'error', confidence: 'certain', cause })
    expect(finding.refuted![0]).toMatchObject({ because: 'The kernel lists Generic, Camera.' })
    const set = finding.fixes[0]!.edits.flatMap((edit) => (edit.kind === 'unit-drop-in' ? edit.set : []))
    expect(Object.fromEntries(set.map(({ key, value }) => [key, value]))).toEqual(edits)
  })

  it('a library alone is less sure', async () => {
    expect(findingOf((await judged('linked')).hidden)).toMatchObject({ severity: 'info', confidence: 'likely' })
  })

  it('says of two lists that they count different things', async () => {
    const { statuses, outcomes } = await judged('beside')
    expect(statuses).toEqual({ ...ONLY_ALSA, 'audio/alsa-hidden': 'passed', 'audio/sources-differ': 'found' })
    const finding = findingOf(outcomes.get('audio/sources-differ'))
    expect(finding.severity).toBe('info')
    expect(finding.cause).toContain('hw:CARD=Generic,DEV=0')
    expect(finding.cause).toContain('2 inputs and 2 monitors')
    expect(finding.refuted!.map(({ hypothesis }) => hypothesis)).toEqual(['A missing PULSE_SERVER hides ALSA devices.', 'There are 4 microphones in the shell.'])
  })

  it('finds both ways shut', async () => {
    const { statuses } = await judged('both')
    expect(statuses).toMatchObject({ 'audio/server-unreachable': 'found', 'audio/alsa-hidden': 'found' })
  })

  it('nothing is found where the cards may be opened', async () => {
    expect((await judged('mended')).statuses).toEqual({ ...ONLY_ALSA, 'audio/alsa-hidden': 'passed' })
  })
})
