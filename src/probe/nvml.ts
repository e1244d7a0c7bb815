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
        text_ = ctypes.create_string_buffer(96)
        return text(text_.value) if self.call('nvmlDeviceGetName', handle, text_, 96) == 0 else '?'
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
        return [one.sm for one in found if one.pid == pid and one.sm <= 100], max([since] + [one.at for one in found])
class Watch(threading.Thread):
    def __init__(self, pid):
        threading.Thread.__init__(self)
        self.daemon = True
        self.pid, self.over, self.gpus = pid, threading.Event(), []
    def run(self):
        try:
            nvml = Nvml()
        except Exception:
            return
        start = int(time.time() * 1e6)
        states = [{'name': nvml.name(h), 'seen': False, 'ownSm': None, 'ownMemoryBytes': None, 'allSm': None, 'smClockMhz': None, 'throttle': 0, 'samples': 0, 'since': start} for h in nvml.handles]
        while True:
            last = self.over.is_set()
            for handle, state in zip(nvml.handles, states):
                self.look(nvml, handle, state)
            if last:
                break
            self.over.wait(0.1)
        for state in states:
            del state['since']
        self.gpus = states
        nvml.close()
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
