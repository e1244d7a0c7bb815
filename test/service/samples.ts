import { HOLD } from './files.ts'

/** One unit and everything it is made of. */
export interface Sample {
  readonly name: string
  readonly story: string
  readonly files: Readonly<Record<string, string>>
}

const ETC = '/etc/systemd/system/'
const unit = (story: string, name: string, lines: readonly string[], more: Readonly<Record<string, string>> = {}, exec = HOLD): Sample => ({
  name,
  story,
  files: { [`${ETC}${name.replace(/@[^.]*\./, '@.')}`]: ['[Service]', `ExecStart=${exec}`, ...lines, ''].join('\n'), ...more },
})

const E = '/etc/env'

export const handWritten: readonly Sample[] = [
  unit('nothing set', 'h-plain.service', []),
  unit('quotes of every kind', 'h-quotes.service', [
    'Environment="A=b c" \'B=d "e"\' C=plain D="mid dle"tail E=\'x\'"y"z F= G=""',
    'Environment="H=tab\\there" I=a\\sb "J=nl\\nx" K=\\x41\\101 "L=\\u00e9\\U0001F600" "M=back\\\\slash" N=\\"q\\"',
  ]),
  unit('what systemd drops', 'h-dropped.service', [
    'Environment=NOVALUE A=1 2B=x B-C=y D=$HOME/x', 'Environment=E="unclosed', 'Environment=F=1 "G=2" H=\\q I=3', 'Environment= X=1 ; Y=2 # Z=3', 'Environment=export K=v',
  ]),
  unit('continuation lines and comments within', 'h-continued.service', [
    'Environment=A=1 \\', '  B=2 \\', '# a comment', '  ; another', '\tC=3', 'Environment=D=4\\', 'E=5', '  Environment = F=6  ', 'Environment="G=a \\', 'b"', 'Environment=P=\\\\',
  ]),
  unit('an empty assignment resets', 'h-reset.service', ['Environment=A=1 B=2', 'Environment=', 'Environment=B=3', `EnvironmentFile=${E}/reset-a`, 'EnvironmentFile=', `EnvironmentFile=${E}/reset-b`], {
    [`${E}/reset-a`]: 'GONE=1\n', [`${E}/reset-b`]: 'KEPT=1\nB=from-file\n',
  }),
  unit('the quoting of environment files', 'h-file.service', [`EnvironmentFile=${E}/quoting`], {
    [`${E}/quoting`]: [
      '# comment', '; comment', '', 'A=plain', 'B = blanks around ', 'C="double \\"q\\" \\$x \\n \\` \\\\ end"', "D='single \\ $x'", 'E=a\\', 'b', 'F="multi', 'line"', "G='x'\"y\"z", 'H=un"quoted"', 'I=trailing\\ ',
      'export J=1', 'K-L=1', '9M=1', 'N', 'O=', 'P=~/x:$HOME', 'Q=a # no comment', '  R=indented', 'S="a" b', '# continued \\', 'T=hidden-or-not', 'U=ünï', "V='it'\\''s'", 'W="no end',
    ].join('\n'),
  }),
  unit('carriage returns and tabs in a file', 'h-crlf.service', [`EnvironmentFile=${E}/crlf`], { [`${E}/crlf`]: 'A=1\r\nB="2"\r\n\tC\t=\t3\t\r\nD=4' }),
  unit('a pattern, a missing optional file, an order', 'h-glob.service', [`EnvironmentFile=-${E}/none`, `EnvironmentFile=${E}/glob.d/*.env`, `EnvironmentFile=-${E}/glob.d/[xy]?.nothing`, 'Environment=A=unit Z=unit'], {
    [`${E}/glob.d/10.env`]: 'A=ten\nB=ten\n', [`${E}/glob.d/20.env`]: 'B=twenty\n', [`${E}/glob.d/.hidden.env`]: 'H=1\n', [`${E}/glob.d/30.txt`]: 'T=1\n',
  }),
  unit('a file name with a blank', 'h-blank.service', [`EnvironmentFile=${E}/with blank`], { [`${E}/with blank`]: 'A=1\n' }),
  unit('specifiers', 'h-spec-i-fiers.service', [
    'Environment=H=%h T=%t N=%n NN=%N P=%p U=%u UID=%U S=%S C=%C E=%E L=%L PC=100%% X=%x J=%j M=%m HOST=%H LH=%l V=%v A=%a B=%b O=%o W=%w G=%g GID=%G TT=%T VV=%V F=%f I=[%i] D=%d',
    `Environment="Q=%p %N"`, `EnvironmentFile=${E}/%p`,
  ], { [`${E}/h-spec-i-fiers`]: 'SPEC=%h\n' }),
  unit('a template instance', 'h-tem-plate@my\\x2dmodel-v2.service', ['Environment=i=%i I=%I n=%n N=%N p=%p P=%P f=%f j=%j J=%J', 'Environment=BASE=1'], {
    [`${ETC}h-tem-plate@.service.d/10.conf`]: '[Service]\nEnvironment=TEMPLATE=1 BASE=2\n',
    [`${ETC}h-tem-plate@my\\x2dmodel-v2.service.d/20.conf`]: '[Service]\nEnvironment=INSTANCE=1\n',
    [`${ETC}h-tem-@.service.d/15.conf`]: '[Service]\nEnvironment=PREFIX=%p\n',
    [`${ETC}h-tem-plate@other.service.d/20.conf`]: '[Service]\nEnvironment=OTHER=1\n',
  }),
  unit('drop-ins by name across folders, masked and prefixed', 'h-drop-in.service', ['Environment=A=0 Z=0'], {
    [`${ETC}h-drop-in.service.d/50-b.conf`]: '[Service]\nEnvironment=A=etc50 B=1\n',
    [`/run/systemd/system/h-drop-in.service.d/50-b.conf`]: '[Service]\nEnvironment=A=run50\n',
    [`/run/systemd/system/h-drop-in.service.d/60-c.conf`]: '[Service]\nEnvironment=A=run60 C=1\n',
    [`${ETC}h-drop-.service.d/70-p.conf`]: '[Service]\nEnvironment=PREFIX=1\n',
    [`${ETC}h-.service.d/05-p.conf`]: '[Service]\nEnvironment=SHORT=1 A=05\n',
    [`${ETC}h-drop-in.service.d/readme.txt`]: '[Service]\nEnvironment=NO=1\n',
    [`${ETC}h-drop-in.service.d/80-empty.conf`]: '',
    [`${ETC}h-drop-in.service.d/90-sections.conf`]: 'Environment=NOSECTION=1\n[Unit]\nEnvironment=WRONG=1\n[service]\nEnvironment=LOWER=1\n[Service]\n Environment=RIGHT=1\n[X-Mine]\nEnvironment=X=1\n',
  }),
  unit('a user, a group, more groups', 'h-user.service', ['User=robert', 'Group=speech', 'SupplementaryGroups=video 27', 'WorkingDirectory=~', 'Environment=H=%h U=%u']),
  unit('a user by number', 'h-uid.service', ['User=1500', 'WorkingDirectory=-/tmp']),
  unit('nobody has no home and no shell', 'h-nobody.service', ['User=nobody']),
  unit('root by name', 'h-root.service', ['User=root', 'WorkingDirectory=/usr']),
  unit('folders of its own', 'h-folders.service', ['StateDirectory=h-one h-two', 'CacheDirectory=h-%p', 'RuntimeDirectory=h-run', 'LogsDirectory=h-log', 'ConfigurationDirectory=h-conf', 'Environment=CACHE_DIRECTORY=mine']),
  unit('passed from the manager, and taken away', 'h-pass.service', [
    'PassEnvironment=container NOT_THERE LANG', 'PassEnvironment=HOME', 'Environment=A=1 B=2 C=3', 'UnsetEnvironment=A B=2 C=other FROM_MANAGER', 'UnsetEnvironment=LANG',
  ]),
  unit('a passed list reset', 'h-pass-reset.service', ['PassEnvironment=container', 'PassEnvironment=', 'UnsetEnvironment=PATH', 'UnsetEnvironment=', 'Environment=PATH=/opt/bin:/bin:/usr/bin']),
  unit('a search path of its own', 'h-search.service', ['ExecSearchPath=/opt/box:/usr/bin:/bin'], {}, 'hold a b'),
  unit('arguments with quotes, variables and specifiers', 'h-args.service', ['Environment="W=one two" "V=x y" S=-q EMPTY='], {},
    `${HOLD} --model "/opt/my model" '${'${V}'}' $W ${'${V}'} pre-${'${S}'}-post $$HOME $UNSET $EMPTY ${'${UNSET}'} "a\\tb" %p-%% \\; "$S"x $S/y`),
  unit('marks before the program', 'h-marks.service', ['Environment=A=1'], {}, `-:${HOLD} $A ${'${A}'}`),
  unit('a bare program name', 'h-bare.service', [], {}, 'sleep infinity'),
]

