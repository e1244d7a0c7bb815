/**
 * Which environment variables can change what a speech service does while it runs, and which only seem to. One table:
 * the matrix, the checks and the explanations all read it. Values of other variables are never shown.
 */
export type Group = 'loader' | 'gpu' | 'threads' | 'models' | 'cache' | 'audio' | 'python' | 'session' | 'build' | 'desktop'

export interface KnownVariable {
  /** A whole name, or a prefix when it ends in `*`. */
  readonly name: string
  readonly matters: boolean
  readonly group: Group
  readonly because: string
  /** Where this is written down. */
  readonly source: string
}

const LD_SO = 'https://man7.org/linux/man-pages/man8/ld.so.8.html'
const CUDA = 'https://docs.nvidia.com/cuda/cuda-c-programming-guide/index.html#cuda-environment-variables'
const CONTAINER = 'https://docs.nvidia.com/datacenter/cloud-native/container-toolkit/latest/docker-specialized.html'
const HUB = 'https://huggingface.co/docs/huggingface_hub/package_reference/environment_variables'
const PULSE = 'https://man.archlinux.org/man/pulseaudio.1.en#ENVIRONMENT'
const PYTHON = 'https://docs.python.org/3/using/cmdline.html#environment-variables'
const TORCH = 'https://docs.pytorch.org/docs/stable/cpp_extension.html'
const XDG = 'https://specifications.freedesktop.org/basedir-spec/latest/'

const row = (matters: boolean, group: Group, source: string) => (because: string, ...names: readonly string[]): readonly KnownVariable[] =>
  names.map((name) => ({ name, matters, group, because, source }))

