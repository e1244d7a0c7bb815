import type { Story } from '../support/stories.ts'

/** Scenes for test/make-fixtures.ts. The main process lives on, so that its cgroup and the counters in it do, too. */
export const cgroupStories: readonly Story[] = [
  {
    file: 'memory-limit-reached', title: 'The helper that was too large', args: ['--unit', 'tight'],
    text: 'A service with MemoryMax=100M starts a helper that wants 200 MiB. The kernel kills the helper, and the service goes on without its answer.',
    scene: `cat >/opt/parts/tight.py <<'END_OF_PROGRAM'
import subprocess, sys, time
subprocess.run([sys.executable, '-c', 'x = bytearray(200 << 20)'])
time.sleep(100000)
END_OF_PROGRAM
printf '[Unit]\\nDescription=Speech recognition\\n[Service]\\nUser=asr\\nExecStart=/usr/bin/python3 /opt/parts/tight.py\\nMemoryMax=100M\\nMemorySwapMax=0\\nOOMPolicy=continue\\n' >/etc/systemd/system/tight.service
systemctl daemon-reload; systemctl restart tight; sleep 2`,
  },
]
