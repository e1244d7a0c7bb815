/** Exit statuses that the service manager gives in place of the program. systemd.exec(5), PROCESS EXIT CODES, v252. */
const MANAGER: Readonly<Record<number, readonly [name: string, meaning: string]>> = {
  200: ['CHDIR', 'the working directory of WorkingDirectory= could not be entered'],
  201: ['NICE', 'the scheduling priority (nice level) could not be set'],
  202: ['FDS', 'unwanted file descriptors could not be closed, or passed ones could not be set up'],
  203: ['EXEC', 'the program of ExecStart= could not be executed: it is missing, may not be run, or its interpreter is missing'],
  204: ['MEMORY', 'memory ran out before the program was started'],
  205: ['LIMITS', 'a resource limit (Limit…=) could not be set'],
  206: ['OOM_ADJUST', 'OOMScoreAdjust= could not be set'],
  207: ['SIGNAL_MASK', 'the signal mask could not be set'],
  208: ['STDIN', 'standard input could not be set up'],
  209: ['STDOUT', 'standard output could not be set up'],
  210: ['CHROOT', 'RootDirectory= could not be entered'],
  211: ['IOPRIO', 'the I/O priority could not be set'],
  212: ['TIMERSLACK', 'the timer slack could not be set'],
  213: ['SECUREBITS', 'the secure bits could not be set'],
  214: ['SETSCHEDULER', 'the CPU scheduling policy could not be set'],
  215: ['CPUAFFINITY', 'CPUAffinity= could not be set'],
  216: ['GROUP', 'the group of Group= or SupplementaryGroups= does not exist or could not be taken'],
  217: ['USER', 'the user of User= does not exist or could not be taken, or user namespacing failed'],
  218: ['CAPABILITIES', 'capabilities or ambient capabilities could not be set'],
  219: ['CGROUP', 'the control group could not be set up'],
  220: ['SETSID', 'a new session could not be created'],
  221: ['CONFIRM', 'the start was refused at the confirmation prompt'],
  222: ['STDERR', 'standard error could not be set up'],
  224: ['PAM', 'the PAM session of PAMName= could not be set up'],
  225: ['NETWORK', 'network namespacing could not be set up'],
  226: ['NAMESPACE', 'mount, UTS or IPC namespacing could not be set up, often because a path in ReadWritePaths=, BindPaths= or the like does not exist'],
  227: ['NO_NEW_PRIVILEGES', 'NoNewPrivileges= could not be set'],
  228: ['SECCOMP', 'the system call filter could not be set'],
  229: ['SELINUX_CONTEXT', 'the SELinux context could not be set'],
  230: ['PERSONALITY', 'Personality= could not be set'],
  231: ['APPARMOR_PROFILE', 'the AppArmor profile could not be set'],
  232: ['ADDRESS_FAMILIES', 'RestrictAddressFamilies= could not be set'],
  233: ['RUNTIME_DIRECTORY', 'RuntimeDirectory= could not be created'],
  235: ['CHOWN', 'a socket could not be given to its owner'],
  236: ['SMACK_PROCESS_LABEL', 'the SMACK label could not be set'],
  237: ['KEYRING', 'the kernel keyring could not be set up'],
  238: ['STATE_DIRECTORY', 'StateDirectory= could not be created'],
  239: ['CACHE_DIRECTORY', 'CacheDirectory= could not be created'],
  240: ['LOGS_DIRECTORY', 'LogsDirectory= could not be created'],
  241: ['CONFIGURATION_DIRECTORY', 'ConfigurationDirectory= could not be created'],
  242: ['NUMA_POLICY', 'the NUMA policy could not be set'],
  243: ['CREDENTIALS', 'the credentials of LoadCredential= or SetCredential= could not be set up'],
  245: ['BPF', 'the BPF restrictions could not be set'],
}

/** Signals of Linux on x86 and ARM, signal(7). */
const SIGNALS: Readonly<Record<number, readonly [name: string, meaning: string]>> = {
  1: ['SIGHUP', 'hang-up'], 2: ['SIGINT', 'interrupt'], 3: ['SIGQUIT', 'quit'],
  4: ['SIGILL', 'an instruction this processor does not have'], 5: ['SIGTRAP', 'trap'],
  6: ['SIGABRT', 'the program gave up by itself (abort)'], 7: ['SIGBUS', 'a mapped file is shorter than its headers say, or a bad address'],
  8: ['SIGFPE', 'arithmetic fault'], 9: ['SIGKILL', 'killed from outside; the kernel does so too when memory runs out'],
  11: ['SIGSEGV', 'invalid memory access'], 13: ['SIGPIPE', 'broken pipe'], 14: ['SIGALRM', 'alarm'], 15: ['SIGTERM', 'asked to end'],
  24: ['SIGXCPU', 'CPU time limit'], 25: ['SIGXFSZ', 'file size limit'], 31: ['SIGSYS', 'a system call that a filter forbids'],
}

export const signalWords = (number: number): string => {
  const known = SIGNALS[number]
  return known ? `${known[0]} (${known[1]})` : `signal ${number}`
}

/** What an exit status most probably says. `by` tells whether the manager or the program itself chose it. */
export function exitStatusWords(status: number): { readonly name: string | null; readonly words: string; readonly by: 'manager' | 'program' } {
  const manager = MANAGER[status]
  if (manager) return { name: manager[0], words: manager[1], by: 'manager' }
  if (status === 126) return { name: null, words: 'the program was found but could not be run (a shell’s 126)', by: 'program' }
  if (status === 127) return { name: null, words: 'a program or a shared library was not found (127 of a shell and of the dynamic loader)', by: 'program' }
  // A shell reports the death of its child by signal N as 128+N.
  if (status > 128 && SIGNALS[status - 128]) return { name: null, words: `a child was ended by ${signalWords(status - 128)} (128+${status - 128})`, by: 'program' }
  return { name: null, words: 'the program’s own status', by: 'program' }
}
