/** What is nobody's business, by the names and the shapes that such things have. Pure. */
// Of an engine, TOKENS are what it writes, a tokeniser reads, and a SESSION is what it runs in; none of them is a key to anything.
const SECRET_NAME = /(TOKEN(?!S|I[SZ])|(?:API|ACCESS|BEARER|HF)_?TOKENS|SECRET|PASSW|PASSPHRASE|API_?KEY|ACCESS_?KEY|PRIVATE_?KEY|CREDENTIAL|AUTH(?!OR(?!I[SZ]))|COOKIE|SESSION(?:_?ID)?$|BEARER|WEBHOOK|DSN|_KEY$|^KEY$|_PW$|_PWD$|(?<!BY|COM)PASS$|^PASS(?=[_\d])|_PAT$|ACCOUNTKEY|^PWD_)/i
/** Names that look secret and are not: paths, sockets and numbers that a diagnosis needs, settings of systemd that name a secret, and what a decoder calls a token. */
const PUBLIC_NAME = /^(SSH_AUTH_SOCK|PULSE_COOKIE|XDG_SESSION_\w+|SESSION_MANAGER|DBUS_SESSION_BUS_ADDRESS|DESKTOP_SESSION|GDMSESSION|Pass(?:Environment|Credentials|Security)|(?:Load|Import)Credential(?:Encrypted)?|\w*(?:EOS|BOS|PAD|UNK|SEP|CLS|MASK|SOT|EOT|START|BLANK|NEXT|PREV)_TOKEN(?:_ID)?)$/i
/** Names that mean nothing else, so that even an ordinary word behind them is a secret. */
const UNMISTAKABLE = /(?:TOKEN|SECRET|PASSWORD|PASSWD|PASSPHRASE|(?<!BY|COM)PASS|_PW|_PWD|_PAT|API_?KEY|ACCESS_?KEY|SECRET_?KEY|PRIVATE_?KEY|ACCOUNTKEY)$/i

/** Whether a variable of that name holds a secret, by the habits of naming them. */
export const isSecretName = (name: string): boolean => SECRET_NAME.test(name) && !PUBLIC_NAME.test(name)

