import { expanded, type Specifiers } from '../../systemd/specifiers.ts'
import type { Assignment } from '../../systemd/unit-file.ts'
import { wordsOf } from '../../systemd/words.ts'

/** One setting of the service as systemd-run takes it: `Key=value`, in the syntax of unit files (systemd-run(1), --property). */
export interface Carried {
  readonly key: string
  readonly value: string
}

/** A setting of the service that the place to measure in does not have. Both are whole words for people. */
export interface NotCarried {
  readonly key: string
  readonly because: string
}

/** Settings that belong to one question of `--vary`. */
export const FACTOR_KEYS = {
  quota: ['CPUQuota', 'CPUQuotaPeriodSec'],
  memory: ['MemoryMax', 'MemoryHigh', 'MemorySwapMax', 'MemoryZSwapMax', 'MemoryLimit'],
} as const

const words = (text: string): readonly string[] => text.trim().split(/\s+/)

/** What decides how fast a process runs and what it may see: systemd.exec(5) and systemd.resource-control(5). */
const CONDITIONS = new Set(words(`
  User Group DynamicUser SupplementaryGroups PAMName WorkingDirectory RootDirectory RootImage MountAPIVFS ProtectProc ProcSubset BindPaths BindReadOnlyPaths
  MountImages ExtensionImages ExtensionDirectories Environment EnvironmentFile PassEnvironment UnsetEnvironment UMask ExecSearchPath
  OOMScoreAdjust Nice CPUSchedulingPolicy CPUSchedulingPriority CPUSchedulingResetOnFork CPUAffinity NUMAPolicy NUMAMask IOSchedulingClass IOSchedulingPriority
  Personality CapabilityBoundingSet AmbientCapabilities NoNewPrivileges SecureBits ProtectSystem ProtectHome ReadWritePaths ReadOnlyPaths InaccessiblePaths
  ExecPaths NoExecPaths TemporaryFileSystem PrivateTmp PrivateDevices PrivateNetwork NetworkNamespacePath PrivateIPC IPCNamespacePath PrivateUsers ProtectHostname
  ProtectClock ProtectKernelTunables ProtectKernelModules ProtectKernelLogs ProtectControlGroups RestrictAddressFamilies RestrictNamespaces LockPersonality
  RestrictRealtime RestrictSUIDSGID PrivateMounts MountFlags SystemCallFilter SystemCallErrorNumber SystemCallArchitectures KeyringMode TimerSlackNSec IgnoreSIGPIPE
  CPUWeight StartupCPUWeight CPUShares CPUQuota CPUQuotaPeriodSec AllowedCPUs StartupAllowedCPUs AllowedMemoryNodes MemoryMin MemoryLow MemoryHigh MemoryMax
  MemorySwapMax MemoryZSwapMax MemoryLimit TasksMax IOWeight IODeviceWeight IOReadBandwidthMax IOWriteBandwidthMax IOReadIOPSMax IOWriteIOPSMax BlockIOWeight
  DeviceAllow DevicePolicy IPAddressAllow IPAddressDeny RestrictFileSystems RestrictNetworkInterfaces SELinuxContext AppArmorProfile SmackProcessLabel MemoryKSM`))

/** What is about starting, stopping and logging; a process that runs does not feel it. */
const NO_CONDITION = new Set(words(`
  Type ExecStart ExecStartPre ExecStartPost ExecReload ExecStop ExecStopPost ExecCondition ExitType Restart RestartSec RestartSteps RestartMaxDelaySec TimeoutSec TimeoutStartSec TimeoutStopSec
  TimeoutAbortSec TimeoutStartFailureMode TimeoutStopFailureMode RuntimeMaxSec RuntimeRandomizedExtraSec WatchdogSec WatchdogSignal PIDFile BusName NotifyAccess Sockets GuessMainPID
  RemainAfterExit SuccessExitStatus RestartPreventExitStatus RestartForceExitStatus NonBlocking RootDirectoryStartOnly FileDescriptorStoreMax OOMPolicy KillMode KillSignal RestartKillSignal
  SendSIGHUP SendSIGKILL FinalKillSignal StandardInput StandardOutput StandardError StandardInputText StandardInputData SyslogIdentifier SyslogFacility SyslogLevel SyslogLevelPrefix LogLevelMax
  LogExtraFields LogRateLimitIntervalSec LogRateLimitBurst LogNamespace LogFilterPatterns TTYPath TTYReset TTYVHangup TTYRows TTYColumns TTYVTDisallocate UtmpIdentifier UtmpMode
  CPUAccounting MemoryAccounting TasksAccounting IOAccounting BlockIOAccounting IPAccounting Delegate DelegateSubgroup Slice CoredumpFilter CoredumpReceive RemoveIPC ManagedOOMSwap ManagedOOMMemoryPressure
  ManagedOOMMemoryPressureLimit ManagedOOMPreference StartLimitInterval StartLimitBurst StartLimitAction FailureAction SuccessAction PermissionsStartOnly ReloadSignal
  RuntimeDirectoryMode StateDirectoryMode CacheDirectoryMode LogsDirectoryMode ConfigurationDirectoryMode RuntimeDirectoryPreserve TimeoutCleanSec`))