export const VARIABLES: readonly KnownVariable[] = [
  ...row(true, 'loader', LD_SO)('The dynamic loader searches these folders for libraries such as cuBLAS and cuDNN.', 'LD_LIBRARY_PATH'),
  ...row(true, 'loader', LD_SO)('The dynamic loader loads these objects before all others.', 'LD_PRELOAD'),
  ...row(true, 'loader', LD_SO)('It changes how the dynamic loader searches or binds.', 'LD_AUDIT', 'LD_BIND_NOW'),
  ...row(true, 'loader', 'https://docs.rs/ort')('The Rust crate ort loads ONNX Runtime from this file.', 'ORT_DYLIB_PATH'),
  ...row(true, 'gpu', CUDA)('CUDA shows the program only these GPUs; an empty value or -1 hides them all.', 'CUDA_VISIBLE_DEVICES'),
  ...row(true, 'gpu', CUDA)('It changes how CUDA numbers, loads or waits for devices and kernels.', 'CUDA_DEVICE_ORDER', 'CUDA_MODULE_LOADING', 'CUDA_DEVICE_MAX_CONNECTIONS', 'CUDA_FORCE_PTX_JIT', 'CUDA_DISABLE_PTX_JIT', 'CUDA_MPS_PIPE_DIRECTORY'),
  ...row(true, 'gpu', CONTAINER)('The NVIDIA container runtime reads it; outside a container it has no effect.', 'NVIDIA_VISIBLE_DEVICES', 'NVIDIA_DRIVER_CAPABILITIES'),
  ...row(true, 'gpu', 'https://opennmt.net/CTranslate2/environment_variables.html')('CTranslate2 reads it when it starts.', 'CT2_*'),
  ...row(true, 'gpu', 'https://onnxruntime.ai/docs/')('ONNX Runtime or a library around it reads it when it starts.', 'ORT_*'),
  ...row(true, 'gpu', 'https://github.com/ggml-org/llama.cpp/blob/master/docs/build.md')('The ggml library of whisper.cpp reads it when it starts.', 'GGML_*'),
  ...row(true, 'gpu', 'https://docs.pytorch.org/docs/stable/notes/cuda.html')('PyTorch’s GPU memory allocator reads it.', 'PYTORCH_CUDA_ALLOC_CONF', 'PYTORCH_ALLOC_CONF'),
  ...row(true, 'gpu', 'https://docs.nvidia.com/cuda/cublas/')('A library of NVIDIA’s, such as cuBLAS or cuDNN, reads it when it starts.', 'CUBLAS_WORKSPACE_CONFIG', 'NVIDIA_TF32_OVERRIDE', 'CUDNN_*'),
  ...row(true, 'threads', 'https://www.openmp.org/spec-html/5.2/openmpch21.html')('It sets how many threads the engine starts, or where they run.', 'OMP_NUM_THREADS', 'MKL_NUM_THREADS', 'OPENBLAS_NUM_THREADS', 'OMP_PROC_BIND', 'OMP_PLACES', 'KMP_AFFINITY', 'GOMP_CPU_AFFINITY', 'OMP_WAIT_POLICY'),
  ...row(true, 'models', HUB)('The Hugging Face libraries look for models there, or may not fetch them.', 'HF_HOME', 'HF_HUB_CACHE', 'HUGGINGFACE_HUB_CACHE', 'TRANSFORMERS_CACHE', 'HF_HUB_OFFLINE', 'TRANSFORMERS_OFFLINE'),
  ...row(true, 'models', 'https://docs.pytorch.org/docs/stable/hub.html')('PyTorch keeps downloaded models there.', 'TORCH_HOME'),
  ...row(true, 'cache', CUDA)('CUDA keeps kernels compiled for this GPU there; without it, or when disabled, it compiles them at each start.', 'CUDA_CACHE_PATH', 'CUDA_CACHE_DISABLE', 'CUDA_CACHE_MAXSIZE'),
  ...row(true, 'cache', XDG)('Caches of models and kernels lie below it where nothing more exact is set.', 'XDG_CACHE_HOME'),
  ...row(true, 'audio', PULSE)('PulseAudio clients connect to this server.', 'PULSE_SERVER', 'PULSE_RUNTIME_PATH', 'PULSE_CLIENTCONFIG'),
  ...row(true, 'audio', PULSE)('PulseAudio clients record from this source.', 'PULSE_SOURCE'),
  ...row(true, 'audio', PULSE)('PulseAudio clients show this cookie to be let in.', 'PULSE_COOKIE'),
  ...row(true, 'audio', 'https://docs.pipewire.org/page_man_pipewire_1.html')('PipeWire clients connect to this server.', 'PIPEWIRE_REMOTE', 'PIPEWIRE_RUNTIME_DIR'),
  ...row(true, 'audio', 'https://www.alsa-project.org/wiki/Asoundrc')('ALSA takes its configuration from this file.', 'ALSA_CONFIG_PATH', 'ALSA_CARD'),
  ...row(true, 'audio', XDG)('Sound servers put their sockets into this folder.', 'XDG_RUNTIME_DIR'),
  ...row(true, 'python', PYTHON)('Python looks for packages there first.', 'PYTHONPATH', 'PYTHONHOME', 'PYTHONUSERBASE'),
  ...row(true, 'python', PYTHON)('Python leaves out packages installed for the user alone.', 'PYTHONNOUSERSITE'),
  ...row(true, 'python', 'https://docs.python.org/3/library/venv.html')('Scripts and launchers read it to find the virtual environment; the interpreter itself does not.', 'VIRTUAL_ENV', 'CONDA_PREFIX'),
  ...row(true, 'session', 'https://man7.org/linux/man-pages/man7/environ.7.html')('Programs named without a path are looked for there.', 'PATH'),
  ...row(true, 'session', 'https://man7.org/linux/man-pages/man7/environ.7.html')('User packages, model caches and the CUDA kernel cache lie below it.', 'HOME'),
  ...row(false, 'build', 'https://docs.nvidia.com/cuda/cuda-installation-guide-linux/')('Compilers and build scripts read it; ONNX Runtime, CTranslate2 and ggml find their libraries through the dynamic loader instead.', 'CUDA_HOME', 'CUDA_ROOT', 'CUDA_TOOLKIT_ROOT_DIR', 'CUDNN_HOME', 'CUDACXX'),
  ...row(false, 'build', 'https://opennmt.net/CTranslate2/installation.html')('Build scripts read it; CTranslate2 reads it at run time on Windows only.', 'CUDA_PATH'),
  ...row(false, 'build', TORCH)('It names the GPU generations to compile for; what is already compiled does not change.', 'TORCH_CUDA_ARCH_LIST', 'CUDA_ARCHITECTURES', 'CMAKE_CUDA_ARCHITECTURES', 'CUDAARCHS'),
  ...row(false, 'build', TORCH)('Build scripts read it to compile with CUDA; a built engine does not look at it.', 'FORCE_CUDA'),
  ...row(false, 'build', 'https://gcc.gnu.org/onlinedocs/gcc/Environment-Variables.html')('The linker reads it at build time; the loader at run time does not.', 'LIBRARY_PATH', 'CPATH', 'LD_RUN_PATH'),
  ...row(false, 'desktop', 'https://man7.org/linux/man-pages/man7/X.7.html')('It leads to the screen; neither the GPU for computing nor a sound server is found through it.', 'DISPLAY', 'WAYLAND_DISPLAY', 'XDG_SESSION_TYPE'),
]

const SECRET = /TOKEN|KEY|SECRET|PASS|CREDENTIAL|AUTH/

/** CUDA_LAUNCH_BLOCKING decides by its value: 0 is what it is without. */
export function knownVariable(name: string, value: string | null): KnownVariable | null {
  if (SECRET.test(name)) return null
  if (name === 'CUDA_LAUNCH_BLOCKING') {
    const on = value !== null && value !== '' && value !== '0'
    const because = on ? 'CUDA waits for each kernel, which makes everything slower.' : '0 is the default: it changes nothing.'
    return { name, matters: on, group: 'gpu', because, source: CUDA }
  }
  const exact = VARIABLES.find((each) => each.name === name)
  return exact ?? VARIABLES.find((each) => each.name.endsWith('*') && name.startsWith(each.name.slice(0, -1))) ?? null
}
