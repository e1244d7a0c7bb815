import { afterAll, beforeAll, expect, it } from 'vitest'
import { bootBox, boxMissing, NODE, REPOSITORY, type Box } from '../support/box.ts'
import { describeWith } from '../support/rig.ts'

/**
 * Programs that wait to be run with more rights than their owner has, and then leave a mark with the uid they ran as: `trap` in
 * place of the tools of a root, its Python among them, which serves as long as it is called as the service calls it; `mark.so` by
 * way of LD_PRELOAD.
 */
const TRAP = `#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
int main(int argc, char **argv) {
  if (argc == 2 && strcmp(argv[1], "server.py") == 0) for (;;) pause();
  char name[64]; snprintf(name, sizeof name, "/marks/%d", geteuid()); close(open(name, O_CREAT | O_WRONLY, 0666)); return 0;
}
`
const MARK_SO = `#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>
__attribute__((constructor)) static void mark(void) { char name[64]; snprintf(name, sizeof name, "/home/asr/marks/%d", geteuid()); close(open(name, O_CREAT | O_WRONLY, 0666)); }
`

describeWith('systemd box', boxMissing(), () => {
  let box: Box
  beforeAll(() => {
    box = bootBox('hostile')
    box.script(`
      useradd -m -u 1500 asr
      mkdir /build; cd /build
      cat >trap.c <<'END'
${TRAP}END
      cat >mark.c <<'END'
${MARK_SO}END
      gcc -static -o trap trap.c; gcc -o sleeper trap.c; gcc -shared -fPIC -o mark.so mark.c
      install -d -m 777 /home/asr/marks; install -o asr mark.so /home/asr/mark.so
      # A root of the user's own, in which every tool is a trap.
      root=/home/asr/root
      install -d -o asr $root $root/bin $root/sbin $root/usr $root/usr/bin $root/usr/sbin $root/etc $root/proc; install -d -m 777 $root/marks
      for tool in usr/bin/python3 usr/bin/env bin/env sbin/ldconfig usr/sbin/ldconfig usr/bin/ldd usr/bin/pactl usr/bin/nvidia-smi; do cp trap $root/$tool; done
      chroot $root /usr/bin/python3 server.py </dev/null >/dev/null 2>&1 & echo $! >/build/root.pid
      chroot --userspec=1500:1500 $root /usr/bin/python3 server.py </dev/null >/dev/null 2>&1 & echo $! >/build/user.pid
      # A set-user-ID program, started by the user with an environment of his choice.
      install -m 4755 sleeper /usr/local/bin/python3.99
      setpriv --reuid 1500 --regid 1500 --clear-groups env LD_PRELOAD=/home/asr/mark.so PYTHONPATH=/home/asr /usr/local/bin/python3.99 server.py </dev/null >/dev/null 2>&1 & echo $! >/build/setuid.pid
      sleep 0.5; rm -f /home/asr/marks/*
    `)
  }, 120_000)
  afterAll(() => box?.stop())

  const check = (process: string) => box.run(NODE, `${REPOSITORY}/bin/asr-doctor.js`, 'check', '--pid', box.run('cat', `/build/${process}.pid`).stdout.trim(), '--json')
  const marks = (folder: string) => box.run('ls', '-A', folder).stdout.trim()

  it('shows that the traps work', () => {
    box.script('chroot /home/asr/root /usr/bin/python3; LD_PRELOAD=/home/asr/mark.so /bin/true')
    expect([marks('/home/asr/root/marks'), marks('/home/asr/marks')]).toEqual(['0', '0'])
    box.script('rm /home/asr/root/marks/* /home/asr/marks/*')
  })

  it('runs nothing of a foreign root in which the process is root', () => {
    const { code, stdout, stderr } = check('root')
    expect(stderr).toBe('')
    expect([0, 1, 3]).toContain(code)
    expect(JSON.parse(stdout).target.kind).toBe('pid')
    expect(marks('/home/asr/root/marks')).toBe('')
  })

  it('runs what lies in the root of a user as that user only', () => {
    check('user')
    // Asked as the service, the trap may run; never as root.
    expect(['', '1500']).toContain(marks('/home/asr/root/marks'))
    box.run('rm', '-f', '/home/asr/root/marks/1500')
  })

  it('runs nothing in the environment of a set-user-ID program', () => {
    const { code, stdout } = check('setuid')
    expect([0, 1, 3]).toContain(code)
    expect(JSON.parse(stdout).target.kind).toBe('pid')
    expect(marks('/home/asr/marks')).toBe('')
  })

  it('asks a Python that belongs to a user as that user', () => {
    box.script(`setpriv --reuid 1500 --regid 1500 --clear-groups /usr/bin/python3 -m venv --without-pip /home/asr/venv
      echo "import os; open('/home/asr/marks/%d' % os.geteuid(), 'w').close()" >$(echo /home/asr/venv/lib/python3*/site-packages)/mark.pth`)
    const doctor = [NODE, `${REPOSITORY}/bin/asr-doctor.js`, 'check', '--json']
    expect([0, 1, 3]).toContain(box.run(...doctor, '--python', '/home/asr/venv/bin/python').code)
    expect(marks('/home/asr/marks')).toBe('1500')
    box.run('rm', '/home/asr/marks/1500')
    expect([0, 1, 3]).toContain(box.run('env', 'VIRTUAL_ENV=/home/asr/venv', ...doctor).code)
    expect(marks('/home/asr/marks')).toBe('1500')
  })

  it('gives whoever it asks no way to more rights', () => {
    box.script(`echo "import shutil; shutil.copy('/proc/self/status', '/home/asr/marks/status')" >$(echo /home/asr/venv/lib/python3*/site-packages)/mark.pth
      chmod 777 /home/asr/marks; rm -f /home/asr/marks/*`)
    box.run(NODE, `${REPOSITORY}/bin/asr-doctor.js`, 'check', '--json', '--python', '/home/asr/venv/bin/python')
    expect(box.run('cat', '/home/asr/marks/status').stdout).toMatch(/^NoNewPrivs:\t1$/m)
  })
})
