import type { Command } from 'commander'

/** The options that name what is to be examined, the same for every command that examines. */
export const addTargetOptions = (command: Command): Command =>
  command
    .option('-u, --unit <name>', 'examine this systemd service (.service may be left out)')
    .option('--user', 'the unit is one of your user manager')
    .option('--system', 'the unit is one of the system manager')
    .option('-p, --pid <n>', 'examine this running process')
    .option('--python <path>', 'examine this Python interpreter')
    .option('--library <file>', 'examine this shared object, e.g. libonnxruntime_providers_cuda.so')

export const addTimeout = (command: Command): Command => command.option('--timeout <seconds>', 'time for all questions together', '10')
