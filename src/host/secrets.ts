const SECRET_NAME = /(TOKEN|SECRET|PASSW|PASSPHRASE|API_?KEY|ACCESS_?KEY|PRIVATE_?KEY|CREDENTIAL|AUTH|COOKIE|SESSION|BEARER|WEBHOOK|DSN|_KEY$|^KEY$|_PW$|_PWD$|PASS$|^PASS|_PAT$|ACCOUNTKEY|^PWD_)/i
/** Names that look secret and are not: paths, sockets and numbers that a diagnosis needs. */
const PUBLIC_NAME = /^(SSH_AUTH_SOCK|PULSE_COOKIE|XDG_SESSION_\w+|SESSION_MANAGER|DBUS_SESSION_BUS_ADDRESS|DESKTOP_SESSION|GDMSESSION)$/

/** Whether a variable of that name holds a secret, by the habits of naming them. */
export const isSecretName = (name: string): boolean => SECRET_NAME.test(name) && !PUBLIC_NAME.test(name)
