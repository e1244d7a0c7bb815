import { cgroupStories } from '../cgroup/stories.ts'
import { gpuStories } from '../gpu/stories.ts'

/** The scenes that test/make-fixtures.ts records, in the order in which they are set: some clear away what an earlier one left. */
export interface Story {
  readonly file: string
  readonly title: string
  readonly text: string
  /** Shell script in the box, as root, that sets the scene. */
  readonly scene: string
  readonly args: readonly string[]
  /** Who calls the doctor; absent = root. */
  readonly as?: string
}

const unit = (name: string, lines: string, more = '') => `cat >/etc/systemd/system/${name}.service <<'END_OF_UNIT'
[Unit]
Description=Speech recognition
${more}
[Service]
User=asr
${lines}
END_OF_UNIT
systemctl daemon-reload; systemctl reset-failed ${name} 2>/dev/null || true; systemctl restart ${name} || true; sleep 0.3`

const userUnit = (user: string, uid: number, name: string, text: string, command = `restart ${name}`) => `mkdir -p /home/${user}/.config/systemd/user
cat >/home/${user}/.config/systemd/user/${name}.service <<'END_OF_UNIT'
${text}
END_OF_UNIT
chown -R ${user}: /home/${user}/.config
setpriv --reuid ${uid} --regid ${uid} --init-groups env XDG_RUNTIME_DIR=/run/user/${uid} sh -c 'systemctl --user daemon-reload; systemctl --user ${command}; sleep 0.3'`

/** A server beside the CUDA provider of onnxruntime in /opt/NAME; /opt/parts holds the toolkit. */
const engine = (name: string) => `mkdir -p /opt/${name}/bin /opt/${name}/lib; cp /usr/bin/sleep /opt/${name}/bin/asr-server; cp /opt/parts/ort/libonnxruntime_providers_*.so /opt/${name}/lib/`
const start = (name: string) => `ExecStart=/opt/${name}/bin/asr-server infinity\nEnvironment=ASR_DEVICE=cuda`
const ALL = 'LD_LIBRARY_PATH=/opt/parts/cuda:/opt/parts/cudnn:/opt/parts/driver'