/** A small repeatable generator (mulberry32). */
function dice(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}

const NAMES = ['LD_LIBRARY_PATH', 'A', 'B', 'C', 'HF_HOME', 'PATH', '_X', 'a1', '1A', 'A-B', 'CUDA_VISIBLE_DEVICES', 'HOME']
const PARTS = ['x', '/opt/lib', ' ', '  ', '\t', '"', "'", '\\', '\\\\', '\\n', '\\"', "\\'", '\\s', '\\x41', '\\x4', '\\101', '\\u00e4', '\\q', '%h', '%p', '%%', '%i', '%', '%z', '$HOME', '${A}', '~', ':', '=', '#', ';', 'é', '\\x', ',', '`', '$', '\\$', '\r']

export function randomUnits(seed: number, count: number): readonly Sample[] {
  const roll = dice(seed)
  const one = <T>(list: readonly T[]): T => list[Math.floor(roll() * list.length)]!
  const value = (): string => Array.from({ length: Math.floor(roll() * 7) }, () => one(PARTS)).join('')
  const word = (): string => {
    const plain = `${one(NAMES)}=${value()}`
    const shape = roll()
    return shape < 0.3 ? `"${plain}"` : shape < 0.5 ? `'${plain}'` : plain
  }
  const environment = (): string => (roll() < 0.1 ? 'Environment=' : `Environment=${Array.from({ length: 1 + Math.floor(roll() * 3) }, word).join(one([' ', '  ', ' \\\n ', '\\\n', ' \\\n# c\n ']))}`)
  const fileLine = (): string => one([`${one(NAMES)}=${value()}`, `${one(NAMES)}="${value()}"`, `${one(NAMES)}='${value()}'`, `export ${one(NAMES)}=${value()}`, `# ${value()}`, '', `${one(NAMES)} = ${value()} `, `${one(NAMES)}=${value()}\\`])
  return Array.from({ length: count }, (_, at) => {
    const instance = roll() < 0.25
    const base = `r${seed}-${at}`
    const name = instance ? `${base}@in-st\\x2d${at}.service` : `${base}.service`
    const main = Array.from({ length: 1 + Math.floor(roll() * 4) }, environment)
    const files: Record<string, string> = {}
    if (roll() < 0.6) {
      files[`${E}/${base}.env`] = Array.from({ length: 1 + Math.floor(roll() * 6) }, fileLine).join('\n') + (roll() < 0.5 ? '\n' : '')
      main.splice(Math.floor(roll() * 3), 0, `EnvironmentFile=${E}/${base}.env`)
    }
    if (roll() < 0.3) main.push(`UnsetEnvironment=${one(NAMES.slice(0, 8))} ${one(NAMES)}=x`)
    if (roll() < 0.2) main.push('PassEnvironment=container PATH')
    const stem = instance ? `${base}@.service` : name
    for (const folder of ['/etc/systemd/system', '/run/systemd/system']) {
      if (roll() < 0.4) files[`${folder}/${one([stem, name])}.d/${one(['10', '20', '50'])}.conf`] = ['[Service]', environment(), ''].join('\n')
    }
    return { ...unit(`random ${seed}/${at}`, name, main, files) }
  })
}
