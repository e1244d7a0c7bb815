import type { Command } from 'commander'
import { PROBE_S } from '../probe/limits.ts'

const collect = (value: string, before: readonly string[] = []): readonly string[] => [...before, value]

/** The options that name what is to be examined, the same for every command that examines. */
export const addTargetOptions = (command: Command): Command =>
  command
    .option('-u, --unit <name>', 'examine this systemd service (.service may be left out)')
    .option('--user', 'the unit is one of your user manager')
    .option('--system', 'the unit is one of the system manager')
    .option('-p, --pid <n>', 'examine this running process')
    .option('--python <path>', 'examine this Python interpreter')
    .option('--library <file>', 'examine this shared object, e.g. libonnxruntime_providers_cuda.so')
    .option('--log <file>', 'read this log of it (repeatable)', collect)
    .option('--profile <file>', 'read this profile that ONNX Runtime wrote (repeatable)', collect)
    .option('--model <file>', 'read this model file, without running it (repeatable)', collect)

export const addTimeout = (command: Command): Command => command.option('--timeout <seconds>', 'time for all questions together', '10')

/** Where it may be asked, the time that nobody chose grows by what the probe needs. */
export const addProbe = (command: Command): Command =>
  command
    .option('--probe [url]', 'also try its engine once more in its place, or send speech to its endpoint: this runs inference')
    .hook('preAction', () => {
      if (command.opts()['probe'] !== undefined && command.getOptionValueSource('timeout') === 'default') command.setOptionValue('timeout', String(10 + PROBE_S))
    })
