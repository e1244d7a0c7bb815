import { withoutSecrets } from '../../secrets.ts'
import { WrongCall } from '../../wrong-call.ts'
import type { Prepared } from '../audio/prepare.ts'
import { commandEngine } from '../engines/command.ts'
import { splitWords } from '../split-words.ts'
import type { Subject } from '../subject.ts'

/** Any program that takes a recording and prints what it heard. */
export function commandTarget(line: string, audio: Prepared, runs: number | null, signal: AbortSignal): Subject {
  const words = splitWords(line)
  if (words === null) throw new WrongCall('--command: a quote is not closed.')
  if (words.length === 0) throw new WrongCall('--command needs a program.')
  if (!words.some((word) => word.includes('{audio}'))) throw new WrongCall('--command needs {audio} where the recording goes, as in --command "whisper-cli -m model.bin -f {audio}".')
  return {
    engine: commandEngine(words, audio.file!, signal),
    plan: { launches: 1, runs, place: false },
    workload: withoutSecrets(line),
    target: () => ({ kind: 'command', name: words[0]!, runtime: null, threads: null }),
    provider: () => ({ asked: [], used: null, tier: null, because: null, how: null, placement: [] }),
    opened: () => {},
    refused: () => null,
  }
}
