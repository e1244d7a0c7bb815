import { known } from '../cannot-see.ts'
import { basename } from '../paths.ts'
import { question } from '../question.ts'
import type { Evidence, Fact } from '../types.ts'
import { onThisMachine } from './driver-scope.ts'
import { process_ } from './process.ts'

/** Whether /dev/nvidia-uvm may still come to be: libcuda calls nvidia-modprobe, which is set-user-ID root, when it is missing. */
export interface UvmMaker {
  readonly onHost: boolean
  readonly program: string | null
  readonly evidence: Evidence
  /** libcuda is in the memory of the process: the moment at which the node would have been made is past. */
  readonly cudaInUse: Evidence | null
}

const PROGRAM = '/usr/bin/nvidia-modprobe'

export const uvmMaker: Fact<UvmMaker> = {
  id: 'uvm-maker',
  about: 'whether /dev/nvidia-uvm may still be made',
  gather: async (host, use) => {
    await onThisMachine(use)
    const [node, program, process] = await Promise.all([host.stat('/dev/nvidia-uvm'), host.stat(PROGRAM), known(use(process_))])
    const running = process.known ? process.value : null
    const setuid = program !== null && program.uid === 0 && (program.mode & 0o4000) !== 0
    // no_new_privs voids the set-user-ID bit (prctl(2)).
    const usable = setuid && running?.status.noNewPrivileges !== true
    const mapped = running?.maps.known ? running.maps.value.find(({ path }) => /^libcuda\.so/.test(basename(path))) : undefined
    return {
      onHost: node !== null,
      program: usable ? PROGRAM : null,
      evidence: { source: question.stat(PROGRAM), saw: program === null ? 'no such file' : `mode ${program.mode.toString(8)}${setuid && !usable ? ', void under no_new_privs' : ''}` },
      cudaInUse: mapped === undefined ? null : { source: question.read(`${running!.folder}/maps`), saw: mapped.path },
    }
  },
}
