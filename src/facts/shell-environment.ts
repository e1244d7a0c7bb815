import type { Env, Fact } from '../types.ts'

/** The shell that called the doctor, so far as it can be seen. */
export interface ShellEnvironment {
  readonly env: Env
  readonly uid: number
  /** sudo(8) has replaced the environment: what the user's shell holds cannot be seen from here. */
  readonly behindSudo: boolean
}

export const shellEnvironment: Fact<ShellEnvironment> = {
  id: 'shell-environment',
  about: 'the environment of the shell that called the doctor',
  gather: async (host) => {
    const [env, { uid }] = await Promise.all([host.environment(), host.caller()])
    return { env, uid, behindSudo: 'SUDO_COMMAND' in env }
  },
}
