/** What is nobody's business, by the names and the shapes that such things have. Pure. */
const SECRET_NAME = /(TOKEN|SECRET|PASSW|PASSPHRASE|API_?KEY|ACCESS_?KEY|PRIVATE_?KEY|CREDENTIAL|AUTH|COOKIE|SESSION|BEARER|WEBHOOK|DSN|_KEY$|^KEY$|_PW$|_PWD$|PASS$|^PASS|_PAT$|ACCOUNTKEY|^PWD_)/i
/** Names that look secret and are not: paths, sockets and numbers that a diagnosis needs. */
const PUBLIC_NAME = /^(SSH_AUTH_SOCK|PULSE_COOKIE|XDG_SESSION_\w+|SESSION_MANAGER|DBUS_SESSION_BUS_ADDRESS|DESKTOP_SESSION|GDMSESSION)$/

/** Whether a variable of that name holds a secret, by the habits of naming them. */
export const isSecretName = (name: string): boolean => SECRET_NAME.test(name) && !PUBLIC_NAME.test(name)

const SECRET_SHAPE = [
  /\bhf_[A-Za-z0-9]{16,}/g, /\bsk-[A-Za-z0-9_-]{16,}/g, /\bgh[pousr]_[A-Za-z0-9]{20,}/g, /\bglpat-[A-Za-z0-9_-]{16,}/g, /\bxox[abprs]-[A-Za-z0-9-]{10,}/g,
  /\bAKIA[0-9A-Z]{16}\b/g, /\beyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]+/g, /\bnpm_[A-Za-z0-9]{20,}/g, /\bAIza[0-9A-Za-z_-]{30,}/g,
  /-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?-----END [A-Z ]*PRIVATE KEY-----/g,
  /\bgithub_pat_[A-Za-z0-9_]{20,}/g, /\bgsk_[A-Za-z0-9]{16,}/g, /\b[sr]k_(?:live|test)_[A-Za-z0-9]{10,}/g, /(?<=hooks\.slack\.com\/services\/)[A-Za-z0-9/]{10,}/g,
  /-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----[A-Za-z0-9+/=\s]+/g,
  /(?<=(?:Authorization|Proxy-Authorization|X-Api-Key|X-Auth-Token)\s{0,4}:\s{0,4}(?:Basic |Bearer |Token )?)[^\s\0"',;]{6,}/gi,
  /(?<=\b(?:password|passwd|secret|token|api_?key)\s{0,4}:\s{0,4})[^\s\0"',;{}]{4,}/gi, /(?<=\bmachine \S{1,100} login \S{1,100} password )[^\s\0]{1,200}/g,
  // Parts of a connection string. PWD= and OLDPWD= of a shell are folders.
  /(?<=(?:AccountKey|SharedAccessKey|Pwd|Password)=)(?![~/\\]|[a-z]:[\\/])[^;\s\0"']{4,}/gi, /(?<=IDENTIFIED BY ')[^'\0]{1,200}/gi,
  /(?<=Bearer )[A-Za-z0-9._~+/-]{8,}=*/gi, /(?<=:\/\/[^/\s\0:@]{0,64}:)[^/\s\0@]{1,200}(?=@)/g,
  /(?<=(?<![a-z_-])--?(?:[a-z_-]{0,40}[_-])?(?:token|password|passwd|secret|api[_-]?key|auth)[= \0])[^\s\0"']{4,}/gi,
]

/** A literal in a program's source: `api_key="…"`, `"x_api_key": '…'`, `token = ("…")`. */
const LITERAL = /([A-Za-z_][A-Za-z0-9_-]{1,63})["']?\s{0,3}[=:]\s{0,3}\(?[rbfuRBFU]{0,2}(?:"([^"\n]{4,4096})"|'([^'\n]{4,4096})')/g
/** Words that betray nothing, whatever the name before them. */
const PLAIN = /^(true|false|none|null|auto|default|enabled|disabled|required|optional|basic|bearer|<[a-z-]+(-\d+)?>|[.~/]?\/.*)$/i

/** The word between `Authorization:` and what is secret. */
const SCHEME = /^(basic|bearer|token|digest)$/i

/** Secrets in a text, each as it stands there. */
export function secretsByShape(text: string): readonly string[] {
  const found = SECRET_SHAPE.flatMap((shape) => [...text.matchAll(shape)].map(([match]) => match)).filter((match) => !SCHEME.test(match))
  for (const [, name, double, single] of text.matchAll(LITERAL)) {
    const value = double ?? single ?? ''
    if (isSecretName(name!.replace(/-/g, '_')) && !PLAIN.test(value)) found.push(value)
  }
  return found
}

/** For people's eyes: the text without them. */
export function withoutSecrets(text: string): string {
  if (text.length < 6) return text
  return [...new Set(secretsByShape(text))].sort((a, b) => b.length - a.length).reduce((so, secret) => so.replaceAll(secret, '<secret>'), text)
}
