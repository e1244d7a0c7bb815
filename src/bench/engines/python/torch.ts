/** What the engines on PyTorch share. Its devices work by themselves: before a clock is read, they are waited for. */
export const TORCH = `
def device():
    if job['threads']:
        torch.set_num_threads(job['threads'])
    if job['device'] == 'auto':
        job['device'] = 'cuda' if torch.cuda.is_available() else 'cpu'
    elif job['device'] == 'cuda':
        torch.zeros(1, device='cuda')
    return job['device']

def settle():
    if job['device'] == 'cuda' and 'torch' in globals() and torch.cuda.is_initialized():
        torch.cuda.synchronize()

def torch_version():
    return 'torch %s' % torch.__version__

def weights(module):
    """Where most bytes of the weights lie, and in what precision."""
    total = {}
    for weight in module.parameters():
        key = weight.device.type, str(weight.dtype).replace('torch.', '')
        total[key] = total.get(key, 0) + weight.numel() * weight.element_size()
    place, precision = max(total, key=total.get)
    return {'device': place, 'precision': precision}

def watched(module, phase):
    started = []
    module.register_forward_pre_hook(lambda *_: started.append(now()))
    module.register_forward_hook(lambda *_: (watch.add(phase, started.pop()), None)[1])
`
