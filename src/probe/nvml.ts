/**
 * Watches the GPUs while an engine is tried, through libnvidia-ml.so.1 and ctypes; no library, no watching. Numbers and
 * structures after nvml.h: nvmlProcessUtilizationSample_t, nvmlProcessInfo_v2_t, nvmlUtilization_t, nvmlMemory_t.
 */
export const NVML = `
import ctypes, threading, time
class Sample(ctypes.Structure):
    _fields_ = [('pid', ctypes.c_uint), ('at', ctypes.c_ulonglong), ('sm', ctypes.c_uint), ('mem', ctypes.c_uint), ('enc', ctypes.c_uint), ('dec', ctypes.c_uint)]
class Running(ctypes.Structure):
    _fields_ = [('pid', ctypes.c_uint), ('used', ctypes.c_ulonglong), ('gpu', ctypes.c_uint), ('compute', ctypes.c_uint)]
class Rates(ctypes.Structure):
    _fields_ = [('gpu', ctypes.c_uint), ('memory', ctypes.c_uint)]
class Memory(ctypes.Structure):
    _fields_ = [('total', ctypes.c_ulonglong), ('free', ctypes.c_ulonglong), ('used', ctypes.c_ulonglong)]
SMALL, SM_CLOCK, UNKNOWN = 7, 1, 2 ** 64 - 1
class Nvml:
    def __init__(self):
        self.library = ctypes.CDLL('libnvidia-ml.so.1')
        self.check('nvmlInit_v2')
        text_ = ctypes.create_string_buffer(96)
        self.driver = text(text_.value) if self.call('nvmlSystemGetDriverVersion', text_, 96) == 0 else None
        count = ctypes.c_uint(0)
        self.check('nvmlDeviceGetCount_v2', ctypes.byref(count))
        self.handles = []
        for at in range(min(count.value, 16)):
            handle = ctypes.c_void_p()
            if self.call('nvmlDeviceGetHandleByIndex_v2', at, ctypes.byref(handle)) == 0:
                self.handles.append(handle)
    def call(self, name, *args):
        try:
            function = getattr(self.library, name)
        except AttributeError:
            return 13
        return function(*args)
    def check(self, name, *args):
        code = self.call(name, *args)
        if code != 0:
            raise OSError('%s answered %d' % (name, code))
    def close(self):
        self.call('nvmlShutdown')
    def free(self, handle):
        memory = Memory()
        return memory.free if self.call('nvmlDeviceGetMemoryInfo', handle, ctypes.byref(memory)) == 0 else None
    def name(self, handle):
        return self.word('nvmlDeviceGetName', handle) or '?'
    def uuid(self, handle):
        return self.word('nvmlDeviceGetUUID', handle) or ''
    def word(self, name, handle):
        text_ = ctypes.create_string_buffer(96)
        return text(text_.value) if self.call(name, handle, text_, 96) == 0 else None
    def usable(self, env):
        # The device that a CUDA program takes by itself: the first of CUDA_VISIBLE_DEVICES. NVML counts along the PCI bus, and CUDA
        # does so among devices of one kind, or where it is told to; else any of them may be meant.
        chosen = env.get('CUDA_VISIBLE_DEVICES', '0').split(',')[0].strip()
        if chosen.startswith('GPU-'):
            return [handle for handle in self.handles if self.uuid(handle).startswith(chosen)]
        ordered = env.get('CUDA_DEVICE_ORDER') == 'PCI_BUS_ID' or len(set(self.name(handle) for handle in self.handles)) == 1
        if chosen.isdigit() and int(chosen) < len(self.handles) and ordered:
            return [self.handles[int(chosen)]]
        return self.handles
    def computing(self, handle):
        for name in ('nvmlDeviceGetComputeRunningProcesses_v3', 'nvmlDeviceGetComputeRunningProcesses_v2'):
            count = ctypes.c_uint(128)
            found = (Running * 128)()
            code = self.call(name, handle, ctypes.byref(count), found)
            if code == 0:
                return dict((one.pid, one.used) for one in found[:min(count.value, 128)])
            if code != 13:
                break
        return {}
    def used(self, handle, pid, since):
        count = ctypes.c_uint(0)
        if self.call('nvmlDeviceGetProcessUtilization', handle, None, ctypes.byref(count), ctypes.c_ulonglong(since)) != SMALL or count.value == 0:
            return [], since
        found = (Sample * min(count.value, 4096))()
        count = ctypes.c_uint(len(found))
        if self.call('nvmlDeviceGetProcessUtilization', handle, found, ctypes.byref(count), ctypes.c_ulonglong(since)) != 0:
            return [], since
        found = found[:min(count.value, len(found))]
        return [one.sm for one in found if one.pid == pid and one.sm <= 100 and one.at > since], max([since] + [one.at for one in found])
class Watch(threading.Thread):
    # A sample tells of up to a second that lies before it (nvmlDeviceGetProcessUtilization).
    SAMPLE_US = 1000000
    def __init__(self, pid):
        threading.Thread.__init__(self)
        self.daemon = True
        self.pid, self.over, self.gpus, self.nvml, self.all, self.part = pid, threading.Event(), [], None, [], None
    def fresh(self, since):
        return [{'name': self.nvml.name(h), 'seen': False, 'ownSm': None, 'ownMemoryBytes': None, 'allSm': None, 'smClockMhz': None, 'throttle': 0, 'samples': 0, 'since': since} for h in self.nvml.handles]
    def run(self):
        try:
            self.nvml = Nvml()
        except Exception:
            return
        self.all = self.fresh(int(time.time() * 1e6))
        while True:
            last = self.over.is_set()
            for states in [self.all, self.part or []]:
                self.look_at(states)
            if last:
                break
            self.over.wait(0.1)
        self.gpus = self.told(self.all)
        self.nvml.close()
    def look_at(self, states):
        for handle, state in zip(self.nvml.handles, states):
            self.look(self.nvml, handle, state)
    def told(self, states):
        return [dict((key, value) for key, value in state.items() if key != 'since') for state in states]
    # Both are called by a thread that must not hang with NVML.
    def begin(self):
        # What was done before must not count for what begins now.
        if self.all:
            self.part = [dict(state, seen=False, ownSm=None, ownMemoryBytes=None, allSm=None, smClockMhz=None, throttle=0, samples=0, since=int(time.time() * 1e6) + self.SAMPLE_US) for state in self.all]
    def end(self):
        part, self.part = self.part, None
        return self.told(part or [])
    def look(self, nvml, handle, state):
        state['samples'] += 1
        used = nvml.computing(handle).get(self.pid)
        if used is not None:
            state['seen'] = True
            if used != UNKNOWN:
                state['ownMemoryBytes'] = max(state['ownMemoryBytes'] or 0, used)
        shares, state['since'] = nvml.used(handle, self.pid, state['since'])
        if shares:
            state['ownSm'] = max([state['ownSm'] or 0] + shares)
        rates = Rates()
        if nvml.call('nvmlDeviceGetUtilizationRates', handle, ctypes.byref(rates)) == 0:
            state['allSm'] = max(state['allSm'] or 0, rates.gpu)
        clock, reasons = ctypes.c_uint(0), ctypes.c_ulonglong(0)
        if nvml.call('nvmlDeviceGetClockInfo', handle, SM_CLOCK, ctypes.byref(clock)) == 0:
            low, high = state['smClockMhz'] or [clock.value, clock.value]
            state['smClockMhz'] = [min(low, clock.value), max(high, clock.value)]
        # The older name of the two goes with CUDA 14.
        for name in ('nvmlDeviceGetCurrentClocksEventReasons', 'nvmlDeviceGetCurrentClocksThrottleReasons'):
            if nvml.call(name, handle, ctypes.byref(reasons)) == 0:
                state['throttle'] |= reasons.value
                break
`