/** Values that betray nothing, whatever the name before them: switches, words of this field, small numbers, placeholders, references. */
const PLAIN = /^(?:true|false|yes|none|null|auto|default|enabled?|disabled?|required|optional|basic|bearer|digest|cpu|cuda|gpu|tensorrt|rocm|openvino|coreml|webgpu|directml|int8|int16|float16|float32|bfloat16|fp16|fp32|\d{1,5}|<[|a-z][\w|-]*>?|\$[A-Z_][A-Z0-9_]*|\$\{.*|\*+|\.{3}|…)$/i
/** A path below a folder that machines have, and a piece of a program that fetches the value. */
const PLACE_OR_CODE = /^(?:\/(?:etc|opt|usr|home|var|run|srv|mnt|media|root|tmp|dev|proc|sys|lib|lib64|data|models?|app|Users)\/|~\/|\.{1,2}\/|[a-z]:\\|(?:os|self|args|config|settings|process)\.[a-z_]|[a-z_]\w{0,40}(?:\.[a-z_]\w{0,40}){1,4}[([]|(?:str|getenv)\()/i
/** A variable that holds the place of a secret: a path there is no secret itself. */
const PLACE_NAME = /_(FILE|PATH|DIR|SOCK|CREDENTIALS)$/i
/** What a name that may mean something else does not make a secret: paths, numbers, short words, names in dots. */
const ORDINARY = /^(?:[~.]{0,2}\/.*|0x[\da-fA-F]+|[\d.,:+-]+|[a-z]{1,7}|[a-z]{1,12}(?:[._][a-z0-9]{1,12}){1,8})$/

/** Whether the value is a secret, as the name before it suggests. */
export function isSecret(name: string, value: string): boolean {
  if (value.length < 4 || !isSecretName(name) || PLAIN.test(value) || PLACE_OR_CODE.test(value) || value.toLowerCase() === name.toLowerCase()) return false
  if (PLACE_NAME.test(name) && /^[~.]?\//.test(value)) return false
  return UNMISTAKABLE.test(name) || !ORDINARY.test(value)
}

const SECRET_SHAPE = [
  /\bhf_[A-Za-z0-9]{16,}/g, /\bsk-[A-Za-z0-9_-]{16,}/g, /\bgh[pousr]_[A-Za-z0-9]{20,}/g, /\bglpat-[A-Za-z0-9_-]{16,}/g, /\bxox[abprs]-[A-Za-z0-9-]{10,}/g,
  /\bAKIA[0-9A-Z]{16}\b/g, /\beyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]+/g, /\bnpm_[A-Za-z0-9]{20,}/g, /\bAIza[0-9A-Za-z_-]{30,}/g,
  /-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----(?:(?!-----BEGIN)[\s\S]){0,65536}?-----END [A-Z ]{0,40}PRIVATE KEY-----/g,
  /\bgithub_pat_[A-Za-z0-9_]{20,}/g, /\bgsk_[A-Za-z0-9]{16,}/g, /\b[sr]k_(?:live|test)_[A-Za-z0-9]{10,}/g, /(?<=hooks\.slack\.com\/services\/)[A-Za-z0-9/]{10,}/g,
  /-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----[A-Za-z0-9+/=\s]{1,65536}/g,
  /(?<=(?:Authorization|Proxy-Authorization|X-Api-Key|X-Auth-Token)\s{0,4}:\s{0,4}(?:Basic |Bearer |Token )?)[^\s\0"',;]{6,65536}/gi,
  /(?<=\b(?:password|passwd|secret|token|api_?key)\s{0,4}:\s{0,4})[^\s\0"',;{}]{4,65536}/gi, /(?<=\bmachine \S{1,100} login \S{1,100} password )[^\s\0]{1,200}/g,
  // Parts of a connection string. PWD= and OLDPWD= of a shell are folders.
  /(?<=(?:AccountKey|SharedAccessKey|Pwd|Password)=)(?![~/\\]|[a-z]:[\\/])[^;\s\0"']{4,65536}/gi, /(?<=IDENTIFIED BY ')[^'\0]{1,200}/gi,
  /(?<=Bearer )[A-Za-z0-9._~+/-]{8,65536}=*/gi,
  /(?<=(?<![a-z_-])--?(?:[a-z_-]{0,40}[_-])?(?:token|password|passwd|secret|api[_-]?key|auth)[= \0])[^\s\0"']{4,65536}/gi,
]

/** The password of an address. Where it is an ordinary word it is taken out only there: elsewhere it may mean something else. */
export const IN_ADDRESS = /(?<=:\/\/[^/\s\0:@]{0,64}:)(?!<secret(?:-\d+)?>@)[^/\s\0@]{1,200}(?=@)/g

/** A literal in a program's source: `api_key="…"`, `"x_api_key": '…'`, `token = ("…")`. */
const LITERAL = /([A-Za-z_][A-Za-z0-9_-]{1,63})["']?\s{0,3}[=:]\s{0,3}\(?[rbfuRBFU]{0,2}(?:"([^"\n]{4,4096})"|'([^'\n]{4,4096})')/g
/** NAME=value as it stands in environ, unit files, env files, `systemctl show`, shell profiles and lines of a log; the last may itself be NAME=value. */
const ASSIGNED = /(?<![A-Za-z0-9_])([A-Za-z_][A-Za-z0-9_]{1,63})=/g
const VALUE = /"([^"\n\0]{0,4096})"|'([^'\n\0]{0,4096})'|([^\s\0"']{0,4096})/y
/** "NAME=value with blanks", quoted as a whole. */
const QUOTED = /(?<==|\s|^)(?:"([A-Za-z_][A-Za-z0-9_]{1,63})=([^"\n\0]{4,4096})"|'([A-Za-z_][A-Za-z0-9_]{1,63})=([^'\n\0]{4,4096})')/gm
/** A parameter of an address. */
const PARAMETER = /(?<=[?&])([A-Za-z_][A-Za-z0-9_.-]{0,63})=([^\s\0"'&#<>]{4,4096})/g
const SIGNATURE = /^(?:sig|signature|X-Amz-(?:Signature|Credential))$/i
/** What ends the sentence or the quotation around a value. */
const END_OF_QUOTE = /[`“”’.,;:)\]}>]{1,8}$/

/** The word between `Authorization:` and what is secret. */
const SCHEME = /^(basic|bearer|token|digest)$/i

function* assigned(text: string): Iterable<string> {
  let past = 0
  for (const { 0: all, 1: name, index } of text.matchAll(ASSIGNED)) {
    // A parameter of an address ends before the next.
    if (index < past || !isSecretName(name!) || /[?&]/.test(text[index - 1] ?? '')) continue
    VALUE.lastIndex = index + all.length
    const [whole = '', double, single, plain = ''] = VALUE.exec(text) ?? []
    const value = double ?? single ?? plain.replace(END_OF_QUOTE, '')
    if (!isSecret(name!, value)) continue
    past = index + all.length + whole.length
    yield value
  }
}

/** Secrets in a text by the names before them, each as it stands there. */
function secretsByName(text: string): readonly string[] {
  const found = [...assigned(text)]
  const consider = (name: string, value: string) => void (isSecret(name.replace(/[.-]/g, '_'), value) && found.push(value))
  for (const [, name, double, single] of text.matchAll(LITERAL)) consider(name!, double ?? single ?? '')
  for (const [, name, value, name2, value2] of text.matchAll(QUOTED)) consider(name ?? name2!, value ?? value2!)
  for (const [, name, value] of text.matchAll(PARAMETER)) {
    if (SIGNATURE.test(name!)) found.push(value!)
    else consider(name!, value!.replace(END_OF_QUOTE, ''))
  }
  return found
}

/** Secrets in a text by their shapes and by the names before them, each as it stands there. */
export function secretsIn(text: string): readonly string[] {
  const found = SECRET_SHAPE.flatMap((shape) => [...text.matchAll(shape)].map(([match]) => match)).filter((match) => !SCHEME.test(match) && !PLAIN.test(match) && !PLACE_OR_CODE.test(match))
  const passwords = [...text.matchAll(IN_ADDRESS)].map(([match]) => match).filter((match) => match.length >= 4 && !PLAIN.test(match) && !/^[a-z]{1,7}$/.test(match))
  return [...found, ...passwords, ...secretsByName(text)]
}

/**
 * Where a secret stands. One that could be part of a word is sought as a whole word, or the diagnosis would be lost with it;
 * before it may stand an escape (`\n`), whose letter is none of its own.
 */
export function occurrences(secret: string): RegExp {
  const escaped = secret.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
  if (secret.length >= 8 && !/^[A-Za-z]+$/.test(secret)) return new RegExp(escaped, 'g')
  const before = /^\w/.test(secret) ? '(?:(?<![A-Za-z0-9_])|(?<=\\\\[nrtbf0]|\\\\u[\\da-fA-F]{4}|\\\\x[\\da-fA-F]{2}|%[\\dA-F]{2}))' : ''
  return new RegExp(`${before}${escaped}${/\w$/.test(secret) ? '(?![A-Za-z0-9_])' : ''}`, 'g')
}

/** For people's eyes: the text without them. */
export function withoutSecrets(text: string): string {
  if (text.length < 6) return text
  const found = [...new Set(secretsIn(text))].sort((a, b) => b.length - a.length)
  return found.reduce((so, secret) => so.replace(occurrences(secret), '<secret>'), text).replace(IN_ADDRESS, '<secret>')
}