export const STORIES: readonly Story[] = [
  {
    file: 'healthy-logind', title: 'A service that has nothing to do with speech', args: ['--unit', 'systemd-logind'],
    text: 'systemd-logind of Debian 12 as it is. Nothing in it concerns speech recognition, and nothing may be said of it.',
    scene: 'systemctl start systemd-logind',
  },
  {
    file: 'cuda-service-without-a-gpu', title: 'A CUDA service whose libraries all resolve', args: ['--unit', 'whole', '--system'],
    text: 'LD_LIBRARY_PATH in the unit names the toolkit, cuDNN and the driver library (stand-ins with the sonames and dependencies of the real ones). There is no GPU in this machine, and that is all that may be said.',
    scene: `${engine('whole')}\n${unit('whole', `${start('whole')}\nEnvironment=${ALL}`)}`,
  },
  {
    file: 'cpu-recogniser-linked-to-pulse', title: 'A recogniser that reads files on the CPU, and could record', args: ['--unit', 'cpu-only'],
    text: 'PocketSphinx decodes a file on the CPU, without limits. No CUDA library is anywhere in it, so the missing GPU is no fault. It is linked with libpulse and could not reach the sound server of the session: a note, since nothing says that it is to record.',
    scene: unit('cpu-only', 'ExecStart=/usr/bin/pocketsphinx_continuous -hmm /usr/share/pocketsphinx/model/en-us/en-us -lm /usr/share/pocketsphinx/model/en-us/en-us.lm.bin -dict /usr/share/pocketsphinx/model/en-us/cmudict-en-us.dict -logfn /dev/null -infile /opt/parts/speech.wav\nRestart=always'),
  },
  {
    file: 'healthy-shell', title: 'A plain shell', args: [],
    text: 'The shell of an administrator, without CUDA and without a speech engine.',
    scene: 'systemctl stop cpu-only',
  },
  {
    file: 'healthy-user-unit', title: 'A user unit that records from its own session', args: ['--unit', 'dictation', '--user'], as: 'asr',
    text: 'A user unit with linger on, recording from the PulseAudio of the same session: two inputs and two monitors for the shell and for the service alike.',
    scene: userUnit('asr', 1500, 'dictation', '[Unit]\nAfter=pulseaudio.service\n[Service]\nExecStart=/usr/bin/parec --device=alsa_input.usb-Generic_USB_Audio-00.iec958-stereo /dev/null'),
  },
  {
    file: 'healthy-roomy-quota', title: 'A quota with room for every thread', args: ['--unit', 'roomy'],
    text: 'CPUQuota=800% on two CPUs can never stop anything.',
    scene: unit('roomy', 'ExecStart=/usr/bin/sleep infinity\nEnvironment=OMP_NUM_THREADS=2\nCPUQuota=800%'),
  },
  {
    file: 'healthy-python-server', title: 'A speech server in Python, sent its audio over HTTP', args: ['--unit', 'web'],
    text: 'The distribution’s Python serves HTTP, on the CPU, without limits. (http.server stands for the API of a recogniser.)',
    scene: unit('web', 'ExecStart=/usr/bin/python3 -m http.server 8765 --bind 127.0.0.1 --directory /opt/parts\nEnvironment=ASR_DEVICE=cpu'),
  },
  {
    file: 'healthy-dbus', title: 'The message bus, seen by an ordinary process id', args: ['--unit', 'dbus'],
    text: 'dbus.service of Debian 12: a socket-activated system service with a user of its own.',
    scene: 'systemctl start dbus',
  },
  {
    file: 'libraries-absent', title: 'The provider came without its libraries', args: ['--unit', 'bare'],
    text: 'The CUDA provider of onnxruntime lies beside a service that asks for CUDA, and no CUDA library is anywhere on the machine.',
    scene: `mv /opt/parts/cuda /root/cuda-away; mv /opt/parts/cudnn /root/cudnn-away\n${engine('bare')}\n${unit('bare', `${start('bare')}\nEnvironment=LD_LIBRARY_PATH=/usr/local/cuda-11.8/lib64`)}`,
  },
  {
    file: 'library-major-mismatch', title: 'CUDA 13 is installed, the engine wants 12', args: ['--unit', 'thirteen'],
    text: 'A toolkit of CUDA 13 with cuDNN 8: the sonames that the provider asks for are not among them.',
    scene: `T=/usr/local/cuda-13.0/lib64; mkdir -p $T
for l in libcublas libcublasLt libcudart libnvrtc; do cp /root/cuda-away/$l.so.12 $T/$l.so.13; patchelf --set-soname $l.so.13 $T/$l.so.13; done
cp /root/cuda-away/libcufft.so.11 $T/libcufft.so.12; patchelf --set-soname libcufft.so.12 $T/libcufft.so.12; cp /root/cuda-away/libcurand.so.10 $T/; echo $T >/etc/ld.so.conf.d/cuda-13.conf; ldconfig
cp /root/cudnn-away/libcudnn.so.9 $T/libcudnn.so.8; patchelf --set-soname libcudnn.so.8 $T/libcudnn.so.8
${engine('thirteen')}\n${unit('thirteen', start('thirteen'))}`,
  },
  {
    file: 'library-unloadable', title: 'A library that is a Git LFS pointer', args: ['--unit', 'pointer'],
    text: 'The libraries were cloned without git lfs: libcublas.so.12 is a text of three lines.',
    scene: `rm -rf /usr/local/cuda-13.0 /etc/ld.so.conf.d/cuda-13.conf; ldconfig; mv /root/cuda-away /opt/parts/cuda; mv /root/cudnn-away /opt/parts/cudnn
${engine('pointer')}; cp -r /opt/parts/cuda /opt/pointer/cuda
printf 'version https://git-lfs.github.com/spec/v1\\noid sha256:4665a5ea423c2713d436b5ee50593a9640e0018c1550b5a0002f74190d6caea8\\nsize 104857600\\n' >/opt/pointer/cuda/libcublas.so.12
${unit('pointer', `${start('pointer')}\nEnvironment=LD_LIBRARY_PATH=/opt/pointer/cuda:/opt/parts/cudnn:/opt/parts/driver`)}`,
  },
  {
    file: 'library-path-unsafe', title: 'A variable that systemd does not expand', args: ['--unit', 'literal'],
    text: 'LD_LIBRARY_PATH=/…:$LD_LIBRARY_PATH was copied from a shell profile, and ends in an empty element besides.',
    scene: `rm -rf /opt/pointer; ${engine('literal')}\n${unit('literal', `${start('literal')}\nEnvironment=${ALL}:$LD_LIBRARY_PATH:`)}`,
  },
  {
    file: 'driver-stub', title: "The toolkit's stub of libcuda comes first", args: ['--unit', 'stub'],
    text: 'lib64/stubs was put on LD_LIBRARY_PATH to make a build link, and stayed there.',
    scene: `${engine('stub')}; mkdir -p /usr/local/cuda/lib64/stubs; cp /opt/parts/driver/libcuda.so.1 /usr/local/cuda/lib64/stubs/
${unit('stub', `${start('stub')}\nEnvironment=LD_LIBRARY_PATH=/usr/local/cuda/lib64/stubs:/opt/parts/cuda:/opt/parts/cudnn`)}`,
  },
  {
    file: 'cudnn-sublibraries', title: 'cuDNN without its sub-libraries', args: ['--unit', 'partial'],
    text: 'Only libcudnn.so.9 itself was copied. ldd is clean; the first convolution will abort.',
    scene: `rm -rf /usr/local/cuda; ${engine('partial')}; mkdir /opt/partial/cudnn; cp /opt/parts/cudnn/libcudnn.so.9 /opt/partial/cudnn/; mv /opt/parts/cudnn /root/cudnn-away
${unit('partial', `${start('partial')}\nEnvironment=LD_LIBRARY_PATH=/opt/parts/cuda:/opt/partial/cudnn:/opt/parts/driver`)}`,
  },
  {
    file: 'cudnn-mixed', title: 'cuDNN out of two installations', args: ['--unit', 'mixed'],
    text: 'libcudnn.so.9 is of release 9.1.0 in one folder, its parts of release 9.10.2 in another.',
    scene: `mv /root/cudnn-away /opt/parts/cudnn; ${engine('mixed')}; mkdir /opt/mixed/a /opt/mixed/b
cp /opt/parts/cudnn/libcudnn.so.9 /opt/mixed/a/libcudnn.so.9.1.0; patchelf --remove-rpath /opt/mixed/a/libcudnn.so.9.1.0; ln -s libcudnn.so.9.1.0 /opt/mixed/a/libcudnn.so.9
for f in /opt/parts/cudnn/libcudnn_*.so.9; do n=$(basename $f); cp $f /opt/mixed/b/$n.10.2; ln -s $n.10.2 /opt/mixed/b/$n; done
${unit('mixed', `${start('mixed')}\nEnvironment=LD_LIBRARY_PATH=/opt/parts/cuda:/opt/mixed/a:/opt/mixed/b:/opt/parts/driver`)}`,
  },
  {
    file: 'unknown-directive', title: 'Directives that systemd does not have', args: ['--unit', 'typo'],
    text: 'ImportEnvironment= and a mistyped CPUQuota=: systemd logs a line and goes on without them.',
    scene: unit('typo', 'ExecStart=/usr/bin/sleep infinity\nImportEnvironment=DISPLAY\nCPUQouta=400%'),
  },
  {
    file: 'environment-file-missing', title: 'The environment file is not there', args: ['--unit', 'nofile'],
    text: 'EnvironmentFile= names a file that was never installed, so the unit does not start.',
    scene: unit('nofile', 'ExecStart=/usr/bin/sleep infinity\nEnvironmentFile=/etc/asr/asr.env'),
  },
  {
    file: 'killed-again-and-again', title: 'Crashed and started, over and over', args: ['--unit', 'dying'],
    text: 'The program exits with 139, as a shell reports a crash by SIGSEGV, and Restart=always hides it.',
    scene: `${unit('dying', "ExecStart=/bin/sh -c 'exit 139'\nRestart=always\nRestartSec=100ms", 'StartLimitIntervalSec=60\nStartLimitBurst=4')}\nsleep 2`,
  },
  {
    file: 'edited-not-reloaded', title: 'The unit was edited, and nothing was reloaded', args: ['--unit', 'stale'],
    text: 'A variable was added to the unit file while the service ran. Neither daemon-reload nor restart followed.',
    scene: `${unit('stale', 'ExecStart=/usr/bin/sleep infinity')}\nsleep 1.2\necho 'Environment=OMP_NUM_THREADS=4' >>/etc/systemd/system/stale.service`,
  },
  {
    file: 'devices-shut', title: 'A sandbox without the GPU', args: ['--unit', 'boxed'],
    text: 'PrivateDevices=yes on a service that asks for CUDA. (The device nodes are made by hand: there is no GPU in this machine.)',
    scene: `mknod -m 666 /dev/nvidiactl c 195 255; mknod -m 666 /dev/nvidia0 c 195 0; ${engine('boxed')}\n${unit('boxed', `${start('boxed')}\nEnvironment=${ALL}\nPrivateDevices=yes`)}`,
  },
  {
    file: 'home-hidden', title: 'The model lies in a home folder that the service may not see', args: ['--unit', 'homeless'],
    text: 'ProtectHome=yes on a service whose model path is below /home.',
    scene: `rm -f /dev/nvidiactl /dev/nvidia0; mkdir -p /home/asr/models; echo x >/home/asr/models/ggml-base.bin; chown -R asr: /home/asr/models
${unit('homeless', "ExecStart=/usr/bin/perl -e 'sleep 99999' -- --model /home/asr/models/ggml-base.bin\nProtectHome=yes")}`,
  },
  {
    file: 'linger-off', title: 'A user unit that ends with the last logout', args: ['--unit', 'evening', '--user'], as: 'eve',
    text: 'A dictation service of a user without linger: it and its runtime folder vanish at logout.',
    scene: `useradd -m -u 1502 -s /bin/bash eve; systemctl start user@1502; for i in $(seq 100); do [ -S /run/user/1502/bus ] && break; sleep .05; done
${userUnit('eve', 1502, 'evening', '[Service]\nExecStart=/usr/bin/sleep infinity\n[Install]\nWantedBy=default.target', 'enable --now evening')}`,
  },
  {
    file: 'quota-of-an-idle-service', title: 'Half a CPU, and nothing to do', args: ['--unit', 'idle-half'],
    text: 'CPUQuota=50% while the service waits. That it is throttled when it works cannot be seen now.',
    scene: unit('idle-half', 'ExecStart=/usr/bin/sleep infinity\nEnvironment=OMP_NUM_THREADS=4\nCPUQuota=50%'),
  },
  {
    file: 'throttled', title: 'Half a CPU, and all of it used', args: ['--unit', 'busy-half'],
    text: 'CPUQuota=50% on PocketSphinx while it decodes: stopped in nearly every period.',
    scene: unit('busy-half', 'ExecStart=/usr/bin/pocketsphinx_continuous -hmm /usr/share/pocketsphinx/model/en-us/en-us -lm /usr/share/pocketsphinx/model/en-us/en-us.lm.bin -dict /usr/share/pocketsphinx/model/en-us/cmudict-en-us.dict -logfn /dev/null -infile /opt/parts/speech.wav\nRestart=always\nCPUQuota=50%') + '\nsleep 3',
  },
  {
    file: 'python-wheels-unreachable', title: 'CUDA came with pip, and the loader does not look there', args: ['--unit', 'pipped'],
    text: 'onnxruntime-gpu and the nvidia wheels lie in the same site directory (stand-ins in the layout of the real ones). Nothing puts their folders on the path of the loader.',
    scene: `systemctl stop web; D=/usr/local/lib/python3.11/dist-packages; mkdir -p $D/onnxruntime/capi $D/onnxruntime_gpu-1.26.0.dist-info $D/nvidia/cublas/lib $D/nvidia/cudnn/lib $D/nvidia/cuda_runtime/lib $D/nvidia/cufft/lib $D/nvidia/curand/lib $D/nvidia/cuda_nvrtc/lib
printf 'Metadata-Version: 2.1\\nName: onnxruntime-gpu\\nVersion: 1.26.0\\n' >$D/onnxruntime_gpu-1.26.0.dist-info/METADATA; touch $D/onnxruntime_gpu-1.26.0.dist-info/RECORD $D/onnxruntime/__init__.py $D/onnxruntime/capi/__init__.py
cp /opt/parts/ort/libonnxruntime_providers_*.so $D/onnxruntime/capi/
mv /opt/parts/cuda /root/cuda-away; mv /opt/parts/cudnn /root/cudnn-away
cp /root/cuda-away/libcublas*.so.12 $D/nvidia/cublas/lib/; cp /root/cudnn-away/*.so.9 $D/nvidia/cudnn/lib/; cp /root/cuda-away/libcudart.so.12 $D/nvidia/cuda_runtime/lib/; cp /root/cuda-away/libcufft.so.11 $D/nvidia/cufft/lib/; cp /root/cuda-away/libcurand.so.10 $D/nvidia/curand/lib/; cp /root/cuda-away/libnvrtc.so.12 $D/nvidia/cuda_nvrtc/lib/
mkdir -p /opt/pipped; printf 'import time\\nimport onnxruntime\\ntime.sleep(99999)\\n' >/opt/pipped/server.py
${unit('pipped', 'ExecStart=/usr/bin/python3 /opt/pipped/server.py\nEnvironment=ASR_DEVICE=cuda')}`,
  },
  {
    file: 'python-namespace-idiom', title: 'A program that asks a namespace package for its file', args: ['--unit', 'idiom'],
    text: 'The line of the faster-whisper README: os.path.dirname(nvidia.cublas.lib.__file__). The wheels have no __init__.py, so __file__ is None and the line fails on every Python.',
    scene: `mkdir -p /opt/idiom; cat >/opt/idiom/server.py <<'END_OF_PROGRAM'
import os
import time
try:
    import nvidia.cublas.lib
    os.environ["LD_LIBRARY_PATH"] = os.path.dirname(nvidia.cublas.lib.__file__)
except Exception:
    pass
import onnxruntime
time.sleep(99999)
END_OF_PROGRAM
${unit('idiom', 'ExecStart=/usr/bin/python3 /opt/idiom/server.py\nEnvironment=ASR_DEVICE=cuda')}`,
  },
  {
    file: 'python-roots-split', title: 'cuBLAS in one site directory, cuDNN in the other', args: ['--unit', 'split'],
    text: 'As in incident 3: pip put cuDNN into the user site, and cuBLAS lies in the system’s. nvidia.__path__ has two entries, and code that takes the first misses the other.',
    scene: `U=/home/asr/.local/lib/python3.11/site-packages/nvidia/cudnn; mkdir -p $U; mv /usr/local/lib/python3.11/dist-packages/nvidia/cudnn/lib $U/; rmdir /usr/local/lib/python3.11/dist-packages/nvidia/cudnn; chown -R asr: /home/asr/.local
mkdir -p /opt/split; cp /opt/pipped/server.py /opt/split/
${unit('split', 'ExecStart=/usr/bin/python3 /opt/split/server.py\nEnvironment=ASR_DEVICE=cuda')}`,
  },
  {
    file: 'cpuset-narrow', title: 'Two threads on one CPU', args: ['--unit', 'narrow'],
    text: 'The service was put into a cpuset of one CPU of two; ONNX Runtime takes a thread for each core of the machine.',
    scene: `rm -rf /usr/local/lib/python3.11/dist-packages/nvidia /usr/local/lib/python3.11/dist-packages/onnxruntime* /home/asr/.local; mv /root/cuda-away /opt/parts/cuda; mv /root/cudnn-away /opt/parts/cudnn
${engine('narrow')}
${unit('narrow', `ExecStart=/opt/narrow/bin/asr-server infinity\nEnvironment=ASR_DEVICE=cpu`)}
mkdir -p /sys/fs/cgroup/cpuset/narrow; cat /sys/fs/cgroup/cpuset/cpuset.mems >/sys/fs/cgroup/cpuset/narrow/cpuset.mems; echo 0 >/sys/fs/cgroup/cpuset/narrow/cpuset.cpus; systemctl show -p MainPID --value narrow >/sys/fs/cgroup/cpuset/narrow/cgroup.procs`,
  },
  {
    file: 'limit-not-enforced', title: 'A limit that is shown and does not hold', args: ['--unit', 'unbound', '--user'], as: 'asr',
    text: 'On cgroup v1 the user manager cannot set limits: systemctl --user shows CPUQuota=50%, and the process sits in a group without any.',
    scene: `systemctl stop busy-half\n${userUnit('asr', 1500, 'unbound', '[Service]\nExecStart=/usr/bin/sleep infinity\nCPUQuota=50%\nMemoryMax=500M')}`,
  },
  ...cgroupStories,
  {
    file: 'no-session-no-sound', title: 'A system service that looks for a sound server of its own', args: ['--unit', 'deaf'], as: 'asr',
    text: 'The recogniser of a user records well in his session. As a system service it has neither XDG_RUNTIME_DIR nor PULSE_SERVER.',
    scene: `systemctl stop tight\n${unit('deaf', 'ExecStart=/usr/bin/perl -e "sleep 99999" -- parec --device=alsa_input.usb-Generic_USB_Audio-00.iec958-stereo', 'After=sound.target')}`,
  },
  {
    file: 'sources-differ', title: 'Another sound server than the session has', args: ['--unit', 'elsewhere', '--user'], as: 'asr',
    text: 'PULSE_SERVER of the unit names a second PulseAudio, which has one microphone of its own; the session has two others.',
    scene: `cat >/opt/parts/second.pa <<'END_OF_PULSE'
load-module module-native-protocol-unix socket=/run/user/1500/second.sock
load-module module-null-sink sink_name=second_output
load-module module-null-source source_name=alsa_input.second-room.mono
END_OF_PULSE
${userUnit('asr', 1500, 'second-pulse', '[Service]\nExecStart=/usr/bin/pulseaudio -n -F /opt/parts/second.pa --exit-idle-time=-1 --use-pid-file=no --disallow-exit\nEnvironment=DBUS_SESSION_BUS_ADDRESS=unix:path=/run/none')}
for i in $(seq 100); do [ -S /run/user/1500/second.sock ] && break; sleep .05; done; sleep 0.3
${userUnit('asr', 1500, 'elsewhere', '[Service]\nExecStart=/usr/bin/parec /dev/null\nEnvironment=PULSE_SERVER=unix:/run/user/1500/second.sock')}`,
  },
  {
    file: 'only-monitors', title: 'Every source is a monitor', args: ['--unit', 'echo', '--user'], as: 'asr',
    text: 'Both microphones are gone; what is left records what the loudspeakers play.',
    scene: `setpriv --reuid 1500 --regid 1500 --init-groups env XDG_RUNTIME_DIR=/run/user/1500 pactl unload-module module-null-source
${userUnit('asr', 1500, 'echo', '[Unit]\nAfter=pulseaudio.service\n[Service]\nExecStart=/usr/bin/parec /dev/null')}`,
  },
  ...gpuStories,
]
