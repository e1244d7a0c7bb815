/** What the interpreter is asked by a script of our own, whose name says nothing to anybody else. */
const SCRIPTS: Readonly<Record<string, string>> = { probe: 'the engine tried', scan: 'its source', view: 'its Python' }

/** A question as a place: a file by its path, a program by its words, less what only the program needs. */
export const placeOf = (source: string): string =>
  source
    .replace(/^digest log "?journal:\w+:\d+:([^:"]+):[^"]*"?/, 'the journal of $1')
    .replace(/^digest [\w-]+ /, '')
    .replace(/^watch (\d+) .*?([^ ]+)$/, (_, ms: string, file: string) => `${file}, watched for ${Number(ms) / 1000} s`)
    .replace(/^run (as=service )?.* < asr-doctor-(probe|scan|view)\.py(?=$|:\d+$)/, (_, service: string | undefined, script: string) => `${SCRIPTS[script]!}${script !== 'probe' ? '' : service === undefined ? ' here' : ' in the service’s place'}`)
    .replace(/^run (.*?)systemctl (.*?)--no-pager --property=\S+ (?:-- )?/, 'run $1systemctl $2')
    .replace(/^transcribe (\S+) .*$/, '$1, asked for the text of known speech')
    .replace(/^inventory nvidia/, 'nvidia-smi')
    .replace(/^inventory cpu/, 'the processor, as systeminformation tells it')
    .replace(/^inventory speech/, 'the processes of this machine')
    .replace(/^(read|linkage|stat|list|realpath|readlink) /, '')
    .replace(/^environment(?=:|$)/, 'the environment of this shell')
    .replace(/^run (?:as=(\S+) )?/, (_, as: string | undefined) => (as === undefined ? '' : as === 'caller' ? 'as this shell: ' : `as the ${as}: `))