/** The folders that systemd makes for a service, below which root, and the variable that names them (systemd.exec(5), RuntimeDirectory=). */
const FOLDERS: Readonly<Record<string, readonly [specifier: string, variable: string]>> = {
  RuntimeDirectory: ['t', 'RUNTIME_DIRECTORY'], StateDirectory: ['S', 'STATE_DIRECTORY'], CacheDirectory: ['C', 'CACHE_DIRECTORY'], LogsDirectory: ['L', 'LOGS_DIRECTORY'], ConfigurationDirectory: ['E', 'CONFIGURATION_DIRECTORY'],
}

/** An empty value is a value of these: it takes everything away. For all others it resets what stood before. */
const EMPTY_COUNTS = new Set(['CapabilityBoundingSet', 'AmbientCapabilities'])

/** The service's settings as properties of a transient unit, and what is left out of it. Pure. */
export function carriedOf(assignments: readonly Assignment[], specifiers: Specifiers): { readonly carried: readonly Carried[]; readonly notCarried: readonly NotCarried[] } {
  const carried: Carried[] = []
  const notCarried = new Map<string, string>()
  const service = assignments.filter(({ section }) => section === 'Service')
  // Only where something forbids writing: naming a path would make a mount name space where the service has none.
  const walled = service.some(({ key }) => key === 'ProtectSystem' || key === 'DynamicUser')
  const reset = new Map<string, number>()
  service.forEach(({ key, value }, i) => {
    if (value === '') reset.set(key, i)
  })
  service.forEach(({ key, value: written }, i) => {
    const counts = i > (reset.get(key) ?? -1) || (i === reset.get(key) && EMPTY_COUNTS.has(key))
    if (!counts || NO_CONDITION.has(key) || key.startsWith('X-')) return
    const value = expanded(written, specifiers)
    if (value === null) return void notCarried.set(key, `${written} has a specifier whose value is not known here`)
    const folder = FOLDERS[key]
    if (folder !== undefined) {
      const root = specifiers[folder[0]]
      const paths = wordsOf(value).words.map((word) => `${root}/${word.split(':')[0]}`)
      notCarried.set(key, `systemd would remove it, or give it to another owner, when the measurement ends; ${folder[1]} is set and what exists of it may be written to`)
      carried.push({ key: 'Environment', value: `"${folder[1]}=${paths.join(':').replace(/["\\]/g, '\\$&')}"` })
      if (walled) carried.push({ key: 'ReadWritePaths', value: paths.map((path) => `"-${path.replace(/["\\]/g, '\\$&')}"`).join(' ') })
    } else if (key === 'MemoryDenyWriteExecute') {
      // V8 compiles at run time: with it Node is ended by SIGTRAP (seen with Node 20).
      notCarried.set(key, 'Node.js itself cannot run with it')
    } else if (CONDITIONS.has(key) || /^Limit[A-Z]+$/.test(key)) {
      carried.push({ key, value })
    } else {
      notCarried.set(key, 'it is none of the settings that are known here')
    }
  })
  if (carried.some(({ key }) => key === 'SystemCallFilter') && !carried.some(({ key }) => key === 'SystemCallErrorNumber')) {
    // Node.js asks for protection keys at its start, which @system-service of v252 leaves out: SIGSYS would end it.
    carried.push({ key: 'SystemCallErrorNumber', value: 'EPERM' })
    notCarried.set('SystemCallFilter', 'what it forbids fails with EPERM here instead of ending the process, since Node.js itself tries such calls')
  }
  return { carried, notCarried: [...notCarried].map(([key, because]) => ({ key, because })) }
}

/** A user without a name is called like its unit; the measurement has to be that user too, or it would own nothing of the service's. */
export function dynamicUserNamed(carried: readonly Carried[], unit: string): readonly Carried[] {
  const dynamic = carried.findLast(({ key }) => key === 'DynamicUser')?.value ?? 'no'
  if (!/^(1|y|yes|t|true|on)$/i.test(dynamic) || carried.some(({ key }) => key === 'User')) return carried
  const name = unit.replace(/\.service$/, '').replace(/@.*$/, '')
  return /^[A-Za-z_][A-Za-z0-9_-]{0,30}$/.test(name) ? [...carried, { key: 'User', value: name }] : carried
}
