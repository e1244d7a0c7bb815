"""A program on a terminal of its own. Standard input: JSON {argv, cwd, env, steps: [[wait for this text, then type that]], limit}.

Prints JSON {code, screen, restored}: the exit code, all that was written, and whether the terminal was left as it was found.
"""
import json, os, pty, select, sys, termios, time

job = json.load(sys.stdin)
pid, terminal = pty.fork()
if pid == 0:
    os.chdir(job['cwd'])
    os.execvpe(job['argv'][0], job['argv'], job['env'])
before, screen, steps, end = termios.tcgetattr(terminal)[:4], '', list(job['steps']), time.time() + job['limit']
seen, after = 0, before
while time.time() < end:
    if select.select([terminal], [], [], 0.1)[0]:
        try:
            data = os.read(terminal, 65536)
        except OSError:
            break
        if not data:
            break
        screen += data.decode('utf-8', 'replace')
    if steps and steps[0][0] in screen[seen:]:
        seen = len(screen)
        os.write(terminal, steps.pop(0)[1].encode())
    try:
        after = termios.tcgetattr(terminal)[:4]
    except termios.error:
        break
else:
    os.kill(pid, 9)
status = os.waitpid(pid, 0)[1]
json.dump({'code': os.WEXITSTATUS(status) if os.WIFEXITED(status) else -os.WTERMSIG(status), 'screen': screen, 'restored': after == before}, sys.stdout)
