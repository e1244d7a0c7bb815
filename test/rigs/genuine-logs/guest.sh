#!/bin/bash
# guest.sh: the journals of units that die, and of the kernel that kills, out of a guest with a kernel of its own (../cgroup-v2-uml; root).
set -euo pipefail
rig=$(dirname "$(realpath "$0")") logs=$(realpath "$(dirname "$0")/../../../fixtures/logs")
guest() { "$rig/../cgroup-v2-uml" "$1" genuine-logs "${@:2}"; }
guest start --mem 400
trap 'guest stop' EXIT
guest exec sh -c 'cd /run/systemd/system
printf "[Service]\nExecStart=/usr/bin/tail /dev/zero\nMemoryMax=40M\n" >limited.service
printf "[Service]\nExecStart=/bin/sh -c \"kill -SEGV \$\$\$\$\"\nRestart=always\nRestartSec=10ms\nStartLimitBurst=3\n" >broken.service
printf "[Service]\nExecStart=/bin/true\nRootDirectory=/nowhere\n" >nowhere.service
systemctl daemon-reload; systemctl start limited broken nowhere; sleep 8'
guest exec journalctl --no-pager -o short -u limited -u broken -u nowhere | cut -c1-300 >"$logs/systemd-252-units-that-die.txt"
guest exec journalctl -k --no-pager -o short | grep -iE 'oom-kill|out of memory|oom_reaper' | cut -c1-400 >"$logs/linux-6.1-out-of-memory.txt"
wc -l "$logs"/systemd-252-units-that-die.txt "$logs"/linux-6.1-out-of-memory.txt
