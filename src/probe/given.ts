/** What a model is given: made-up input that fits it, and a place only where there is room for a second copy beside the service. */
export const GIVEN = `def feeds(session, numpy):
    types = {'tensor(float)': 'float32', 'tensor(float16)': 'float16', 'tensor(double)': 'float64', 'tensor(int64)': 'int64', 'tensor(int32)': 'int32', 'tensor(bool)': 'bool', 'tensor(uint8)': 'uint8', 'tensor(int8)': 'int8'}
    # A second is 16000 samples, or about a hundred frames of features; tokens come one by one.
    second = 16000 if any('float' in one.type and len(one.shape) == 2 and not isinstance(one.shape[1], int) for one in session.get_inputs()) else 100
    made = {}
    for one in session.get_inputs():
        time_ = (second if len(one.shape) == 2 else 100) if 'float' in one.type else 1
        # A dimension without a number is the batch or time.
        shape = [d if isinstance(d, int) and d > 0 else 1 if at == 0 or 'batch' in str(d).lower() else time_ for at, d in enumerate(one.shape)]
        count = 1
        for d in shape:
            count *= d
        if one.type not in types or count > 2 ** 24:
            raise ValueError('the input %s is %s %s' % (one.name, one.type, shape))
        kind = types[one.type]
        if kind.startswith('float'):
            made[one.name] = (numpy.sin(numpy.arange(count)) * 0.1).astype(kind).reshape(shape)
        else:
            made[one.name] = numpy.full(shape, (kind != 'bool') * (second if 'len' in one.name.lower() else 1), kind)
    return made

def weight(path):
    stem = path.rsplit('.', 1)[0]
    sizes = [os.path.getsize(each) for each in (path, path + '.data', path + '_data', stem + '.data', stem + '.weights') if os.path.isfile(each)]
    if not sizes:
        raise IOError('there is no file ' + path)
    return sum(sizes)

class Spared(Exception):
    pass

def room(path):
    size = weight(path)
    try:
        with open('/proc/meminfo') as file:
            free = int(re.search(r'MemAvailable:\\s+(\\d+)', file.read()).group(1)) * 1024
    except Exception:
        free = 0
    for where, there in [('memory', free)] + [('GPU memory', each) for each in free_gpu]:
        if gpu or where == 'memory':
            if size * 3 > there:
                raise Spared('a second copy of %d MiB is not loaded beside the service: %d MiB of %s are free' % (size >> 20, there >> 20, where))

`
