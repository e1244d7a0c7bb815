/**
 * What the number means with which a process ended: NTSTATUS codes of Windows (ntstatus.h), and 128 + signal as shells
 * give it (signal(7)). 0xC0000409 is __fastfail, which abort() uses, and no access violation.
 */
const CODES: readonly (readonly [number, string])[] = [
  [0xc0000005, 'an access violation'],
  [0xc0000409, 'a fail-fast abort: the program ended itself, and its last line on stderr says why; it is not an access violation'],
  [0xc0000135, 'a DLL was not found'],
  [0xc0000139, 'a DLL lacks a function: DLLs of two versions are mixed'],
  [0xc0000142, 'a DLL failed to start'],
  [0xc000007b, 'a file is no program or DLL for this architecture'],
  [0xc00000fd, 'a stack overflow'],
  [0xc0000374, 'a damaged heap'],
  [0xc000001d, 'an illegal instruction: built for a processor with more instructions'],
  [0xc000013a, 'it was ended with Ctrl-C'],
  [0xe06d7363, 'a C++ exception that nobody caught'],
  [126, 'the program could not be executed'],
  [127, 'the program, or its interpreter, was not found'],
  [132, 'SIGILL, an illegal instruction: built for a processor with more instructions'],
  [134, 'SIGABRT: the program ended itself, and its last line on stderr says why'],
  [135, 'SIGBUS: a mapped file grew shorter, or its disk is full'],
  [136, 'SIGFPE, an arithmetic error'],
  [137, 'SIGKILL: it was killed from outside, most often for want of memory'],
  [139, 'SIGSEGV, an access to memory that is not its own'],
]

/** Codes stand unsigned, signed (as PowerShell prints them) or in hexadecimal. */
export function exitMeaning(code: number): string | null {
  const unsigned = code < 0 ? code + 0x1_0000_0000 : code
  return CODES.find(([known]) => known === unsigned)?.[1] ?? null
}

/** The code that a line of a log gives, and what it means; null = it gives none, or one that means nothing by itself. */
export function exitIn(text: string): { readonly code: string; readonly meaning: string } | null {
  // The long codes are unmistakable; a small number is a code only behind the word.
  const written = /0x[0-9A-Fa-f]{8}|-\d{9,10}\b|\b3[27]\d{8}\b/.exec(text)?.[0] ?? /exit(?:ed)?(?: with)?(?: code| status)[ :=(]+(\d{3})\b/i.exec(text)?.[1] ?? /code=exited, status=(\d{3})\//.exec(text)?.[1]
  const known = written === undefined ? null : exitMeaning(Number(written))
  if (known !== null) return { code: written!, meaning: known }
  const signal = /code=(?:killed|dumped), status=(\d+)\//.exec(text)?.[1]
  const meaning = signal === undefined ? null : exitMeaning(128 + Number(signal))
  return meaning === null ? null : { code: `signal ${signal}`, meaning }
}
